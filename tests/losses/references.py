"""Every loss once more, from its formula: float64, loops and SciPy, nothing shared with the package.

Names and arguments are those of ``orienteer.losses``, so that a test can call both with the same arrays.
"""

from collections.abc import Iterator
from itertools import pairwise, permutations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, huber, logsumexp
from scipy.stats import laplace as laplace_distribution

Array = NDArray[np.float64]


def smooth(error: Array) -> float:
    """Mean of ``e^2 / (2 beta)`` up to beta = 0.1 and ``|e| - beta / 2`` beyond (Girshick 2015)."""
    return float(np.mean(huber(0.1, error) / 0.1))


def pairs(views: int) -> Iterator[tuple[int, int]]:
    """Ordered pairs of different views."""
    return ((i, j) for i in range(views) for j in range(views) if i != j)


def gap(
    steps: Array,
    centres_mm: Array,
    *,
    length_mm: float = 50.0,
    distance_weight: float = 0.5,
    log_scale: Array | None = None,
) -> float:
    samples, views = centres_mm.shape[:2]
    index = [(b, i, j) for b in range(samples) for i, j in pairs(views)]
    true = np.array([(centres_mm[b, j] - centres_mm[b, i]) / length_mm for b, i, j in index])
    predicted = np.array([steps[b, i, j] for b, i, j in index])
    lengths = np.linalg.norm(predicted, axis=1) - np.linalg.norm(true, axis=1)
    if log_scale is None:
        axes = smooth(predicted - true)
    else:
        axes = laplace(predicted, true, np.array([log_scale[b, i, j] for b, i, j in index]))
    return axes + distance_weight * smooth(lengths)


def laplace(predicted: Array, true: Array, log_scale: Array) -> float:
    return float(-laplace_distribution.logpdf(true, loc=predicted, scale=np.exp(log_scale)).mean())


def route(
    steps: Array,
    centres_mm: Array,
    *,
    length_mm: float = 50.0,
    arrival_weight: float = 0.5,
    closure_weight: float = 0.5,
    max_routes: int = 120,
) -> float:
    samples, views = centres_mm.shape[:2]

    def missed(paths: list[tuple[int, ...]]) -> float:
        """Walk each path step by step; where it should end is plain subtraction."""
        errors = []
        for b in range(samples):
            for path in paths:
                at = sum(steps[b, i, j] for i, j in pairwise(path))
                errors.append(at - (centres_mm[b, path[-1]] - centres_mm[b, path[0]]) / length_mm)
        return smooth(np.array(errors))

    every = list(permutations(range(views)))
    assert len(every) <= max_routes, "the thinning has a test of its own"
    tours = [(0, *middle, 0) for middle in permutations(range(1, views))]
    return missed(list(pairs(views))) + arrival_weight * missed(every) + closure_weight * missed(tours)


def adjacency(
    adjacent: Array,
    distant: Array,
    *,
    differs: NDArray[np.bool_] | None = None,
    form: str = "ranking",
    temperature: float = 0.1,
) -> float:
    """``ranking``: log-loss of a logistic model that the adjacent pair is the more similar one."""
    each = -np.log(expit((adjacent - distant) / temperature)) if form == "ranking" else distant - adjacent
    return float(each.mean() if differs is None else each[differs].mean() if differs.any() else 0.0)


def nt_xent(cosine: Array, positive: NDArray[np.bool_], negative: NDArray[np.bool_], temperature: float) -> float:
    """Chen et al. 2020, equation 1, for each positive pair; of the denominator's terms only negatives and the pair."""
    terms = []
    for i, p in np.argwhere(positive):
        good = cosine[i, p] / temperature
        terms.append(logsumexp([good, *(cosine[i, negative[i]] / temperature)]) - good)
    return float(np.mean(terms))


def overlap(cosine: Array, true: Array) -> float:
    """Wu et al. 2024, equation 2; a negative similarity counts as 0 where nothing overlaps."""
    terms = []
    for similarity, share in zip(cosine.ravel(), true.ravel(), strict=True):
        seen = max(similarity, 0.0) if share == 0 else similarity
        terms.append(-np.log(1 - min(abs(share - seen), 1 - 1e-4)))
    return float(np.mean(terms))


def position(predicted: Array, positions_mm: Array, weight: Array, *, length_mm: float = 50.0) -> float:
    total, count = 0.0, 0
    for cloud, true, counts in zip(predicted, positions_mm / length_mm, weight > 0, strict=True):
        if counts.any():
            error = (cloud[counts] - cloud[counts].mean(0)) - (true[counts] - true[counts].mean(0))
            total, count = total + smooth(error) * counts.sum(), count + int(counts.sum())
    return total / max(count, 1)


def masked(predicted: Array, true: Array, hidden: NDArray[np.bool_], *, form: str = "mse") -> float:
    errors = [
        predicted[b, k, c][hidden[b, k, 0]] - true[b, k, c][hidden[b, k, 0]] for b, k, c in np.ndindex(true.shape[:3])
    ]
    error = np.concatenate(errors)
    return float(np.mean(error**2) if form == "mse" else np.mean(np.abs(error)))
