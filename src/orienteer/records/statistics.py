"""What figures are computed with: vectors of a table, angles, rank statistics, means that forgive an empty table."""

import numpy as np
from numpy.typing import NDArray

from orienteer.records.metric import Metric
from orienteer.records.observation import Rows


def vectors(rows: Rows, prefix: str) -> NDArray[np.float64]:
    """``(N, 3)`` of the columns ``prefix_r``, ``prefix_a``, ``prefix_s``, mm."""
    return np.stack([np.asarray(rows[f"{prefix}_{axis}"], dtype=np.float64) for axis in "ras"], axis=-1)


def of_rows(metric: Metric, rows: Rows) -> NDArray[np.float64] | None:
    """What a metric is the mean of, one value a row; None where it is no mean of rows."""
    if metric.per_row is None:
        return None
    if metric.per_row == "vector":
        return np.asarray(np.linalg.norm(vectors(rows, "pred") - vectors(rows, "true"), axis=1))
    return np.asarray(rows[metric.per_row], dtype=np.float64)


def angles_deg(predicted: NDArray[np.float64], true: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle between vectors, degrees. A prediction of no length points nowhere: 90. Zero truths are left out."""
    long = np.linalg.norm(true, axis=1) > 1e-6
    predicted, true = predicted[long], true[long]
    lengths = np.linalg.norm(predicted, axis=1) * np.linalg.norm(true, axis=1)
    cosine = np.divide((predicted * true).sum(1), lengths, out=np.zeros(len(true)), where=lengths > 0)
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))), dtype=np.float64)


def auc(higher: NDArray[np.floating], lower: NDArray[np.floating]) -> float:
    """Probability that a random member of ``higher`` exceeds a random member of ``lower`` (Mann-Whitney)."""
    if not len(higher) or not len(lower):
        return float("nan")
    ordered = np.sort(lower)
    below = np.searchsorted(ordered, higher, side="left") + np.searchsorted(ordered, higher, side="right")
    return float(below.mean() / 2 / len(lower))


def effective_rank(embeddings: NDArray[np.floating]) -> float:
    """Exponential of the entropy of the covariance spectrum (Roy and Vetterli 2007): 1 is a collapsed line."""
    if not np.isfinite(embeddings).all():
        return float("nan")
    spread = np.linalg.svd(embeddings - embeddings.mean(0), compute_uv=False).astype(np.float64) ** 2
    total = spread.sum()
    if total <= 1e-12:
        return 0.0
    share = spread[spread > 0] / total
    return float(np.exp(-(share * np.log(share)).sum()))


def mean(values: NDArray) -> float:
    """The mean, NaN of nothing."""
    return float(np.mean(values)) if len(values) else float("nan")


def median(values: NDArray) -> float:
    """The median, NaN of nothing."""
    return float(np.median(values)) if len(values) else float("nan")


def interval_by_subject(
    values: NDArray[np.float64], subjects: NDArray, *, draws: int = 2000
) -> tuple[float, float] | None:
    """95 % bootstrap interval of the mean, drawing whole subjects: the views of one are not independent.

    None below three subjects: drawing one or two anew shows next to nothing of how people differ.
    """
    names = np.unique(subjects)
    if len(names) < 3 or not np.isfinite(values).all():
        return None
    sums = np.array([values[subjects == name].sum() for name in names])
    counts = np.array([(subjects == name).sum() for name in names])
    chosen = np.random.default_rng(0).integers(0, len(names), size=(draws, len(names)))
    low, high = np.percentile(sums[chosen].sum(1) / counts[chosen].sum(1), [2.5, 97.5])
    return float(low), float(high)
