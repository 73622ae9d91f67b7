"""Resampling keeps world positions, intensities and labels; the grid covers the scan."""

import nibabel as nib
import numpy as np
import pytest
import scipy.ndimage as ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from orienteer.geometry import Volume, canonical, spacing_of
from orienteer.geometry.resample import Grid, isotropic_grid, resample_image
from orienteer.ingest.resample import resample_labels
from tests.store.phantoms import turned

SIZES = st.tuples(*[st.integers(2, 60)] * 3)
SPACINGS = st.tuples(*[st.floats(0.3, 6.0)] * 3)


@given(shape=SIZES, spacing=SPACINGS, new=st.floats(0.5, 5.0))
def test_isotropic_grid__covers_the_same_space_around_the_same_centre(shape, spacing, new) -> None:
    affine = turned("RAS", (10, -20, 30), 1.0) @ np.diag([*spacing, 1.0])
    grid = isotropic_grid(shape, affine, new)
    assert np.allclose(spacing_of(grid.affine), new)
    centre = affine @ [*((np.array(shape) - 1) / 2), 1]
    new_centre = grid.affine @ [*((np.array(grid.shape) - 1) / 2), 1]
    assert np.allclose(centre, new_centre, atol=1e-6)
    extent, new_extent = np.array(shape) * spacing, np.array(grid.shape) * new
    assert (np.abs(extent - new_extent) <= np.maximum(new / 2, new - extent) + 1e-6).all()


@pytest.mark.parametrize("axes", ["RAS", "LAS", "LPS", "SRA", "PIR"])
@pytest.mark.parametrize("angles", [(0, 0, 0), (12, -25, 8)])
@pytest.mark.parametrize("new", [1.0, 2.0, 3.0, 4.5])
def test_resample_image__a_landmark_stays_at_its_world_position(axes, angles, new) -> None:
    affine = turned(axes, angles)
    index = np.array([13, 9, 16])
    array = np.zeros((1, 28, 26, 30), dtype=np.float32)
    array[(0, *index)] = 1000
    array[0] = ndimage.gaussian_filter(array[0], 1.5)
    volume = canonical(Volume(array, affine))
    grid = isotropic_grid(volume.shape, volume.affine, new)
    resampled = resample_image(volume, grid)[0]
    found = grid.affine @ [*ndimage.center_of_mass(resampled), 1]
    assert np.linalg.norm(found[:3] - (affine @ [*index, 1])[:3]) < 0.1 * new


@pytest.mark.parametrize("axes", ["RAS", "ASR", "SRA", "IPL", "PSR"])
def test_resample_image__what_gets_coarser_is_blurred_along_its_own_axis(axes: str) -> None:
    """As channels are joined: a sagittal scan onto the grid of one with thick axial slices."""
    upright = Volume(np.random.default_rng(0).random((1, 40, 40, 40), dtype=np.float32), np.eye(4))
    thick = Grid((40, 40, 8), np.diag([1.0, 1.0, 5.0, 1.0]))
    turn = nib.orientations.ornt_transform(
        nib.orientations.axcodes2ornt("RAS"), nib.orientations.axcodes2ornt(tuple(axes))
    )
    array = nib.orientations.apply_orientation(upright.array[0], turn)[None]
    same = Volume(array, nib.orientations.inv_ornt_aff(turn, upright.shape))
    np.testing.assert_array_equal(canonical(same).array, upright.array)
    np.testing.assert_allclose(resample_image(same, thick), resample_image(upright, thick), atol=1e-4)


@given(st.sampled_from([1.0, 1.7, 3.0, 5.0]))
def test_resample_image__a_constant_stays_constant(new) -> None:
    volume = Volume(np.full((2, 14, 12, 10), 37.0, dtype=np.float32), turned("RAS"))
    resampled = resample_image(volume, isotropic_grid(volume.shape, volume.affine, new))
    assert np.allclose(resampled, 37.0, atol=1e-3)


def test_resample_image__fine_stripes_become_grey_not_coarse_stripes() -> None:
    stripes = np.zeros((1, 60, 16, 16), dtype=np.float32)
    stripes[:, ::2] = 100.0
    volume = Volume(stripes, np.eye(4))
    coarse = resample_image(volume, isotropic_grid(volume.shape, volume.affine, 2.9))[0]
    plain = ndimage.map_coordinates(stripes[0], np.mgrid[1:58:2.9, 0:16:2.9, 0:16:2.9], order=1)
    assert plain[1:-1].std() > 25  # what aliasing would leave
    assert coarse[1:-1].std() < 6


def test_resample_image__nothing_is_interpolated_on_the_same_grid() -> None:
    array = np.random.default_rng(0).normal(size=(1, 9, 8, 7)).astype(np.float32)
    volume = Volume(array, turned("RAS", (0, 0, 20), 3.0))
    assert np.array_equal(resample_image(volume, isotropic_grid(volume.shape, volume.affine, 3.0)), array)


