"""Chunk geometry against METHOD: offset = u * min_axis(a / |u|), so the chunk touches the first wall it meets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orienteer.geometry import chunk_offsets, chunk_pair
from orienteer.testing.strategies import vectors

VIEW, CHUNK = np.full(3, 72.0), np.full(3, 36.0)
ROOM = 18.0
"""(72 - 36) / 2 mm of free room to each side."""


@pytest.mark.parametrize(
    ("gap", "offset"),
    [
        # The longest axis reaches its wall first; the others follow in proportion.
        ((60.0, 30.0, -15.0), (18.0, 9.0, -4.5)),
        ((10.0, -40.0, 20.0), (4.5, -18.0, 9.0)),
        # The chunk slides to the wall even when the other view is nearer than the wall.
        ((0.5, 0.0, 0.0), (18.0, 0.0, 0.0)),
        # An axis with u = 0 never limits.
        ((0.0, 36.0, 36.0), (0.0, 18.0, 18.0)),
        ((0.0, 0.0, -7.0), (0.0, 0.0, -18.0)),
        # Along a diagonal every wall is met at once.
        ((50.0, -50.0, 50.0), (18.0, -18.0, 18.0)),
        # The same centre: no direction, no offset.
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        # So short that the division overflows: no direction either, and no warning.
        ((0.0, 1e-310, 0.0), (0.0, 0.0, 0.0)),
    ],
)
def test_chunk_offsets__reference_by_hand(gap: tuple[float, ...], offset: tuple[float, ...]) -> None:
    np.testing.assert_allclose(chunk_offsets(np.array(gap), VIEW, CHUNK), offset, atol=1e-12)


def test_chunk_offsets__room_differs_per_axis() -> None:
    # Rooms 18, 6, 30: reach = min(18/60, 6/30, 30/15) = 0.2, and the second axis stops it.
    offset = chunk_offsets(np.array([60.0, 30.0, 15.0]), VIEW, np.array([36.0, 60.0, 12.0]))
    np.testing.assert_allclose(offset, [12.0, 6.0, 3.0])


def test_chunk_offsets__chunk_as_large_as_view_cannot_move() -> None:
    np.testing.assert_array_equal(chunk_offsets(np.array([5.0, 0.0, -3.0]), VIEW, VIEW), [0.0, 0.0, 0.0])


def test_chunk_offsets__no_room_on_one_axis_stops_a_gap_along_it_only() -> None:
    flat = np.array([72.0, 36.0, 36.0])
    np.testing.assert_array_equal(chunk_offsets(np.array([1.0, 50.0, 0.0]), VIEW, flat), [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(chunk_offsets(np.array([0.0, 50.0, 0.0]), VIEW, flat), [0.0, 18.0, 0.0])


@pytest.mark.parametrize("axis", range(3))
def test_chunk_offsets__chunk_larger_than_view_on_any_axis_is_refused(axis: int) -> None:
    chunk = CHUNK.copy()
    chunk[axis] = 72.1
    with pytest.raises(ValueError, match="does not fit"):
        chunk_offsets(np.ones(3), VIEW, chunk)


def test_chunk_offsets__many_pairs_at_once_equal_each_alone() -> None:
    gaps = np.array([[60.0, 30.0, -15.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-9.0, 2.0, 4.0]]).reshape(2, 2, 3)
    together = chunk_offsets(gaps, VIEW, CHUNK)
    assert together.shape == (2, 2, 3)
    alone = [chunk_offsets(gap, VIEW, CHUNK) for gap in gaps.reshape(-1, 3)]
    np.testing.assert_array_equal(together.reshape(-1, 3), alone)


@settings(max_examples=60)
@given(gap=vectors(), share=st.floats(0.1, 0.9))
def test_chunk_offsets__lies_on_the_line_and_touches_the_first_wall(gap: np.ndarray, share: float) -> None:
    offset = chunk_offsets(gap, VIEW, VIEW * share)
    room = 72.0 * (1 - share) / 2
    if not gap.any():
        assert not offset.any()
        return
    assert np.abs(offset).max() == pytest.approx(room), "touches a wall, and leaves the view nowhere"
    np.testing.assert_allclose(np.cross(offset, gap), 0.0, atol=1e-9 * room * np.linalg.norm(gap))
    assert offset @ gap > 0, "towards the other view"


@settings(max_examples=60)
@given(start=vectors(), end=vectors())
def test_chunk_pair__is_symmetric_in_i_and_j(start: np.ndarray, end: np.ndarray) -> None:
    there, back = chunk_pair(start, end, VIEW, CHUNK), chunk_pair(end, start, VIEW, CHUNK)
    np.testing.assert_allclose(there.adjacent_i, back.adjacent_j, atol=1e-9)
    np.testing.assert_allclose(there.adjacent_j, back.adjacent_i, atol=1e-9)
    np.testing.assert_allclose(there.distant_i, back.distant_j, atol=1e-9)
    np.testing.assert_allclose(there.distant_j, back.distant_i, atol=1e-9)


@settings(max_examples=60)
@given(start=vectors(), end=vectors())
def test_chunk_pair__distances_add_up_along_the_line(start: np.ndarray, end: np.ndarray) -> None:
    pair = chunk_pair(start, end, VIEW, CHUNK)
    gap = float(np.linalg.norm(end - start))
    slid = float(np.linalg.norm(chunk_offsets(end - start, VIEW, CHUNK)))
    assert pair.distant_distance == pytest.approx(gap + 2 * slid)
    # Overlapping views: the adjacent chunks may slide past one another.
    assert pair.adjacent_distance == pytest.approx(abs(gap - 2 * slid))
    for chunk, centre in (
        (pair.adjacent_i, start),
        (pair.distant_i, start),
        (pair.adjacent_j, end),
        (pair.distant_j, end),
    ):
        assert (np.abs(chunk - centre) <= ROOM + 1e-9).all(), "every chunk stays inside its own view"


def test_chunk_pair__reference_by_hand() -> None:
    pair = chunk_pair(np.array([10.0, 20.0, 30.0]), np.array([110.0, 20.0, 80.0]), VIEW, CHUNK)
    np.testing.assert_allclose(pair.adjacent_i, [28.0, 20.0, 39.0])
    np.testing.assert_allclose(pair.adjacent_j, [92.0, 20.0, 71.0])
    np.testing.assert_allclose(pair.distant_i, [-8.0, 20.0, 21.0])
    np.testing.assert_allclose(pair.distant_j, [128.0, 20.0, 89.0])
    assert pair.adjacent_distance == pytest.approx(np.hypot(64.0, 32.0))
    assert pair.distant_distance == pytest.approx(np.hypot(136.0, 68.0))


def test_chunk_pair__of_one_place_is_the_same_box_four_times() -> None:
    centre = np.array([4.0, 5.0, 6.0])
    pair = chunk_pair(centre, centre, VIEW, CHUNK)
    for chunk in (pair.adjacent_i, pair.adjacent_j, pair.distant_i, pair.distant_j):
        np.testing.assert_array_equal(chunk, centre)
    assert pair.adjacent_distance == pair.distant_distance == 0.0
