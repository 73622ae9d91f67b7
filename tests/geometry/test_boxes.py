"""Boxes that stick out of an array: the part inside, and the padded copy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orienteer.geometry.boxes import overlap, padded_box

SHAPE = (7, 6, 5)
LOW = st.tuples(*[st.integers(-20, 20)] * 3)
SIZE = st.tuples(*[st.integers(1, 12)] * 3)


def array() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 1, (2, *SHAPE)).astype(np.float32)


@settings(max_examples=120)
@given(low=LOW, size=SIZE)
def test_padded_box__is_cut_from_the_padded_array(low: tuple, size: tuple) -> None:
    """Boxes that do not meet the array are nothing but padding."""
    padded = np.pad(array(), [(0, 0), *[(32, 32)] * 3], constant_values=-1)
    expected = padded[(slice(None), *(slice(n + 32, n + 32 + m) for n, m in zip(low, size, strict=True)))]
    found = padded_box(array(), low, size, fill=-1)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


def test_padded_box__inside_is_a_view_of_the_array() -> None:
    whole = array()
    assert np.shares_memory(padded_box(whole, (1, 2, 0), 3, fill=0), whole)


@settings(max_examples=120)
@given(low=LOW, size=SIZE)
def test_overlap__both_sides_have_the_same_extent(low: tuple, size: tuple) -> None:
    inside, target = overlap(low, size, SHAPE)
    extents = [[part.stop - part.start for part in parts] for parts in (inside, target)]
    assert extents[0] == extents[1]
    assert np.zeros(SHAPE)[inside].shape == np.zeros(size)[target].shape or 0 in extents[0]


@pytest.mark.parametrize(
    ("low", "inside", "target"),
    [((-2, 0, 3), [(0, 2), (0, 4), (3, 5)], [(2, 4), (0, 4), (0, 2)]), ((9, 0, 0), [(9, 9), (0, 4), (0, 4)], None)],
)
def test_overlap__by_hand(low: tuple, inside: list, target: list | None) -> None:
    found = overlap(low, 4, SHAPE)
    assert [(part.start, part.stop) for part in found[0]] == inside
    assert target is None or [(part.start, part.stop) for part in found[1]] == target
