"""Predicted against true: gaps and positions as clouds of points around the identity line."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from orienteer.records.measures import vectors
from orienteer.report.read import Table
from orienteer.report.theme import AXES, Figure, floats, layout, plain

MOST_POINTS = 3000


def error_mm(table: Table) -> NDArray[np.float64]:
    """``(n,)`` distance between predicted and true vector of each row, mm."""
    error: NDArray[np.float64] = np.linalg.norm(vectors(table, "pred") - vectors(table, "true"), axis=1)
    return error


def gap_figures(gap: Table) -> list[Figure]:
    """Distance, then each axis, predicted against true."""
    chosen = some_rows(len(gap["sample"]), MOST_POINTS)
    true, pred = vectors(gap, "true"), vectors(gap, "pred")
    distances = np.linalg.norm(true, axis=1), np.linalg.norm(pred, axis=1)
    names = _hover(gap, chosen)
    note = f" {chosen.size:,} of {len(true):,} pairs are drawn." if chosen.size < len(true) else ""
    distance = Figure(
        name="gap-distance",
        title="Distance between two views, predicted against true",
        look="Each point is one pair of views. Points should hug the diagonal; a flat band at one height means the "
        f"model answers the same distance whatever it sees.{note}",
        data=[*_cloud(distances[0][chosen], distances[1][chosen], names, floor=0.0)],
        layout=_square("true distance (mm)", "predicted distance (mm)"),
    )
    return [
        distance,
        *_axes_figures("gap", true, pred, gap, "The same pairs along one axis of the body. ", span=3),
    ]


def position_figures(position: Table) -> list[Figure]:
    """Each axis of the position field, predicted against true."""
    true, pred = vectors(position, "true"), vectors(position, "pred")
    return _axes_figures(
        "position",
        true,
        pred,
        position,
        "Each point is one voxel, its place measured from its sample's middle. ",
        span=2,
    )


def axis_error(true: NDArray[np.float64], pred: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(3,)`` mean absolute error along R, A, S, mm."""
    error: NDArray[np.float64] = np.abs(pred - true).mean(axis=0)
    return error


def some_rows(count: int, most: int) -> NDArray[np.int64]:
    """At most ``most`` row numbers, spread by a fixed draw, in order: the same page from the same records."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))


def _axes_figures(
    name: str, true: NDArray[np.float64], pred: NDArray[np.float64], table: Table, opening: str, *, span: int
) -> list[Figure]:
    chosen = some_rows(len(true), MOST_POINTS // 2)
    errors = axis_error(true, pred)
    return [
        Figure(
            name=f"{name}-axis-{'ras'[axis]}",
            title=f"{words.capitalize()}: off by {errors[axis]:.1f} mm on average",
            look=f"{opening if axis == 0 else ''}{_signs(axis)} A cloud along the other diagonal would mean the axis "
            "is mirrored; a flat one, that this axis was not learned.",
            data=_cloud(true[chosen, axis], pred[chosen, axis], _hover(table, chosen)),
            layout=_square("true (mm)", "predicted (mm)"),
            span=span,
        )
        for axis, words in enumerate(AXES)
    ]


def _signs(axis: int) -> str:
    return f"Positive is towards the patient's {('right', 'front', 'head')[axis]}."


def _cloud(
    true: NDArray[np.float64], pred: NDArray[np.float64], names: list[str], *, floor: float | None = None
) -> list[dict[str, Any]]:
    finite = np.concatenate([true[np.isfinite(true)], pred[np.isfinite(pred)], [0.0]])
    low = float(finite.min()) if floor is None else floor
    ends = floats([low, float(finite.max())], 1)
    return [
        {
            "type": "scatter", "mode": "lines", "name": "perfect", "x": ends, "y": ends,
            "line": {"color": "@truth", "width": 2}, "hoverinfo": "skip",
        },
        {
            "type": "scatter", "mode": "markers", "name": "one pair" if floor == 0 else "predicted",
            "x": floats(true, 1), "y": floats(pred, 1), "text": names,
            "marker": {"color": "@model", "size": 4.5, "opacity": 0.45},
            "hovertemplate": "true %{x} mm, predicted %{y} mm<br>%{text}<extra></extra>",
        },
    ]  # fmt: skip


def _square(x: str, y: str) -> dict[str, Any]:
    return layout(x, y, height=380, showlegend=False)


def _hover(table: Table, rows: NDArray[np.int64]) -> list[str]:
    return [plain(scan) for scan in np.asarray(table["scan"])[rows]]
