"""From rows to figures: the same numbers in training, summary, report and web page. Units in every name."""

import numpy as np
from numpy.typing import NDArray

from orienteer.records.records import Measure, Rows

FAR_APART_MM = 30.0
"""Chunk pairs whose distances differ by at least this much are the ones a person would call clearly different."""


def vectors(rows: Rows, prefix: str) -> NDArray[np.float64]:
    """``(N, 3)`` of the columns ``prefix_r``, ``prefix_a``, ``prefix_s``, mm."""
    return np.stack([np.asarray(rows[f"{prefix}_{axis}"], dtype=np.float64) for axis in "ras"], axis=-1)


def gap_measures(rows: Rows) -> dict[str, Measure]:
    """Mean error of the gap, beside the best constant answer.

    For ordered pairs every gap comes with its negative, so the best constant is zero and its error is the mean
    distance: that is the chance a model must beat.
    """
    true, predicted = vectors(rows, "true"), vectors(rows, "pred")
    error = np.linalg.norm(predicted - true, axis=1)
    distance = np.linalg.norm(true, axis=1)
    far = np.abs(np.linalg.norm(predicted, axis=1) - distance)
    measures = {
        "gap_error_mm": Measure(_mean(error), "mm", _mean(distance)),
        "gap_error_median_mm": Measure(_median(error), "mm", _median(distance)),
        "distance_error_mm": Measure(
            _mean(far), "mm", _mean(np.abs(distance - np.median(distance))) if len(distance) else None
        ),
    }
    for n, axis in enumerate(("right", "anterior", "superior")):
        measures[f"gap_error_{axis}_mm"] = Measure(
            _mean(np.abs(predicted[:, n] - true[:, n])), "mm", _mean(np.abs(true[:, n]))
        )
    if "scale_r" in rows:
        scaled = np.abs(predicted - true) / vectors(rows, "scale")
        for percent in (50, 90):
            # A Laplace interval of probability p reaches -log(1 - p) scales to either side.
            inside = scaled <= -np.log(1 - percent / 100)
            measures[f"coverage_{percent}"] = Measure(_mean(inside), "fraction", None, "higher")
    return measures


def route_measures(rows: Rows) -> dict[str, Measure]:
    """Direction of single steps, arrival of routes over all views, closure of tours."""
    kind = np.asarray(rows["kind"])
    true, predicted = vectors(rows, "true"), vectors(rows, "pred")
    step, route, tour = (kind == name for name in ("step", "route", "tour"))
    missed = np.linalg.norm(predicted - true, axis=1)
    length = np.linalg.norm(true, axis=1)
    return {
        # Random directions in space are 90 degrees off on average.
        "direction_error_deg": Measure(_mean(angles_deg(predicted[step], true[step])), "deg", 90.0),
        "step_error_mm": Measure(_mean(missed[step]), "mm", _mean(length[step])),
        "route_arrival_mm": Measure(_mean(missed[route]), "mm", _mean(length[route])),
        # Predicting nothing closes every tour: closure has no chance level and means nothing by itself.
        "route_closure_mm": Measure(_mean(missed[tour]), "mm", None),
    }


def adjacency_measures(rows: Rows) -> dict[str, Measure]:
    """How often the adjacent pair of chunks is the more similar one.

    In scans of a few cm no two pairs differ clearly in distance; the accuracy of all pairs comes first there.
    """
    near, far = np.asarray(rows["adjacent_similarity"]), np.asarray(rows["distant_similarity"])
    difference = np.asarray(rows["distant_mm"]) - np.asarray(rows["adjacent_mm"])
    clear, ranked = difference >= FAR_APART_MM, difference > 1e-3
    won = (near > far) + 0.5 * (near == far)
    accuracies = {
        "adjacency_accuracy": Measure(_mean(won[clear]), "fraction", 0.5, "higher"),
        "adjacency_accuracy_all": Measure(_mean(won[ranked]), "fraction", 0.5, "higher"),
    }
    names = list(accuracies) if clear.any() else list(accuracies)[::-1]
    return {name: accuracies[name] for name in names} | {
        "adjacency_auc": Measure(auc(near, far), "fraction", 0.5, "higher"),
        "similarity_adjacent": Measure(_mean(near), "1", None, "higher"),
        "similarity_distant": Measure(_mean(far), "1", None),
    }


def position_measures(rows: Rows) -> dict[str, Measure]:
    """Mean error of the position field.

    Chance knows where in its view a cell lies, which is plain geometry, and places every view at the scan's centre.
    """
    true, predicted = vectors(rows, "true"), vectors(rows, "pred")
    views = np.stack([np.asarray(rows["sample"]), np.asarray(rows["view"])], axis=1)
    _, view, counts = np.unique(views, axis=0, return_inverse=True, return_counts=True)
    view = view.reshape(-1)
    middles = np.stack([np.bincount(view, weights=true[:, axis]) for axis in range(3)], axis=1) / counts[:, None]
    return {
        "position_error_mm": Measure(
            _mean(np.linalg.norm(predicted - true, axis=1)), "mm", _mean(np.linalg.norm(middles[view], axis=1))
        )
    }


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


def _mean(values: NDArray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")


def _median(values: NDArray) -> float:
    return float(np.median(values)) if len(values) else float("nan")
