"""Means with intervals that respect that rows of one person belong together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over ``rows`` rows of ``owners`` people, with a 95 % interval, or none below three of them.

    Records from before people were written know scans only: then ``drawn`` is ``scans``, and ``owners`` counts them.
    """

    mean: float
    low: float | None
    high: float | None
    rows: int
    owners: int
    drawn: str = "people"


def mean_by_person(values: NDArray[np.float64], table: Mapping[str, NDArray[Any]], rows: NDArray[np.bool_]) -> Estimate:
    """The mean of the ``values`` of some rows, its interval from a bootstrap that draws whole people.

    Rows of one person are alike, also those of two scans, so drawing single rows or scans would make the interval far
    too narrow.

    Args:
        values: ``(n,)``.
        table: with the column ``person``, or without it ``scan``.
        rows: ``(n,)`` which rows, at least one.
    """
    column, drawn = ("person", "people") if "person" in table else ("scan", "scans")
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
