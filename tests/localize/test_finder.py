"""A pair of scans answers about any point, and holds neither of them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from orienteer.localize.correspond import Prepared
from orienteer.localize.finder import Finder, Pair, Point
from orienteer.localize.found import OUTSIDE
from tests.localize.test_correspond import SPACING, STRIDE, bent, finer

__all__ = ["bent"]

Bent = tuple[Prepared, Prepared, NDArray[np.float64]]
MIDDLE = np.array([[45.0, 51.0, 48.0]])


def test_pair__answers_as_a_finder_of_many_points_does(bent: Bent) -> None:
    one, other, _ = bent
    points = [Point("a", MIDDLE), Point("b", MIDDLE + SPACING)]
    pair = Pair.of(one, other)
    for point, vote in zip(points, Finder(one, points).votes(other), strict=True):
        again = pair.vote(point)
        assert again.world_mm is not None and vote.world_mm is not None
        np.testing.assert_allclose(again.world_mm, vote.world_mm, atol=1e-3)
        assert again.ring_mm == pytest.approx(vote.ring_mm, abs=1e-3)


def test_pair__knows_the_finest_grid_that_was_seen_of_the_other_scan(bent: Bent) -> None:
    one, other, _ = bent
    fine = Pair.of(one, other)
    assert fine.grid.shape == other.volume.shape and fine.finest.shape == finer(other.volume).shape
    np.testing.assert_allclose(fine.finest.affine, finer(other.volume).affine)
    coarse = Prepared.by_field(other.volume, other.field, STRIDE)
    alone = Pair.of(coarse, coarse)
    assert alone.finest.shape == alone.grid.shape
    near = alone.vote(Point("a", MIDDLE)).world_mm
    assert near is not None and np.linalg.norm(near - MIDDLE[0]) < 1.0


def test_pair__a_point_far_outside_is_not_in_the_scan(bent: Bent) -> None:
    one, other, _ = bent
    vote = Pair.of(one, other).vote(Point("a", np.array([[900.0, 0.0, 0.0]])))
    assert (vote.world_mm, vote.why) == (None, OUTSIDE)


def test_pair__holds_neither_scan(bent: Bent) -> None:
    one, other, _ = bent
    assert Pair.of(one, other).nbytes < one.nbytes / 4
