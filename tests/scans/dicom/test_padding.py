"""Voxels outside the field of view are air, and a value that is data is left alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

from orienteer.scans.discover import discover
from orienteer.scans.reading import inspect, read
from tests.scans.dicom_files import series


def padded(folder: Path, stored: int, *, vr: str, signed: bool, limit: int | None = None, **options: Any) -> NDArray:
    """A series of 100 to 199 in the voxels, a corner of padding in each slice; what is read of it."""
    body = 100 + np.arange(16 * 12).reshape(16, 12) % 100
    for path in series(folder / "s", field=lambda _: body, **options):
        data = pydicom.dcmread(path)
        values = data.pixel_array.astype("<i2" if signed else "<u2")
        values[:4, :4] = stored
        data.PixelRepresentation, data.PixelData = int(signed), values.tobytes()
        data.add_new("PixelPaddingValue", vr, stored if limit is None else limit - 5)
        if limit is not None:
            data.add_new("PixelPaddingRangeLimit", vr, limit)
        data.save_as(path)
    (source,) = discover(folder)
    plain = options.get("modality") == "MR" and stored == 0 and options.get("slope", 1) > 0 and "tags" not in options
    told = [f.code for f in inspect(source).findings]
    assert ("dicom-padding" in told) == (not plain)
    return read(source).array[0]


@pytest.mark.parametrize(
    ("stored", "vr", "signed"), [(-2000, "SS", True), (63536, "US", False), (4095, "US", False), (0, "US", False)]
)
def test_read__padding_of_ct_is_air(tmp_path: Path, stored: int, vr: str, signed: bool) -> None:
    array = padded(tmp_path, stored, vr=vr, signed=signed)
    assert (array[:4, :4] == -1000).all()
    assert (array[4:].min(), array.max()) == (100 - 1024, 199 - 1024)


def test_read__padding_may_be_a_range(tmp_path: Path) -> None:
    assert (padded(tmp_path, 3000, vr="US", signed=False, limit=3002)[:4, :4] == -1000).all()


@pytest.mark.parametrize(("stored", "read_as"), [(0, 0), (150, 150), (4095, 100)])
def test_read__padding_of_mr_is_the_darkest_value_unless_it_is_data(tmp_path: Path, stored: int, read_as: int) -> None:
    array = padded(tmp_path, stored, vr="US", signed=False, modality="MR", intercept=0)
    assert (array[:4, :4] == read_as).all()


NEGATIVE = [{"PhotometricInterpretation": "MONOCHROME1"}] * 6


@pytest.mark.parametrize("stored", [0, 4095])
@pytest.mark.parametrize("upside_down", [{"tags": NEGATIVE}, {"slope": -1.0}])
def test_read__padding_of_mr_whose_values_are_turned_over_is_dark(
    tmp_path: Path, stored: int, upside_down: dict[str, Any]
) -> None:
    array = padded(tmp_path, stored, vr="US", signed=False, modality="MR", intercept=300, **upside_down)
    assert (array[:4, :4] == array.min()).all() and array.max() - array.min() == 99
