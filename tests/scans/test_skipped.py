"""What is no scan of its own is named with a code, never passed over in silence."""

import os
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import pydicom
import pytest

from orienteer.scans.catalogue import CATALOGUE
from orienteer.scans.discover import survey
from orienteer.scans.source import Skipped
from tests.scans.dicom_files import screenshot, series
from tests.scans.files import nifti
from tests.scans.layouts.trees import OF_LAYOUTS

SKIPPED = {code for code in CATALOGUE if code.startswith("skipped-")} - OF_LAYOUTS


def _everything(root: Path) -> None:
    """One file or folder for each code that can be made without another user's rights."""
    nifti(root / "case.nii.gz")
    nifti(root / "case_seg.nii.gz")
    nifti(root / "labels" / "case.nii.gz")
    (root / "people.tsv").write_text("id\tperson\n")
    (root / "empty.nii").mkdir()
    os.mkfifo(root / "pipe")
    nifti(root / "store" / "arrays" / "x.nii.gz")
    (root / "store" / "manifest.json").write_text("{}")
    (root / "run").mkdir()
    (root / "run" / "run.json").write_text("{}")
    (root / "run" / "settings.yaml").write_text("{}")
    nifti(root / "predictions" / "case.nii.gz")
    (root / "predictions" / "predictions.json").write_text('{"predictions": {"case": "case.nii.gz"}}')
    (report,) = series(root / "report", positions=[0])
    dataset = pydicom.dcmread(report)
    dataset.Modality = "SR"
    dataset.save_as(report)
    screenshot(root / "shot")
    (root / "IM0001").symlink_to("never-fetched")


def test_survey__every_code_is_provoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _everything(tmp_path)
    (tmp_path / "closed").write_bytes(b"x")
    (tmp_path / "ward").mkdir()
    module = import_module("orienteer.scans.formats.dicom")
    honest, listing = module.is_dicom, os.scandir

    def shut(path: Path) -> bool:
        if path.name == "closed":
            raise PermissionError(13, "Permission denied")
        return honest(path)

    def scandir(path: str):
        if Path(path).name == "ward":
            raise PermissionError(13, "Permission denied", path)
        return listing(path)

    monkeypatch.setattr(module, "is_dicom", shut)
    monkeypatch.setattr(os, "scandir", scandir)
    found = survey(tmp_path)
    assert [source.id for source in found.sources] == ["case"]
    told = {skip.relative: skip.code for skip in found.skipped}
    assert set(told.values()) == SKIPPED
    assert told["closed"] == "skipped-file-closed" and told["ward"] == "skipped-folder-closed"


def test_skipped__a_reason_is_the_catalogues(tmp_path: Path) -> None:
    skip = Skipped("a/b.docx", "skipped-format")
    assert skip.reason == CATALOGUE["skipped-format"].meaning
    assert asdict(skip) == {"relative": "a/b.docx", "code": "skipped-format"}


def test_catalogue__skips_never_cost_a_scan() -> None:
    assert SKIPPED and {CATALOGUE[code].level for code in SKIPPED} == {"info", "warning"}
    assert all(kind.meaning and kind.cure for kind in CATALOGUE.values())
