"""Two arms on the same cases: Wilcoxon's signed-rank test, the size of the effect, and Holm's correction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orienteer.comparison.bootstrap import grid_of, interval
from orienteer.comparison.scores import Cell

ALPHA = 0.05
FEWEST_PAIRS = 6
"""Below this the smallest possible p is 0.0625, so the test could find nothing."""
EXACT_PAIRS = 200


@dataclass(frozen=True)
class SignedRank:
    """One test. ``p`` is None with a ``reason``; ``effect`` is the matched-pairs rank-biserial correlation.

    ``effect`` runs from -1 (every pair is worse) to 1 (every pair is better).
    """

    pairs: int
    p: float | None
    effect: float | None
    reason: str = ""


@dataclass(frozen=True)
class Paired:
    """An arm against a reference on their common cases and seeds; ``gain`` > 0 means the arm is better.

    ``by_row`` pairs over case and seed; its rows are not independent (a subject has several), so its p is too small.
    ``by_person`` first averages the gains of each subject: independent, but few.
    """

    gain: float
    low: float | None
    high: float | None
    people: int
    by_row: SignedRank
    by_person: SignedRank


def paired(arm: Cell, reference: Cell, sign: int) -> Paired | None:
    """Compare two arms on the cases and seeds that both have; None when they share none.

    Args:
        arm: the arm's scores.
        reference: the scores it is compared with.
        sign: 1 where a higher score is better, -1 where a lower one is.
    """
    known = {
        (case, seed): value
        for case, seed, value in zip(reference.cases, reference.seeds, reference.values, strict=True)
    }
    common = [index for index, pair in enumerate(zip(arm.cases, arm.seeds, strict=True)) if pair in known]
    if not common:
        return None
    other = np.array([known[arm.cases[i], arm.seeds[i]] for i in common])
    # Rounded so that equal differences tie in floating point.
    gains = np.round(sign * (arm.values[common] - other), 12)
    people, seeds = arm.people[common], arm.seeds[common]
    grid = grid_of(people, seeds, gains)
    ends = interval(grid)
    persons = np.round(grid.sums.sum(axis=1) / grid.counts.sum(axis=1), 12)
    return Paired(
        gain=grid.mean,
        low=ends[0] if ends else None,
        high=ends[1] if ends else None,
        people=persons.size,
        by_row=signed_rank(gains),
        by_person=signed_rank(persons),
    )


def signed_rank(gains: NDArray[np.float64]) -> SignedRank:
    """Wilcoxon's two-sided signed-rank test of paired differences; zeros are left out of the ranking.

    Exact up to 200 pairs, ties or not (accuracy differs by -1, 0 or 1 and is all ties); SciPy's normal approximation
    beyond.

    Args:
        gains: ``(n,)`` differences.
    """
    count, moved = gains.size, gains[gains != 0]
    if count < FEWEST_PAIRS:
        least = 2.0 ** (1 - count)
        return SignedRank(count, None, rank_biserial(gains), f"{count} pairs cannot give p < {min(least, 1.0):.2g}")
    if moved.size == 0:
        return SignedRank(count, 1.0, 0.0)
    if moved.size > EXACT_PAIRS:
        from scipy.stats import wilcoxon

        return SignedRank(count, float(wilcoxon(moved).pvalue), rank_biserial(gains))
    return SignedRank(count, _exact(moved), rank_biserial(gains))


def _exact(moved: NDArray[np.float64]) -> float:
    from scipy.stats import rankdata

    # Twice the ranks are whole numbers even where ties share one; each adds to the sum or not, with equal chance.
    ranks = np.rint(2 * rankdata(np.abs(moved))).astype(int)
    total = int(ranks.sum())
    chance = np.zeros(total + 1)
    chance[0] = 1.0
    for rank in ranks:
        chance[rank:] = (chance[rank:] + chance[: total + 1 - rank]) / 2
        chance[:rank] /= 2
    away = abs(2 * int(ranks[moved > 0].sum()) - total)
    return min(1.0, float(chance[np.abs(2 * np.arange(total + 1) - total) >= away].sum()))


def rank_biserial(gains: NDArray[np.float64]) -> float:
    """(sum of the ranks of gains - sum of the ranks of losses) / sum of all ranks; 0 when nothing differs."""
    from scipy.stats import rankdata

    moved = gains[gains != 0]
    if moved.size == 0:
        return 0.0
    ranks = rankdata(np.abs(moved))
    return float((ranks * np.sign(moved)).sum() / ranks.sum())


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: the chance of any false finding in the family stays below the level.

    Holm, Scandinavian Journal of Statistics 6, 1979, 65-70. Returned in the order given.
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in corrected]
