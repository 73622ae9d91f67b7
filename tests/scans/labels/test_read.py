"""Labels beside their scan: crops are put at their place, what lies elsewhere is refused."""

import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from orienteer.geometry import spacing_of
from orienteer.geometry.resample import Grid
from orienteer.scans.discover import discover
from orienteer.scans.labels.read import names_orientation, read_labels
from orienteer.scans.reading import inspect
from tests.scans.files import nifti, patch

SHAPE = (20, 24, 18)
AFFINE = np.diag([-3.0, 3.0, 4.0, 1.0])
AFFINE[:3, 3] = (28, -35, -30)
SCAN = Grid(SHAPE, AFFINE)


def placed(low: tuple[float, float, float], step: NDArray | None = None) -> NDArray:
    """The affine of a grid whose first voxel lies at ``low``, in voxels of the scan."""
    affine = AFFINE.copy()
    affine[:3, :3] = AFFINE[:3, :3] @ (np.eye(3) if step is None else step)
    affine[:3, 3] = (AFFINE @ [*low, 1])[:3]
    return affine


def told(folder: Path, shape: tuple[int, ...], affine: NDArray) -> tuple[str, str, bool]:
    """Code and level of the one finding, and whether the labels are used."""
    nifti(folder / "a.nii.gz", np.ones(shape, np.uint8), affine)
    (source,) = discover(folder)
    volume, found = read_labels(source, SCAN)
    (one,) = found or [None]
    return (one.code, one.level, volume is not None) if one else ("", "", volume is not None)


@pytest.mark.parametrize("low", [(3, 5, 2), (3.4, 5.5, 2.2), (0, 0, 0), (12, 14, 10)])
@pytest.mark.parametrize("shape", [(6, 7, 5), (6, 7, 1), (1, 1, 1)])
def test_place__a_crop_is_used(tmp_path: Path, low: tuple[float, float, float], shape: tuple[int, int, int]) -> None:
    assert told(tmp_path, shape, placed(low)) == ("labels-cropped", "info", True)


def test_place__a_crop_turned_to_other_axes_is_used(tmp_path: Path) -> None:
    turned = placed((10, 12, 3), np.array([[0, -1, 0], [-1, 0, 0], [0, 0, 1]]))
    assert told(tmp_path, (7, 6, 5), turned) == ("labels-cropped", "info", True)


def test_place__a_crop_of_finer_voxels_is_used_with_a_warning(tmp_path: Path) -> None:
    assert told(tmp_path, (12, 14, 10), placed((3, 5, 2), np.eye(3) / 2)) == ("labels-cropped", "warning", True)


@pytest.mark.parametrize(
    ("shape", "affine"),
    [
        (SHAPE, placed((12, 0, 0))),
        (SHAPE, np.eye(4)),
        ((8, 9, 7), np.eye(4)),
        ((8, 9, 7), np.diag([-1.0, -1.0, 1.0, 1.0])),
        ((8, 9, 7), placed((40, 5, 2))),
        ((8, 9, 7), placed((16, 5, 2))),
        (SHAPE, placed((5, 6, 5), np.eye(3) / 2)),
    ],
    ids=["moved", "no header", "crop without header", "ITK's empty header", "far", "half outside", "other voxel size"],
)
def test_place__labels_of_elsewhere_are_refused(tmp_path: Path, shape: tuple[int, int, int], affine: NDArray) -> None:
    assert told(tmp_path, shape, affine) == ("labels-elsewhere", "warning", False)


