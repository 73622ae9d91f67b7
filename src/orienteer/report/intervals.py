"""Means with intervals that respect that rows of one scan belong together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over ``rows`` rows of ``scans`` scans, with a 95 % interval, or none below three scans."""

    mean: float
    low: float | None
    high: float | None
    rows: int
    scans: int


def mean_by_scan(values: NDArray[np.float64], scans: NDArray[Any]) -> Estimate:
    """The mean of ``values``, its interval from a bootstrap that draws whole scans.

    Rows of one scan are alike, so drawing single rows would make the interval far too narrow.

    Args:
        values: ``(n,)``, n > 0.
        scans: ``(n,)`` the scan of each row.
    """
    _, owner = np.unique(np.asarray(scans).astype(str), return_inverse=True)
    sums = np.bincount(owner, weights=values)
    counts = np.bincount(owner)
    mean = float(sums.sum() / counts.sum())
    if counts.size < 3:
        return Estimate(mean, None, None, values.size, counts.size)
    draws = np.random.default_rng(0).multinomial(counts.size, np.full(counts.size, 1 / counts.size), size=RESAMPLES)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile((draws @ sums) / (draws @ counts), [tail, 1 - tail])
    return Estimate(mean, float(low), float(high), values.size, counts.size)
