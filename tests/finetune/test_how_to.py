"""docs/how-to/use-the-encoder.md: its blocks run, one after the other, and say what is so."""

import re
from pathlib import Path
from typing import Any

import nibabel
import pytest
from safetensors.torch import load_file

from orienteer.runs.pretrain import pretrain
from tests.runs.conftest import tiny

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "use-the-encoder.md"
AS_THE_PAGE_SAYS = (
    "network={size: small}", "views={size: 24}",
    "optimiser.steps=1", "evaluation={per_scan: 1, final_per_scan: 1, examples: 0}",
)  # fmt: skip


def test_how_to__the_encoder_page_runs(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tiny("tasks={gap: {}, position: {}}", *AS_THE_PAGE_SAYS)
    pretrain(folder / "store", tmp_path / "run", settings=settings, progress=False)
    nibabel.save(nibabel.load(folder / "scans" / "person_00.nii"), tmp_path / "scan.nii.gz")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 8
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    run, found, encoder = names["run"], names["found"], names["encoder"]
    data = run.record.data
    assert (data.spacing_mm, data.channels, run.settings.views.size) == (3.0, 1, 24)
    assert found.array.shape == (32, 14, 16, 15) and found.spacing_mm == 6.0
    assert (encoder.channels, encoder.strides) == ((16, 32, 64, 128), (1, 2, 4, 8))
    assert names["features"].embedding.shape == (1, 128)
    assert names["features"].dense.shape == (1, 32, 12, 12, 12)
    assert "network.levels.0.conv.unit0.conv.weight" in load_file("encoder.safetensors")
    assert all(weight.grad is not None for weight in encoder.parameters())
