"""Means with intervals that respect that rows of one subject belong together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEVEL = 0.95
OWNERS = ("subject", "person")
"""Columns that say whose a row is."""


@dataclass(frozen=True)
class Estimate:
    """A mean over ``rows`` rows of ``owners`` subjects, with a 95 % interval, or none below three of them.

    Rows that do not say whose they are know scans only: then ``drawn`` is ``scans``, and ``owners`` counts them.
    """

    mean: float
    low: float | None
    high: float | None
    rows: int
    owners: int
    drawn: str = "subjects"


def mean_by_subject(
    values: NDArray[np.float64], table: Mapping[str, NDArray[Any]], rows: NDArray[np.bool_]
) -> Estimate:
    """The mean of the ``values`` of some rows, its interval from a bootstrap that draws whole subjects.

    Rows of one subject are alike, also those of two scans, so drawing single rows or scans would make the interval far
    too narrow.

    Args:
        values: ``(n,)``.
        table: with a column of ``OWNERS``, or without it ``scan``.
        rows: ``(n,)`` which rows, at least one.
    """
    column = next((name for name in OWNERS if name in table), "scan")
    drawn = "scans" if column == "scan" else "subjects"
    values = values[rows]
    _, owner = np.unique(np.asarray(table[column])[rows].astype(str), return_inverse=True)
    sums = np.bincount(owner, weights=values)
    counts = np.bincount(owner)
    mean = float(sums.sum() / counts.sum())
    if counts.size < 3:
        return Estimate(mean, None, None, values.size, counts.size, drawn)
    draws = np.random.default_rng(0).multinomial(counts.size, np.full(counts.size, 1 / counts.size), size=RESAMPLES)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile((draws @ sums) / (draws @ counts), [tail, 1 - tail])
    return Estimate(mean, float(low), float(high), values.size, counts.size, drawn)
