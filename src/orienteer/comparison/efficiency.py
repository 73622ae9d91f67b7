"""Label efficiency: how many labelled scans scratch needs to score what an arm scores with n.

Scratch's mean scores at the measured label counts are made monotone (isotonic regression: more labels do not hurt,
and a dip is noise) and interpolated linearly over log2(labels). The answer is the smallest number of labels at which
the curve reaches the arm's score. The curve is never extrapolated, so the answer may be "<= 1" or "> 10". The interval
resamples subjects and seeds, the same for scratch and the arm.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orienteer.comparison.bootstrap import FEWEST_PEOPLE, LEVEL, grid_of, resampled_means
from orienteer.comparison.scores import Cell


@dataclass(frozen=True)
class Needed:
    """Labels scratch needs: a number, ``inf`` for more than the ``most`` measured, ``-inf`` for the ``fewest`` or less.

    ``value`` is None with a ``reason``.
    """

    value: float | None
    low: float | None
    high: float | None
    fewest: int
    most: int
    reason: str = ""


def labels_needed(arm: Cell, scratch: Mapping[int, Cell], sign: int) -> Needed:
    """How many labels scratch needs to match ``arm``, on the (subject, seed) pairs common to all cells.

    Args:
        arm: the arm's scores at one label count.
        scratch: scratch's scores by label count.
        sign: 1 where a higher score is better, -1 where a lower one is.
    """
    counts = sorted(labels for labels in scratch if labels >= 1)
    if len(counts) < 2:
        return Needed(None, None, None, 0, 0, "scratch was measured at fewer than two label counts")
    cells = [arm, *(scratch[labels] for labels in counts)]
    pairs = [list(zip(cell.people.tolist(), cell.seeds.tolist(), strict=True)) for cell in cells]
    # Pairs rather than subjects and seeds by themselves: with undefined scores, cells may have no pair in common.
    common = set.intersection(*map(set, pairs))
    if not common:
        return Needed(None, None, None, counts[0], counts[-1], "the arm and scratch share no person with the same seed")
    people = {person for person, _ in common}
    grids = []
    for cell, own in zip(cells, pairs, strict=True):
        kept = np.array([pair in common for pair in own])
        grids.append(grid_of(cell.people[kept], cell.seeds[kept], sign * cell.values[kept]))
    means = np.array([[grid.mean] for grid in grids])
    value = float(readings(means[0], means[1:], counts)[0])
    low = high = None
    if len(people) >= FEWEST_PEOPLE:
        draws = np.stack([resampled_means(grid) for grid in grids])
        draws = draws[:, np.isfinite(draws).all(axis=0)]
        found = np.sort(readings(draws[0], draws[1:], counts))
        # The outer neighbour: there is no midpoint between a number and infinity.
        tail = (1 - LEVEL) / 2 * (found.size - 1)
        low, high = float(found[math.floor(tail)]), float(found[math.ceil(found.size - 1 - tail)])
    return Needed(value, low, high, counts[0], counts[-1])


def readings(scores: NDArray[np.float64], curves: NDArray[np.float64], counts: Sequence[int]) -> NDArray[np.float64]:
    """Where each monotone curve over log2(``counts``) first reaches its score; higher is better.

    Args:
        scores: ``(draws,)``.
        curves: ``(counts, draws)``, made monotone here.
        counts: label counts, rising.

    Returns:
        ``(draws,)`` labels; ``-inf`` at or below the first point, ``inf`` above the last.
    """
    risen, knots = risen_of(curves), np.log2(counts)
    # The mean of equal numbers may differ in its last digit.
    hair = 1e-9 * np.maximum(1.0, np.abs(risen).max(axis=0))
    after = np.maximum(1, np.argmax(risen >= scores - hair, axis=0))
    left, right = (np.take_along_axis(risen, at[None], axis=0)[0] for at in (after - 1, after))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.clip((scores - left) / (right - left), 0.0, 1.0)
    labels = 2.0 ** (knots[after - 1] + share * (knots[after] - knots[after - 1]))
    below, above = scores <= risen[0] + hair, scores > risen[-1] + hair
    return np.where(below, -np.inf, np.where(above, np.inf, labels))


def risen_of(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Isotonic regression of each column, by its max-min formula: thousands of short curves at once.

    Args:
        curves: ``(points, draws)``.
    """
    sums = np.concatenate([np.zeros_like(curves[:1]), np.cumsum(curves, axis=0)])
    size = len(curves)
    return np.stack([
        np.max([
            np.min([(sums[last + 1] - sums[first]) / (last + 1 - first) for last in range(at, size)], axis=0)
            for first in range(at + 1)
        ], axis=0)
        for at in range(size)
    ])  # fmt: skip
