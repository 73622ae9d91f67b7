"""Voxels land where they belong, in mm, whichever reader brought them."""

import gzip
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import DeflatedExplicitVRLittleEndian

from orienteer.errors import ScanError
from orienteer.geometry import Volume, canonical
from orienteer.scans.discover import discover
from orienteer.scans.formats.header import LPS_TO_RAS
from orienteer.scans.reading import inspect, read
from tests.scans.dicom_files import series
from tests.scans.files import AFFINE, itk, nifti, text_nrrd, voxels


def _only(folder: Path) -> Volume:
    (source,) = discover(folder)
    return read(source)


def _itk_affine(image: sitk.Image) -> np.ndarray:
    """The affine from steps of ITK's own index-to-world, so that no formula is shared with the reader."""
    origin = np.array(image.TransformIndexToPhysicalPoint((0, 0, 0)))
    affine = np.eye(4)
    for axis in range(3):
        step = [0, 0, 0]
        step[axis] = 1
        affine[:3, axis] = np.array(image.TransformIndexToPhysicalPoint(step)) - origin
    affine[:3, 3] = origin
    return LPS_TO_RAS @ affine


def test_read__nifti_keeps_voxels_affine_and_integers(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii.gz", voxels(), AFFINE)
    volume = _only(tmp_path)
    np.testing.assert_array_equal(volume.array[0], voxels())
    np.testing.assert_allclose(volume.affine, AFFINE)
    assert volume.array.dtype == np.int16


def test_read__nifti_slope_and_intercept_are_applied(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii.gz", voxels(), slope=0.5, intercept=-100)
    stored = np.asarray(nibabel.load(tmp_path / "a.nii.gz").dataobj)
    volume = _only(tmp_path)
    np.testing.assert_allclose(volume.array[0], stored, rtol=1e-6)
    assert volume.array.dtype == np.float32
    assert volume.array.min() < 0


def test_read__big_endian_becomes_native(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(voxels(), AFFINE, header=nibabel.Nifti1Header(endianness=">"))
    nibabel.save(image, tmp_path / "a.nii")
    volume = _only(tmp_path)
    assert volume.array.dtype.isnative
    np.testing.assert_array_equal(volume.array[0], voxels())


def test_read__nifti_2(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti2Image(voxels(), AFFINE), tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(_only(tmp_path).array[0], voxels())


@pytest.mark.parametrize("name", ["a.nrrd", "a.nhdr", "a.mha", "a.mhd"])
@pytest.mark.parametrize("compress", [False, True])
def test_read__itk_formats_agree_with_itk_in_mm(tmp_path: Path, name: str, compress: bool) -> None:
    image = sitk.ReadImage(str(itk(tmp_path / name, compress=compress)))
    volume = _only(tmp_path)
    np.testing.assert_allclose(volume.affine, _itk_affine(image), atol=1e-6)
    index = (3, 7, 2)
    assert volume.array[0][index] == image[index]


def test_read__dicom_agrees_with_itk_in_mm_and_hounsfield(tmp_path: Path) -> None:
    paths = series(tmp_path / "s", names=[f"{n}.dcm" for n in (5, 3, 4, 0, 1, 2)])
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in paths])
    image = reader.Execute()
    volume = _only(tmp_path)
    np.testing.assert_allclose(volume.affine, _itk_affine(image), atol=1e-4)
    np.testing.assert_array_equal(volume.array[0], sitk.GetArrayFromImage(image).T)
    assert volume.array.min() < 0  # HU, not stored numbers


def test_read__dicom_slices_rescale_each_by_their_own_slope(tmp_path: Path) -> None:
    series(tmp_path / "s", positions=[0, 2, 4], slope=0.5, intercept=10.25)
    first = sitk.ReadImage(str(tmp_path / "s" / "slice_000.dcm"))
    np.testing.assert_allclose(_only(tmp_path).array[0][:, :, 0], sitk.GetArrayFromImage(first)[0].T, rtol=1e-6)


def test_read__few_nan_become_the_lowest_value(tmp_path: Path) -> None:
    array = voxels().astype(np.float32) + 5
    array[0, 0, :3] = [np.nan, np.inf, -np.inf]
    nifti(tmp_path / "a.nii.gz", array)
    volume = _only(tmp_path)
    np.testing.assert_array_equal(volume.array[0, 0, 0, :3], np.min(array[np.isfinite(array)]))
    np.testing.assert_array_equal(volume.array[0, 1:], array[1:])


def test_read__gz_that_does_not_compress_gives_its_voxels_and_not_its_compressed_bytes(tmp_path: Path) -> None:
    noise = np.frombuffer(np.random.default_rng(0).bytes(32_000), "<i2").reshape(20, 20, 40)
    path = nifti(tmp_path / "a.nii", noise)
    # Longer than the plain file, so that mapping it into memory would succeed.
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(path.read_bytes()) + gzip.compress(b"") * 20)
    path.unlink()
    np.testing.assert_array_equal(_only(tmp_path).array[0], noise)


def test_read__labels_may_inflate_further_than_a_scan(tmp_path: Path) -> None:
    labels = np.zeros((512, 512, 300), np.uint8)
    labels[200:220, 200:220, 100:110] = 1
    path = nifti(tmp_path / "a.nii", labels)
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    (source,) = discover(tmp_path)
    with pytest.raises(ScanError, match="grow to 78,643,200"):
        read(source)
    assert read(replace(source, sparse=True)).array.sum() == 4000


def test_read__data_below_the_header_is_its_own(tmp_path: Path) -> None:
    path = itk(tmp_path / "a.mhd")
    (tmp_path / "data").mkdir()
    (tmp_path / "a.raw").rename(tmp_path / "data" / "a.raw")
    path.write_text(path.read_text().replace("= a.raw", "= data/a.raw"))
    (source,) = discover(path)
    np.testing.assert_array_equal(read(source).array[0], voxels((10, 14, 12)).T)


def test_read__nrrd_as_text(tmp_path: Path) -> None:
    text_nrrd(tmp_path / "a.nrrd", 960)
    np.testing.assert_array_equal(_only(tmp_path).array[0], np.arange(960).reshape(8, 10, 12).T)


def test_read__deflated_dicom_is_read_like_plain(tmp_path: Path) -> None:
    paths = series(tmp_path / "s")
    plain = _only(tmp_path)
    for path in paths:
        data = pydicom.dcmread(path)
        data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        data.save_as(path)
    np.testing.assert_array_equal(_only(tmp_path).array, plain.array)


def test_read__trailing_axis_is_dropped(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii.gz", voxels((6, 7, 8, 1)))
    assert _only(tmp_path).array.shape == (1, 6, 7, 8)


def test_read__bad_scan_raises_with_file_code_and_cure(tmp_path: Path) -> None:
    nifti(tmp_path / "field.nii.gz", voxels((6, 7, 8, 1, 3)))
    with pytest.raises(ScanError) as caught:
        _only(tmp_path)
    assert caught.value.code == "colour"
    assert "field.nii.gz" in caught.value.message and caught.value.cure


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    angles=st.tuples(*[st.floats(-3, 3)] * 3),
    spacing=st.tuples(*[st.floats(0.3, 6)] * 3),
    offset=st.tuples(*[st.floats(-300, 300)] * 3),
    mirrored=st.booleans(),
)
def test_read__nibabel_and_itk_agree_on_the_world(
    tmp_path: Path, angles: tuple, spacing: tuple, offset: tuple, mirrored: bool
) -> None:
    turn = np.array(sitk.Euler3DTransform((0, 0, 0), *angles).GetMatrix()).reshape(3, 3)
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing * np.array([-1 if mirrored else 1, 1, 1])
    affine[:3, 3] = offset
    path = nifti(tmp_path / "a.nii", affine=affine)
    (source,) = discover(path)
    volume = read(source)
    image = sitk.ReadImage(str(path))
    corners = np.array([[i, j, k, 1] for i in (0, 11) for j in (0, 13) for k in (0, 9)]).T
    assert np.abs(volume.affine @ corners - _itk_affine(image) @ corners).max() < 0.01
    turned = canonical(volume)
    assert turned.axes == "RAS"


def test_inspect__header_alone_says_shape_but_no_range(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii.gz")
    (source,) = discover(tmp_path)
    info = inspect(source, voxels=False)
    assert (info.shape, info.axes, info.low, info.content) == ((12, 14, 10), "LAS", None, "")
    np.testing.assert_allclose(info.extent_mm, (24, 28, 25))
