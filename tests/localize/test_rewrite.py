"""Copies with other axes: everything but the header's geometry stays, bit for bit, whatever the flavour of NIfTI."""

import gzip
import io
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from orienteer.geometry import Volume
from orienteer.geometry.pose import MIRROR, POSES
from orienteer.localize.oriented import affine_held
from orienteer.localize.rewrite import rewritten
from orienteer.scans.discover import discover
from orienteer.scans.reading import read

AFFINE = np.array([[-2.0, 0, 0, 10], [0, 1.5, 0, -20], [0, 0, 3, 5], [0, 0, 0, 1]])


def opened(data: bytes) -> nib.Nifti1Image:
    plain = gzip.decompress(data)
    second = 540 in (int.from_bytes(plain[:4], "little"), int.from_bytes(plain[:4], "big"))
    return (nib.Nifti2Image if second else nib.Nifti1Image).from_bytes(plain)


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("endian", ["<", ">"])
def test_rewritten__only_geometry_changes(kind: type, packed: bool, endian: str, tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(-900, 900, (4, 5, 6, 2)).astype(f"{endian}i2")
    image = kind(array, AFFINE, kind.header_class(endianness=endian))
    image.header.set_slope_inter(0.5, -3)
    image.header.set_xyzt_units("mm", "sec")
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"stays"))
    path = tmp_path / ("a.nii.gz" if packed else "a.nii")
    nib.save(image, path)
    right = affine_held(AFFINE, (4, 5, 6), MIRROR)
    copy = opened(rewritten(path, Volume(array[None, ..., 0], AFFINE), right))
    np.testing.assert_allclose(copy.affine, right)
    np.testing.assert_allclose(copy.get_qform(), right, atol=1e-4)
    np.testing.assert_array_equal(copy.dataobj.get_unscaled(), nib.load(path).dataobj.get_unscaled())
    np.testing.assert_array_equal(np.asarray(copy.dataobj), np.asarray(nib.load(path).dataobj))
    assert copy.header.get_xyzt_units() == ("mm", "sec") and copy.header.get_zooms()[:3] == (2.0, 1.5, 3.0)
    assert b"stays" in copy.header.extensions[0].get_content()
    assert copy.header.endianness == endian


@pytest.mark.parametrize("dtype", ["bool", "int64", "float64", "uint8", "uint16"])
def test_rewritten__another_format_is_written_as_it_was_read(dtype: str, tmp_path: Path) -> None:
    array = (np.arange(2 * 3 * 4 * 5) % 7).reshape(2, 3, 4, 5).astype(dtype)
    copy = opened(rewritten(tmp_path, Volume(array, AFFINE), AFFINE))
    np.testing.assert_array_equal(np.moveaxis(np.asarray(copy.dataobj), -1, 0), array.astype(float))
    np.testing.assert_allclose(copy.affine, AFFINE)


@pytest.mark.parametrize("name", [
    "oasis/images/1000.nii.gz", "wild/asl_4d_oblique.nii.gz", "wild/big_endian_4d_int8.nii.gz",
    "wild/big_endian_trailing_axis.nii.gz", "wild/t2_thick_slices_oblique.nii.gz",
])  # fmt: skip
def test_real__a_wrong_header_is_undone(name: str, real_data: Path, tmp_path: Path) -> None:
    (source,) = discover(real_data / name)
    volume, pose = read(source), POSES[13] @ MIRROR
    wrong = affine_held(volume.affine, volume.shape, pose)
    (tmp_path / "wrong.nii.gz").write_bytes(rewritten(source.paths[0], volume, wrong))
    (wronged,) = discover(tmp_path / "wrong.nii.gz")
    back = rewritten(wronged.paths[0], read(wronged), affine_held(wrong, volume.shape, pose.inverse))
    np.testing.assert_allclose(opened(back).affine, volume.affine, atol=1e-3)
    raw = gzip.decompress((real_data / name).read_bytes())
    start = int(nib.Nifti1Header.from_fileobj(io.BytesIO(raw), check=False)["vox_offset"])
    assert gzip.decompress(back)[start:] == raw[start:]
