"""The one cutter: images and labels, inside and beyond the scan, against brute force."""

import numpy as np
import pytest
import scipy.ndimage as ndimage
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from orienteer.sampling.cut import Cube, Reader, cut
from orienteer.testing.strategies import linear_maps

SHAPE = (11, 9, 13)
WHOLE = np.random.default_rng(0).uniform(0, 1, (2, *SHAPE)).astype(np.float32)
TURNED = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
CENTRE = st.tuples(*(st.floats(-4, n + 4).map(lambda value: round(value, 3)) for n in SHAPE))


def reader(array: NDArray, asked: list | None = None) -> Reader:
    """Reads an array as a store does: boxes inside it only."""

    def read(low: NDArray, size: NDArray) -> NDArray:
        assert (low >= 0).all() and (size >= 1).all() and (low + size <= array.shape[1:]).all(), "outside the scan"
        if asked is not None:
            asked.append(size.tolist())
        return array[(slice(None), *map(slice, low, low + size))]

    return read


@settings(max_examples=80)
@given(centre=CENTRE, linear=linear_maps(), size=st.integers(1, 9), order=st.sampled_from((0, 1)))
def test_cut__equals_sampling_the_whole_scan(centre: tuple, linear: object, size: int, order: int) -> None:
    """Reading only the block that the cube touches changes nothing."""
    cube = Cube(np.array(centre), np.array(linear), size)
    found = cut(cube, reader(WHOLE), SHAPE, order=order, outside=-1)
    grid = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"))
    places = np.tensordot(cube.linear, grid, axes=1) + cube.first[:, None, None, None]
    expected = np.stack([ndimage.map_coordinates(c, places, order=order, mode="constant", cval=-1) for c in WHOLE])
    sure = (np.abs(places - np.rint(places)) > 1e-6).all(axis=0)  # rounding decides which side of an edge is meant
    sure &= (np.abs(places + 0.5 - np.rint(places + 0.5)) > 1e-6).all(axis=0)
    assert found.shape == (2, *[size] * 3) and found.dtype == np.float32
    np.testing.assert_allclose(found[:, sure], expected[:, sure], atol=1e-5)


@pytest.mark.parametrize("centre", [(5, 4, 6), (0, 8, 12), (-20, 4, 6)], ids=["inside", "corner", "far outside"])
def test_cut__aligned_is_a_copy_with_padding(centre: tuple) -> None:
    cube = Cube(np.array(centre, dtype=float), np.eye(3), 5)
    assert cube.is_aligned
    padded = np.pad(WHOLE, [(0, 0), *[(30, 30)] * 3], constant_values=-1)
    box = tuple(slice(n + 28, n + 33) for n in centre)
    np.testing.assert_array_equal(cut(cube, reader(WHOLE), SHAPE, order=1, outside=-1), padded[(slice(None), *box)])


def test_cut__reads_no_more_than_it_touches() -> None:
    asked: list = []
    cut(Cube(np.array([5.0, 4, 6]), np.eye(3), 3), reader(WHOLE, asked), SHAPE, order=1, outside=-1)
    cut(Cube(np.array([5.0, 4, 6]), TURNED, 3), reader(WHOLE, asked), SHAPE, order=1, outside=-1)
    assert asked == [[3, 3, 3], [5, 5, 3]]


def test_cut__a_cube_inside_never_meets_an_edge_by_rounding() -> None:
    """Where a cube may not leave the scan, a voxel 1e-12 beyond it takes the edge's value, not the background's."""
    shifted = Cube(np.array([2.0 - 1e-12, 4, 6]), np.diag([1, 1, 1 - 1e-12]), 5)
    inside = cut(shifted, reader(WHOLE), SHAPE, order=1, outside=None)
    np.testing.assert_allclose(inside, WHOLE[:, :5, 2:7, 4:9], atol=1e-6)
    padded = cut(shifted, reader(WHOLE), SHAPE, order=1, outside=-1)
    assert (padded[:, 0] == -1).all()


def test_cut__a_cube_that_must_stay_inside_and_does_not_is_refused() -> None:
    with pytest.raises(AssertionError, match="outside the scan"):
        cut(Cube(np.array([0.0, 4, 6]), np.eye(3), 5), reader(WHOLE), SHAPE, order=1, outside=None)


def test_cut__keeps_the_type_of_labels() -> None:
    labels = np.random.default_rng(1).integers(0, 5, (1, *SHAPE)).astype(np.uint8)
    for linear in (np.eye(3), TURNED):
        found = cut(Cube(np.array([5.0, 4, 6]), linear, 5), reader(labels), SHAPE, order=0, outside=0)
        assert found.dtype == np.uint8 and set(np.unique(found)) <= set(range(5))


@pytest.mark.parametrize(
    ("centre", "size", "aligned"),
    [(5, 5, True), (5.5, 5, False), (5.5, 4, True), (5 + 1e-9, 5, True), (5.001, 5, False)],
)
def test_is_aligned__by_hand(centre: float, size: int, aligned: bool) -> None:
    assert Cube(np.full(3, centre), np.eye(3), size).is_aligned is aligned
    assert not Cube(np.full(3, centre), TURNED, size).is_aligned