@pytest.mark.parametrize("shape", [(40, 40, 40), (41, 41, 41), (39, 40, 41)])
@pytest.mark.parametrize("new", [1.0, 2.0, 3.0, 4.5])
@pytest.mark.parametrize("angle", [0.0, 9.0])
def test_resample_labels__keeps_volume_and_centre_where_nearest_would_shift(shape, new, angle) -> None:
    labels = np.zeros((1, *shape), dtype=np.uint8)
    grid = np.meshgrid(*map(np.arange, shape), indexing="ij")
    labels[0][sum((axis - at) ** 2 for axis, at in zip(grid, (18.2, 19.7, 21.1), strict=True)) < 11**2] = 7
    volume = Volume(labels, np.diag([1.5, 1.5, 1.5, 1.0]))
    target = isotropic_grid(volume.shape, volume.affine, new)
    # Also onto the grid of an image that is turned a little against the labels.
    turn = turned("RAS", (0, 0, angle), 1.0) @ np.linalg.inv(turned("RAS", (0, 0, 0), 1.0))
    target = Grid(target.shape, turn @ target.affine)
    found = resample_labels(volume, target)
    centre = target.affine @ [*ndimage.center_of_mass(found == 7), 1]
    truth = volume.affine @ [*ndimage.center_of_mass(labels[0] == 7), 1]
    assert np.linalg.norm(centre - truth) < 0.1 * new
    assert abs((found == 7).sum() * new**3 / ((labels == 7).sum() * 1.5**3) - 1) < 0.08


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), new=st.sampled_from([1.0, 2.0, 3.0, 6.0]))
def test_resample_labels__invents_no_structure(seed, new) -> None:
    labels = np.random.default_rng(seed).choice([0, 3, 138, 14175], size=(1, 12, 10, 14)).astype(np.int32)
    volume = Volume(labels, turned("RAS", (5, 5, 5)))
    found = resample_labels(volume, isotropic_grid(volume.shape, volume.affine, new))
    assert found.dtype == np.int16
    assert set(np.unique(found)) <= set(np.unique(labels))


def test_resample_labels__the_majority_of_a_voxel_wins() -> None:
    labels = np.zeros((1, 2, 2, 2), dtype=np.uint8)
    labels[0].flat[:5] = 4
    labels[0].flat[5:] = 9
    volume = Volume(labels, np.eye(4))
    assert resample_labels(volume, isotropic_grid((2, 2, 2), volume.affine, 2.0)).item() == 4


def test_resample_labels__is_the_same_in_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.random.default_rng(0).integers(0, 4, (1, 21, 15, 16)).astype(np.uint8)
    volume = Volume(labels, turned("RAS", (0, 10, 0), 1.0))
    grid = isotropic_grid(volume.shape, volume.affine, 2.2)
    whole = resample_labels(volume, grid)
    monkeypatch.setattr("orienteer.ingest.resample.VOTES", 5000)
    assert np.array_equal(resample_labels(volume, grid), whole)


@pytest.mark.parametrize("new", [0.7, 1.0, 1.3, 2.0, 3.0])
@pytest.mark.parametrize("angle", [0.0, 3.0])
@pytest.mark.parametrize("first", [0, 3])
def test_resample_labels__end_where_their_own_field_of_view_ends(new: float, angle: float, first: int) -> None:
    affine = turned("RAS", (angle, 0, 0), 1.0)
    at = affine.copy()
    at[:3, 3] = (affine @ [0, 0, first, 1])[:3]
    volume = Volume(np.full((1, 30, 30, 37), 6, dtype=np.uint8), at)
    grid = isotropic_grid((30, 30, 40), affine, new)
    if angle:
        # The labels lie a little askew, as those drawn on another sequence of the same visit.
        grid = Grid(grid.shape, affine @ np.linalg.inv(turned("RAS", (0, 0, 0), 1.0)) @ grid.affine)
    found = resample_labels(volume, grid)
    index = np.stack([*np.indices(grid.shape), np.ones(grid.shape)])
    place = np.einsum("ij,jabc->iabc", np.linalg.inv(at) @ grid.affine, index)[:3]
    size = np.array(volume.shape)[:, None, None, None]
    outside = ((place < -0.5 - 0.3 * new) | (place > size - 0.5 + 0.3 * new)).any(axis=0)
    within = ((place > -0.5) & (place < size - 0.5)).all(axis=0)
    assert outside.any() and not found[outside].any()
    assert (found[within] == 6).mean() > 0.98


@given(shape=st.tuples(*[st.integers(1, 20)] * 3), spacing=SPACINGS, new=st.floats(0.5, 7.0))
def test_resample_labels__of_the_scans_own_space_lose_nothing_at_its_edge(shape, spacing, new) -> None:
    affine = turned("RAS", (10, -20, 30), 1.0) @ np.diag([*spacing, 1.0])
    labels = Volume(np.full((1, *shape), 6, dtype=np.uint8), affine)
    assert (resample_labels(labels, isotropic_grid(shape, affine, new)) == 6).all()
