"""docs/how-to/train-on-views.md: its blocks run, one after the other."""

import re
from pathlib import Path
from typing import Any

import nibabel
import pytest
import torch

from orienteer.testing.phantom import phantom, phantom_store

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "train-on-views.md"


@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_how_to__the_page_of_views_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    phantom_store(tmp_path)
    volume, _ = phantom(person=9)
    nibabel.save(nibabel.Nifti1Image(volume.array[0], volume.affine), tmp_path / "scan.nii.gz")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 3
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["item"].images.shape == (3, 1, 16, 16, 16) and names["item"].scan.startswith("person_")
    assert len(names["views"]) == 80 and torch.isfinite(names["loss"])
    assert names["image"].shape == (1, 16, 16, 16) and names["image"].affine.shape == (4, 4)