@pytest.mark.parametrize("shape", [SHAPE, (20, 24, 17), (24, 28, 22)])
def test_place__labels_that_cover_the_scan_need_no_word(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    low = (-2, -2, -2) if shape[0] > 20 else (0, 0, 0)
    assert told(tmp_path, shape, placed(low)) == ("", "", True)


@pytest.mark.parametrize(
    ("low", "code"),
    [
        ((0.1, -0.1, 0.1), ""),
        ((1, 0, 0), "labels-shifted"),
        ((0, 0, -1), "labels-shifted"),
        ((0, 0.6, 0), "labels-shifted"),
    ],
)
def test_place__labels_that_lie_askew_on_the_scan_are_used_with_a_warning(
    tmp_path: Path, low: tuple[float, float, float], code: str
) -> None:
    assert told(tmp_path, SHAPE, placed(low)) == (code, code and "warning", True)
    turned = placed(low) @ np.array([[0, -1, 0, SHAPE[0] - 1], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    assert told(tmp_path, (SHAPE[1], SHAPE[0], SHAPE[2]), turned) == (code, code and "warning", True)


def test_read__segments_in_layers_are_refused_with_a_sentence(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(np.ones((8, 9, 7, 2), np.uint8), isVector=True)
    sitk.WriteImage(image, str(tmp_path / "CT.seg.nrrd"))
    (source,) = discover(tmp_path)
    volume, (found,) = read_labels(source, SCAN)
    assert volume is None and found.code == "labels-layered" and "one label map" in found.cure
    assert found.message.startswith("CT.seg.nrrd: 2 ")


def test_read__labels_with_a_slope_are_read_through_it(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii.gz", np.full(SHAPE, 400, np.int16), AFFINE, slope=0.005)
    (source,) = discover(tmp_path)
    volume, _ = read_labels(source, SCAN)
    assert volume is not None and (volume.array == 2).all()


def _itk(path: Path, array: NDArray, *, oriented: bool) -> None:
    """MetaImage or NRRD at ``AFFINE``, or with no more than its voxel size."""
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ AFFINE
    image = sitk.GetImageFromArray(array.transpose(2, 1, 0))
    spacing = spacing_of(AFFINE)
    image.SetSpacing(spacing)
    if oriented:
        image.SetDirection((lps[:3, :3] / spacing).ravel())
        image.SetOrigin(lps[:3, 3])
    sitk.WriteImage(image, str(path))
    if not oriented:
        sizes = b"spacings: " + b" ".join(b"%g" % mm for mm in spacing) + b"\n"
        text = re.sub(rb"space directions:.*\n", sizes, path.read_bytes())
        path.write_bytes(re.sub(rb"(TransformMatrix =|space:|space origin:|kinds:).*\n", b"", text))


def _nifti(path: Path, array: NDArray, *, oriented: bool) -> None:
    nifti(path, array, AFFINE)
    if not oriented:
        patch(path, 252, "<hh", 0, 0)


@pytest.mark.parametrize("scan", [".nii", ".mha", ".nrrd"])
@pytest.mark.parametrize("label", [".nii", ".mha", ".nrrd"])
@pytest.mark.parametrize("oriented", [(True, False), (False, True), (False, False)])
def test_read__labels_lie_on_the_voxels_of_their_scan_whatever_the_formats_take_for_granted(
    tmp_path: Path, scan: str, label: str, oriented: tuple[bool, bool]
) -> None:
    array = np.random.default_rng(0).integers(0, 3, SHAPE).astype(np.uint8)
    for name, ending, named in (("ct", scan, oriented[0]), ("seg", label, oriented[1])):
        (_nifti if ending == ".nii" else _itk)(tmp_path / f"{name}{ending}", array, oriented=named)
    (of_scan,), (of_labels,) = discover(tmp_path / f"ct{scan}"), discover(tmp_path / f"seg{label}")
    info = inspect(of_scan)
    assert info.affine is not None and names_orientation(info.findings) == oriented[0]
    volume, found = read_labels(of_labels, Grid(SHAPE, info.affine), oriented=oriented[0])
    assert volume is not None and np.array_equal(volume.array[0], array)
    assert np.allclose(volume.affine, info.affine, atol=1e-4)
    mixed = oriented[0] != oriented[1] or (scan == ".nii") != (label == ".nii")
    assert ("labels-orientation" in [one.code for one in found]) == mixed


def test_read__a_slope_that_other_tools_do_not_apply_is_told(tmp_path: Path) -> None:
    _itk(tmp_path / "a.mha", np.full(SHAPE, 2, np.uint8), oriented=True)
    slope = b"ElementToIntensityFunctionSlope = 2\nElementDataFile ="
    (tmp_path / "a.mha").write_bytes((tmp_path / "a.mha").read_bytes().replace(b"ElementDataFile =", slope))
    (source,) = discover(tmp_path)
    volume, (found,) = read_labels(source, SCAN)
    assert volume is not None and (volume.array == 4).all()
    assert (found.code, found.level) == ("labels-header", "warning") and "slope 2" in found.message
