"""Real odd files: each is read right, or left out with its code."""

from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from scipy.ndimage import map_coordinates

from orienteer.scans.check import check
from orienteer.scans.discover import discover, survey
from orienteer.scans.reading import inspect, read
from orienteer.scans.result import CheckResult
from tests.fault_lab import landmarks
from tests.scans.dicom_files import centres
from tests.scans.test_read import _itk_affine

USABLE = {
    "asl_4d_oblique": ("RAS", (52, 68, 20), {"four-dimensional"}),
    "big_endian_4d_int8": ("RPI", (91, 109, 91), {"four-dimensional"}),
    "big_endian_trailing_axis": ("LPI", (161, 191, 151), {"trailing-axis"}),
    "breast1_image": ("LPS", (45, 120, 21), set()),
    "ct_abdomen_3mm": ("RAS", (122, 101, 112), set()),
    "ct_lung_small": ("LPS", (57, 78, 64), set()),
    "dicom__ge_head_ct_tilted_uneven__GE": (
        "LPS",
        (512, 548, 14),
        {"dicom-gantry-tilt", "dicom-uneven-gaps", "dicom-padding", "anisotropic"},
    ),
    "dicom__mr_crops_2__Study1__13_HCropVolume": ("LPS", (35, 51, 32), set()),
    "dicom__mr_crops_2__Study2__14_HCropVolume": ("LPS", (36, 48, 35), set()),
    "dicom__mr_oblique_20__dicom": ("LPS", (256, 256, 20), {"anisotropic"}),
    "dmri_4d": ("RAS", (33, 33, 19), {"four-dimensional"}),
    "mr_oblique_uint8": ("RAS", (176, 188, 144), set()),
    "t2_thick_slices_oblique": ("LAS", (320, 320, 26), {"anisotropic"}),
}
TILTED = "wild/dicom/ge_head_ct_tilted_uneven"


@pytest.fixture(scope="module")
def wild(real_data: Path) -> CheckResult:
    return check(real_data / "wild", progress=False)


def test_wild__every_file_is_read(wild: CheckResult) -> None:
    told = {s.id: (s.axes, s.shape, {f.code for f in s.findings}) for s in wild.scans if s.usable}
    assert told == USABLE
    assert len(wild.scans) == len(USABLE)


def test_wild__every_landmark_is_where_an_independent_reader_finds_it(wild: CheckResult) -> None:
    # GDCM needs ten seconds for one file of the oblique series; test_wild__oblique_dicom_agrees_with_itk pays them.
    others = [scan.source for scan in wild.scans if scan.id != "dicom__mr_oblique_20__dicom"]
    apart = {source.id: landmarks.apart(read(source), source) for source in others}
    # All but the resampled one are exact; that one is found by its voxels, in half voxels.
    assert apart.pop("dicom__ge_head_ct_tilted_uneven__GE") < 0.5
    assert len(apart) == len(USABLE) - 2 and max(apart.values()) < 0.01


def test_wild__tilted_uneven_ct_is_straight_and_even_and_says_so(real_data: Path) -> None:
    (source,) = discover(real_data / TILTED)
    info, volume = inspect(source), read(source)
    assert {f.code: f.level for f in info.findings if f.code.startswith("dicom")} == {
        "dicom-gantry-tilt": "warning",
        "dicom-uneven-gaps": "warning",
        "dicom-padding": "info",  # a quarter of its voxels hold -1500
    }
    messages = " ".join(f.message for f in info.findings)
    assert "18.5 degrees" in messages and "1.08 to 7.00 mm" in messages
    axes = volume.affine[:3, :3] / volume.spacing
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(volume.spacing[:2], 0.4882812)
    assert info.content == inspect(source).content and info.modality == "CT"


