"""Clouds of predicted against true around the identity line, shared by the drawers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orienteer.records.evidence import AXES, VectorEvidence
from orienteer.records.observation import Rows
from orienteer.records.statistics import vectors
from orienteer.report.theme import AXIS_WORDS, TOWARDS, Figure, floats, layout, plain

MOST_POINTS = 3000


def some_rows(count: int, most: int = MOST_POINTS) -> NDArray[np.int64]:
    """At most ``most`` row numbers, spread by a fixed draw, in order: the same page from the same records."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))


def drawn_of(chosen: int, count: int, what: str) -> str:
    """Says that not all are drawn; empty where they are."""
    return f" {chosen:,} of {count:,} {what} are drawn." if chosen < count else ""


def scans(rows: Rows, chosen: NDArray[np.int64]) -> list[str]:
    """The scan of each chosen row, as text for a label."""
    return [plain(scan) for scan in np.asarray(rows["scan"])[chosen]]


def cloud(
    true: NDArray[np.float64], pred: NDArray[np.float64], names: Sequence[str], unit: str, *, digits: int = 1
) -> list[dict[str, Any]]:
    """The identity line and one point for each row, all in the unit that is shown."""
    finite = np.concatenate([true[np.isfinite(true)], pred[np.isfinite(pred)], [0.0]])
    ends = floats([float(finite.min()), float(finite.max())], digits)
    return [
        {
            "type": "scatter", "mode": "lines", "name": "perfect", "x": ends, "y": ends,
            "line": {"color": "@truth", "width": 2}, "hoverinfo": "skip",
        },
        {
            "type": "scatter", "mode": "markers", "name": "predicted",
            "x": floats(true, digits), "y": floats(pred, digits), "text": list(names),
            "marker": {"color": "@model", "size": 4.5, "opacity": 0.45},
            "hovertemplate": f"true %{{x}} {unit}, predicted %{{y}} {unit}<br>%{{text}}<extra></extra>",
        },
    ]  # fmt: skip


def square(x: str, y: str) -> dict[str, Any]:
    """The frame of a cloud."""
    return layout(x, y, height=380, showlegend=False)


def axis_figures(evidence: VectorEvidence, rows: Rows, key: str, opening: str, *, span: int) -> list[Figure]:
    """One cloud for each axis of the body; ``opening`` begins the words under the first one."""
    true, pred = vectors(rows, evidence.true), vectors(rows, evidence.pred)
    chosen = some_rows(len(true), MOST_POINTS // 2)
    errors = axis_error(true, pred)
    return [
        Figure(
            name=f"{key}-axis-{AXES[axis]}",
            title=f"{words.capitalize()}: off by {errors[axis]:.1f} mm on average",
            look=f"{opening if axis == 0 else ''}Positive is towards the patient's {TOWARDS[axis]}. A cloud along the "
            "other diagonal would mean the axis is mirrored; a flat one, that this axis was not learned.",
            data=cloud(true[chosen, axis], pred[chosen, axis], scans(rows, chosen), "mm"),
            layout=square("true (mm)", "predicted (mm)"),
            span=span,
        )
        for axis, words in enumerate(AXIS_WORDS)
    ]


def axis_error(true: NDArray[np.float64], pred: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(3,)`` mean absolute error along R, A, S, mm."""
    error: NDArray[np.float64] = np.abs(pred - true).mean(axis=0)
    return error
