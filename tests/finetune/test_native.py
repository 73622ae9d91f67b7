"""Back on the scan's own grid: round trips through LAS, oblique and thick-sliced scans, made up and real."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from orienteer.finetune.native import to_native
from orienteer.geometry import Volume, canonical
from orienteer.geometry.resample import Grid, isotropic_grid
from orienteer.ingest.resample import resample_labels
from orienteer.scans.discover import discover
from orienteer.scans.placement import Placement
from orienteer.scans.reading import read
from orienteer.scans.write_labels import write_labels
from orienteer.testing.phantom import phantom
from orienteer.testing.strategies import AXIS_MAPS, rotations
from tests.store.phantoms import turned


def on_grid(labels: Volume, spacing: float) -> tuple[NDArray[np.float32], Grid]:
    """What a perfect network would say of a scan that lies where ``labels`` lie."""
    upright = canonical(labels)
    grid = isotropic_grid(upright.shape, upright.affine, spacing)
    classes = resample_labels(upright, grid)
    count = int(labels.array.max()) + 1
    return np.stack([classes == number for number in range(count)]).astype(np.float32), grid


def round_trip(labels: Volume, spacing: float) -> NDArray[np.uint8]:
    likely, grid = on_grid(labels, spacing)
    return to_native(likely, grid, labels.shape, labels.affine)


def dice(mine: NDArray, theirs: NDArray, value: int) -> float:
    a, b = mine == value, theirs == value
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


@settings(max_examples=40)
@given(
    shape=st.tuples(*[st.integers(2, 7)] * 3), axes=st.sampled_from(AXIS_MAPS), turn=rotations(40.0),
    spacing=st.floats(0.7, 4.0), seed=st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_to_native__is_exact_where_the_voxels_are_the_same(
    shape: tuple[int, int, int], axes: NDArray, turn: NDArray, spacing: float, seed: int
) -> None:
    """Every order and direction of axes, oblique too: nothing has to be interpolated, so nothing may change."""
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn @ axes * spacing, (12.0, -80.0, 33.0)
    labels = Volume(np.random.default_rng(seed).integers(0, 5, (1, *shape)).astype(np.uint8), affine)
    assert np.array_equal(round_trip(labels, spacing), labels.array[0])


CASES = {
    "LAS": (turned("LAS", spacing=1.5), (1, 1, 1)),
    "oblique": (turned("RAS", (18, -12, 25), spacing=1.5), (1, 1, 1)),
    "PSR oblique": (turned("PSR", (-9, 21, 6), spacing=1.5), (1, 1, 1)),
    "thick slices": (turned("LPS", (4, 0, 0), spacing=1.5), (1, 1, 4)),
}


@pytest.mark.parametrize("name", CASES)
def test_to_native__organs_come_back(name: str) -> None:
    """1.5 mm (slices of 6 mm in one case) to the network's 2 mm and back."""
    affine, every = CASES[name]
    _, organs = phantom(1, (56, 64, 60), 1.5)
    step = affine @ np.diag([*every, 1.0])
    labels = Volume(organs[None, :: every[0], :: every[1], :: every[2]], step)
    back = round_trip(labels, 2.0)
    assert back.shape == labels.shape and back.dtype == np.uint8
    found = {organ: dice(back, labels.array[0], organ) for organ in range(1, 7)}
    # Organ 3 is a rod, five of the grid's voxels thick: a third of a voxel at its wall weighs more.
    assert found.pop(3) > 0.87
    assert min(found.values()) > 0.92, found


def test_to_native__interpolates_probabilities_not_classes() -> None:
    """Between a voxel that is surely class 1 and one that is 40 % so, the boundary lies beyond the middle."""
    likely = np.zeros((2, 2, 1, 1), dtype=np.float32)
    likely[1, :, 0, 0] = (1.0, 0.4)
    likely[0] = 1 - likely[1]
    grid = Grid((2, 1, 1), np.eye(4))
    fine = np.diag([0.1, 1.0, 1.0, 1.0])
    classes = to_native(likely, grid, (11, 1, 1), fine)[:, 0, 0]
    assert classes.tolist() == [1] * 9 + [0] * 2  # 1 - 0.6 x > 0.5 up to x = 0.83


def test_write__carries_the_affine_and_nothing_else(tmp_path: Path) -> None:
    classes = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    affine = turned("LPI", (10, 20, 30), spacing=1.7)
    write_labels(tmp_path / "a.nii.gz", classes, Placement.of(affine, classes.shape))
    image = nibabel.load(tmp_path / "a.nii.gz")
    assert np.array_equal(np.asarray(image.dataobj), classes)
    assert image.get_data_dtype() == np.uint8
    assert np.allclose(image.affine, affine, atol=1e-5)
    assert np.allclose(image.get_qform(), affine, atol=1e-4)
    assert image.header.get_xyzt_units()[0] == "mm"


def test_write__the_same_prediction_is_the_same_file(tmp_path: Path) -> None:
    classes = np.ones((3, 3, 3), dtype=np.uint8)
    for name in ("a.nii.gz", "b.nii.gz"):
        write_labels(tmp_path / name, classes, Placement.of(np.eye(4), classes.shape))
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_write__a_sheared_grid_is_never_told_as_a_straight_one(tmp_path: Path) -> None:
    """A quaternion has no room for a gantry's tilt; a reader that believes it would be a slice off."""
    affine = np.diag([2.0, 2.0, 5.0, 1.0])
    affine[1, 2] = 1.5
    write_labels(tmp_path / "a.nii", np.ones((2, 2, 2), dtype=np.uint8), Placement.of(affine, (2, 2, 2)))
    image = nibabel.load(tmp_path / "a.nii")
    assert np.allclose(image.affine, affine)
    assert int(image.header["qform_code"]) == 0 and int(image.header["sform_code"]) == 1


def test_real__oasis_labels_in_las_come_back(real_data: Path) -> None:
    (source,) = discover(real_data / "oasis" / "labels" / "1000.nii.gz")
    volume = read(source)
    assert volume.axes == "LAS"
    # Brain stem, right cerebellum, thalamus: structures of several of the coarse voxels.
    merged = np.zeros(volume.array.shape, dtype=np.uint8)
    for number, values in enumerate(((35,), (38,), (59, 60)), start=1):
        merged[np.isin(volume.array, values)] = number
    labels = Volume(merged, volume.affine)
    assert np.array_equal(round_trip(labels, 1.5), merged[0])
    coarse = round_trip(labels, 3.0)
    assert min(dice(coarse, merged[0], number) for number in (1, 2, 3)) > 0.9


@pytest.mark.parametrize("name", ["mr_oblique_uint8.nii.gz", "t2_thick_slices_oblique.nii.gz"])
def test_real__oblique_scans_come_back(name: str, real_data: Path) -> None:
    """Structures made of the scan itself: where its smoothed intensities lie, in three levels."""
    (source,) = discover(real_data / "wild" / name)
    volume = read(source)
    mm = 6.0 / volume.spacing
    smooth = gaussian_filter(volume.array[0].astype(np.float32), mm)
    levels = np.digitize(smooth, np.quantile(smooth, (0.6, 0.85))).astype(np.uint8)
    back = round_trip(Volume(levels[None], volume.affine), 3.0)
    assert back.shape == volume.shape
    assert min(dice(back, levels, number) for number in (1, 2)) > 0.96
