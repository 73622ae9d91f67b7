"""The notebook that uses the library alone runs from its first cell to its last."""

import json
from pathlib import Path

import nibabel
import pytest

from orienteer.testing.phantom import phantom, phantom_store
from tests.pages import REPOSITORY

NOTEBOOK = REPOSITORY / "docs" / "notebooks" / "library.ipynb"


@pytest.mark.slow
def test_notebook__runs_on_a_store_and_a_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in document["cells"] if cell["cell_type"] == "code"]
    assert all(not cell.get("outputs") for cell in document["cells"]), "clear the outputs"
    phantom_store(tmp_path)
    volume, _ = phantom(person=9)
    nibabel.save(nibabel.Nifti1Image(volume.array[0], volume.affine), tmp_path / "scan.nii.gz")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "notebook"}
    for number, cell in enumerate(cells):
        exec(compile(cell, f"cell {number}", "exec"), names)
    assert names["maps"].array.shape[0] == 32
