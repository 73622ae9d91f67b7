"""A pair of scans answers about any point, and knows when nothing finer than the run's grid was seen of them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from orienteer.localize.correspond import Prepared
from orienteer.localize.finder import OUTSIDE, Finder, Pair, Point
from orienteer.localize.found import COARSE_MM
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


def test_pair__of_scans_at_the_runs_spacing_alone_has_wider_rings(bent: Bent) -> None:
    one, other, _ = bent
    coarse = Prepared.by_field(one.volume, one.field, STRIDE)
    for pair in (Pair.of(coarse, other), Pair.of(coarse, coarse)):
        vote = pair.vote(Point("a", MIDDLE))
        assert pair.coarse and pair.finest.shape == pair.grid.shape
        assert vote.ring_mm == pytest.approx(3.0 + COARSE_MM + 1.5 * vote.cycle_mm)
    fine = Pair.of(one, other)
    assert not fine.coarse and fine.finest.shape == finer(other.volume).shape
    np.testing.assert_allclose(fine.finest.affine, finer(other.volume).affine)


def test_pair__a_point_far_outside_is_not_in_the_scan(bent: Bent) -> None:
    one, other, _ = bent
    vote = Pair.of(one, other).vote(Point("a", np.array([[900.0, 0.0, 0.0]])))
    assert (vote.world_mm, vote.why) == (None, OUTSIDE)


def test_pair__holds_neither_scan(bent: Bent) -> None:
    one, other, _ = bent
    assert Pair.of(one, other).nbytes < one.nbytes / 4
