"""A file of several volumes: the first is read, or all as channels; colours and vectors are refused."""

import gzip
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from orienteer.errors import ScanError
from orienteer.scans.discover import discover
from orienteer.scans.reading import inspect, read
from tests.scans.files import AFFINE, cut, itk, nifti, voxels

VOLUMES = (7, 8, 9, 3)


def _written(folder: Path, name: str) -> np.ndarray:
    """A file of three volumes; ``(3, X, Y, Z)`` of it."""
    if ".nii" in name:
        array = voxels(VOLUMES)
        nifti(folder / name, array)
        return np.moveaxis(array, -1, 0)
    if name == "a.hdr":
        array = voxels(VOLUMES)
        nibabel.save(nibabel.Nifti1Pair(array, AFFINE), folder / name)
        return np.moveaxis(array, -1, 0)
    array = voxels(VOLUMES[::-1])
    itk(folder / name, array)
    return array.transpose(0, 3, 2, 1)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.hdr", "a.nrrd", "a.nhdr", "a.mha", "a.mhd"])
def test_four_dimensional__the_first_volume_is_read_or_all_as_channels(tmp_path: Path, name: str) -> None:
    expected = _written(tmp_path, name)
    (source,) = discover(tmp_path)
    info, volume = inspect(source), read(source)
    (found,) = [f for f in info.findings if f.code == "four-dimensional"]
    assert found.level == "warning" and found.message.startswith("3 volumes of 7x8x9 voxels")
    assert (info.shape, info.channels) == ((7, 8, 9), 1)
    np.testing.assert_array_equal(volume.array, expected[:1])
    together = replace(source, volumes="channels")
    all_info, channels = inspect(together), read(together)
    assert (all_info.shape, all_info.channels) == ((7, 8, 9), 3)
    assert "four-dimensional" not in {f.code for f in all_info.findings}
    np.testing.assert_array_equal(channels.array, expected)
    np.testing.assert_allclose(channels.affine, volume.affine)


def test_four_dimensional__scaling_holds_for_each_volume(tmp_path: Path) -> None:
    nifti(tmp_path / "a.nii.gz", voxels(VOLUMES), slope=0.25, intercept=-7)
    whole = nibabel.load(tmp_path / "a.nii.gz").get_fdata()
    (source,) = discover(tmp_path)
    np.testing.assert_allclose(read(source).array[0], whole[..., 0], rtol=1e-6)
    np.testing.assert_allclose(read(replace(source, volumes="channels")).array[2], whole[..., 2], rtol=1e-6)


@pytest.mark.parametrize("first", [True, False])
def test_four_dimensional__a_list_in_a_nrrd_file_is_volumes(tmp_path: Path, first: bool) -> None:
    array = voxels((9, 8, 7, 3) if first else (3, 9, 8, 7))
    axes, sizes = ["(1,0,0)", "(0,2,0)", "(0,0,3)"], "3 7 8 9" if first else "7 8 9 3"
    directions = ["none", *axes] if first else [*axes, "none"]
    kinds = "list domain domain domain" if first else "domain domain domain list"
    header = f"NRRD0004\ntype: short\ndimension: 4\nspace: LPS\nsizes: {sizes}\nendian: little\nencoding: raw\n"
    rest = f"space directions: {' '.join(directions)}\nspace origin: (7,8,9)\nkinds: {kinds}\n\n"
    (tmp_path / "a.nrrd").write_bytes((header + rest).encode() + array.astype("<i2").tobytes())
    (source,) = discover(tmp_path)
    expected = np.moveaxis(array, -1, 0) if first else array
    np.testing.assert_array_equal(read(source).array[0], expected[0].T)
    channels = read(replace(source, volumes="channels"))
    np.testing.assert_array_equal(channels.array, expected.transpose(0, 3, 2, 1))
    np.testing.assert_allclose(channels.affine, np.diag([-1, -2, 3, 1]) + np.c_[np.zeros((4, 3)), [-7, -8, 9, 0]])


@pytest.mark.parametrize("kinds", ["time domain domain domain", "??? domain domain domain"])
def test_four_dimensional__volumes_along_another_axis_are_told(tmp_path: Path, kinds: str) -> None:
    header = "NRRD0004\ntype: short\ndimension: 4\nsizes: 3 7 8 9\nspace: LPS\nspace origin: (7,8,9)\nendian: little\n"
    axes = f"space directions: none (1,0,0) (0,2,0) (0,0,3)\nkinds: {kinds}\nencoding: raw\n\n"
    (tmp_path / "a.nrrd").write_bytes((header + axes).encode() + voxels((9, 8, 7, 3)).tobytes())
    (source,) = discover(tmp_path)
    assert [(f.code, f.level) for f in inspect(source).findings] == [("four-dimensional", "error")]


def test_four_dimensional__a_fifth_axis_holds_a_vector(tmp_path: Path) -> None:
    nifti(tmp_path / "field.nii.gz", voxels((7, 8, 9, 1, 3)))
    (source,) = discover(tmp_path)
    with pytest.raises(ScanError) as caught:
        read(source)
    assert caught.value.code == "colour"


def test_four_dimensional__of_labels_none_is_chosen(tmp_path: Path) -> None:
    nifti(tmp_path / "masks.nii.gz", voxels(VOLUMES) // 1000)
    (source,) = discover(tmp_path)
    with pytest.raises(ScanError) as caught:
        read(replace(source, sparse=True))
    assert caught.value.code == "four-dimensional"


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.nrrd", "a.mha"])
def test_four_dimensional__a_cut_in_the_last_volume_is_told_though_it_is_not_read(tmp_path: Path, name: str) -> None:
    _written(tmp_path, name)
    cut(tmp_path / name, 0.97)
    (source,) = discover(tmp_path)
    assert "truncated" in {f.code for f in inspect(source).findings}


def test_four_dimensional__damage_in_the_last_volume_is_told_though_it_is_not_read(tmp_path: Path) -> None:
    path = nifti(tmp_path / "a.nii.gz", voxels(VOLUMES))
    data = bytearray(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=0))
    data[-100] ^= 1
    path.write_bytes(data)
    (source,) = discover(tmp_path)
    assert "damaged" in {f.code for f in inspect(source).findings}


def test_four_dimensional__one_channel_that_is_constant_is_named(tmp_path: Path) -> None:
    array = voxels(VOLUMES)
    array[..., 1] = 5
    nifti(tmp_path / "a.nii.gz", array)
    (source,) = discover(tmp_path)
    assert inspect(source).usable
    (found,) = inspect(replace(source, volumes="channels")).findings
    assert (found.code, found.message) == ("constant", "channel 1: every voxel is 5")


def test_four_dimensional__itk_agrees_on_the_place_of_the_first_volume(tmp_path: Path) -> None:
    _written(tmp_path, "a.mha")
    image = sitk.ReadImage(str(tmp_path / "a.mha"))
    (source,) = discover(tmp_path)
    index = (3, 5, 7)
    assert read(source).array[0][index] == image[(*index, 0)]