def test_wild__tilted_uneven_ct_is_right_in_mm_by_its_headers_alone(real_data: Path) -> None:
    """Each slice, taken to the patient by DICOM's own equation, fits our volume better than 0.25 voxels off."""
    (source,) = discover(real_data / TILTED)
    volume = read(source)
    into, looked_up = np.linalg.inv(volume.affine), 0
    array = volume.array[0].astype(np.float32)
    for path in source.paths:
        data = pydicom.dcmread(path)
        hounsfield = data.pixel_array * float(data.RescaleSlope) + float(data.RescaleIntercept)
        index = np.moveaxis(centres(data) * [-1, -1, 1] @ into[:3, :3].T + into[:3, 3], -1, 0)
        assert np.ptp(index[2]) < 1e-3, "a slice lies in one plane of the grid, or between two"
        assert index.min() > -0.01 and (index.max(axis=(1, 2)) < np.array(volume.shape) - 0.99).all()
        if abs(index[2].mean() - np.rint(index[2].mean())) > 0.05:
            continue  # between two planes the volume holds a mixture of two slices
        looked_up += 1
        brain = np.flatnonzero((hounsfield > -50) & (hounsfield < 100))[::7]
        places, values = index.reshape(3, -1)[:, brain], hounsfield.ravel()[brain]

        def misfit(*step: float, places: np.ndarray = places, values: np.ndarray = values) -> float:
            there = map_coordinates(array, places + np.array(step)[:, None], order=1, mode="nearest")
            return float(np.abs(there - values).mean())

        beside = [misfit(*(0.25 * sign * np.eye(3)[axis])) for axis in (0, 1, 2) for sign in (-1, 1)]
        ends = {0: 4, volume.shape[2] - 1: 5}  # beyond the first and last slice nothing changes
        if (at_end := ends.get(round(float(index[2].mean())))) is not None:
            del beside[at_end]
        assert misfit(0, 0, 0) < min(beside)
        assert misfit(0, 0, 0) < 2.0  # HU
    assert looked_up == 7


def test_wild__no_file_is_lost(real_data: Path) -> None:
    found = survey(real_data / "wild")
    taken = sum(len(source.paths) for source in found.sources)
    assert taken + len(found.skipped) == sum(path.is_file() for path in (real_data / "wild").rglob("*"))


def test_wild__guesses(wild: CheckResult) -> None:
    guess = {scan.id: scan.modality for scan in wild.scans}
    assert (guess["ct_abdomen_3mm"], guess["ct_lung_small"]) == ("CT", "CT")
    assert (guess["dicom__mr_oblique_20__dicom"], guess["t2_thick_slices_oblique"]) == ("MR", "MR")


@pytest.mark.parametrize(
    "name",
    ["wild/ct_abdomen_3mm.nii.gz", "wild/mr_oblique_uint8.nii.gz", "wild/t2_thick_slices_oblique.nii.gz",
     "oasis/images/1003.nii.gz", "hippocampus/images/hippocampus_001.nii.gz"],
)  # fmt: skip
def test_wild__nibabel_and_itk_agree_within_a_hundredth_of_a_mm(real_data: Path, name: str) -> None:
    (source,) = discover(real_data / name)
    volume, image = read(source), sitk.ReadImage(str(real_data / name))
    shape = np.array(volume.shape)
    corners = np.array([[*np.array(pick) * (shape - 1), 1] for pick in np.ndindex(2, 2, 2)]).T
    assert np.abs((volume.affine - _itk_affine(image)) @ corners).max() < 0.01
    index = tuple(int(n) for n in shape // 2)
    assert volume.array[0][index] == pytest.approx(image[index], rel=1e-5)


def test_wild__oblique_dicom_agrees_with_itk(real_data: Path) -> None:
    (source,) = discover(real_data / "wild" / "dicom" / "mr_oblique_20")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in source.paths])
    volume, image = read(source), reader.Execute()
    np.testing.assert_array_equal(volume.array[0], sitk.GetArrayFromImage(image).T)
    np.testing.assert_allclose(volume.affine[:3, 3], _itk_affine(image)[:3, 3], atol=1e-3)
    # Positions are rounded in these headers, so the last slice is where the reader must not have drifted to.
    last = volume.affine @ [0, 0, 19, 1]
    np.testing.assert_allclose(last[:3], [110.5, 96.2063, 59.0425], atol=1e-3)


def test_wild__scaled_nifti_has_the_intensities_nibabel_gives(real_data: Path) -> None:
    path = real_data / "wild" / "mr_oblique_uint8.nii.gz"
    (source,) = discover(path)
    np.testing.assert_allclose(read(source).array[0], nibabel.load(path).get_fdata(), rtol=1e-5)
