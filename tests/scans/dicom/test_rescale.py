"""Stored values become Hounsfield units only where the header says how."""

from pathlib import Path

import pydicom

from orienteer.scans.discover import discover
from orienteer.scans.reading import inspect
from tests.scans.dicom_files import series


def test_inspect__ct_of_which_one_slice_has_no_rescale_is_refused(tmp_path: Path) -> None:
    path = series(tmp_path / "s")[3]
    data = pydicom.dcmread(path)
    del data.RescaleSlope, data.RescaleIntercept
    data.save_as(path)
    (source,) = discover(tmp_path)
    (found,) = [found for found in inspect(source).findings if found.level == "error"]
    assert (found.code, found.message) == ("dicom-mixed", "1 of 6 slices have no RescaleSlope or RescaleIntercept")
