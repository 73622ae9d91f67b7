"""Clouds of predicted against true around the identity line, shared by the drawers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orienteer.records.observation import Rows
from orienteer.report.theme import Plotly, floats, layout, plain

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
) -> list[Plotly]:
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


def square(x: str, y: str) -> Plotly:
    """The frame of a cloud."""
    return layout(x, y, height=380, showlegend=False)
