"""Real odd files: each is read right, or left out with its code."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from orienteer.scans import CheckResult, check, discover, read, survey
from tests.scans.test_read import _itk_affine

USABLE = {
    "big_endian_trailing_axis": ("LPI", (161, 191, 151), {"trailing-axis"}),
    "breast1_image": ("LPS", (45, 120, 21), set()),
    "ct_abdomen_3mm": ("RAS", (122, 101, 112), set()),
    "ct_lung_small": ("LPS", (57, 78, 64), set()),
    "dicom__mr_crops_2__Study1__13_HCropVolume": ("LPS", (35, 51, 32), set()),
    "dicom__mr_crops_2__Study2__14_HCropVolume": ("LPS", (36, 48, 35), set()),
    "dicom__mr_oblique_20__dicom": ("LPS", (256, 256, 20), {"anisotropic"}),
    "mr_oblique_uint8": ("RAS", (176, 188, 144), set()),
    "t2_thick_slices_oblique": ("LAS", (320, 320, 26), {"anisotropic"}),
}
LEFT_OUT = {
    "asl_4d_oblique": "four-dimensional",
    "big_endian_4d_int8": "four-dimensional",
    "dicom__ge_head_ct_tilted_uneven__GE": "dicom-gantry-tilt",
    "dmri_4d": "four-dimensional",
}


@pytest.fixture(scope="module")
def wild(real_data: Path) -> CheckResult:
    return check(real_data / "wild", progress=False)


def test_wild__every_file_is_read_or_left_out_with_a_code(wild: CheckResult) -> None:
    told = {s.id: (s.axes, s.shape, {f.code for f in s.findings}) for s in wild.scans if s.usable}
    assert told == USABLE
    errors = {s.id: {f.code for f in s.findings if f.level == "error"} for s in wild.scans if not s.usable}
    assert set(errors) == set(LEFT_OUT)
    assert all(LEFT_OUT[name] in codes for name, codes in errors.items())


def test_wild__tilted_uneven_ct_is_refused_for_both_reasons(wild: CheckResult) -> None:
    (head,) = (scan for scan in wild.scans if "ge_head_ct" in scan.id)
    messages = {f.code: f.message for f in head.findings if f.level == "error"}
    assert set(messages) == {"dicom-gantry-tilt", "dicom-uneven-gaps"}
    assert "18.5 degrees" in messages["dicom-gantry-tilt"]


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
