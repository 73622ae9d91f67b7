"""Bars with whiskers and their value on top, and the answer of a model that does nothing beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

from orienteer.report.intervals import Estimate
from orienteer.report.theme import Plotly, floats, layout


@dataclass(frozen=True)
class Group:
    """The error of some rows, and what answering zero would give on the same rows; both in mm."""

    label: str
    error: Estimate
    zero_mm: float


def group_bars(groups: Sequence[Group], *, zero: str | None = None) -> list[Plotly]:
    """One bar for each group; with ``zero``, diamonds of that name at the error of answering zero."""
    labels = [group.label for group in groups]
    errors = [group.error for group in groups]
    tops = [e.mean if e.high is None else e.high for e in errors]
    bottoms = [e.mean if e.low is None else e.low for e in errors]
    traces: list[Plotly] = [
        {
            "type": "bar", "name": "this model", "x": labels, "y": floats([e.mean for e in errors]),
            "marker": {"color": "@model"},
            "error_y": {
                "type": "data", "symmetric": False, "color": "@ink", "thickness": 1.5, "width": 5,
                "array": floats([top - e.mean for top, e in zip(tops, errors, strict=True)]),
                "arrayminus": floats([e.mean - low for low, e in zip(bottoms, errors, strict=True)]),
            },
            "customdata": [[e.rows, e.owners, e.drawn] for e in errors],
            "hovertemplate": "%{y:.1f} mm<br>%{customdata[0]} rows from %{customdata[1]} "
            "%{customdata[2]}<extra></extra>",
        },
        {
            "type": "scatter", "mode": "text", "showlegend": False, "x": labels, "y": floats(tops),
            "text": [f"<b>{e.mean:.1f}</b>" for e in errors], "textposition": "top center",
            "textfont": {"color": "@ink"}, "hoverinfo": "skip", "cliponaxis": False,
        },
    ]  # fmt: skip
    away = [group for group in groups if group.zero_mm > 1e-6]
    if zero is not None and away:
        traces.append(
            {
                "type": "scatter", "mode": "markers", "name": zero, "x": [group.label for group in away],
                "y": floats([group.zero_mm for group in away]),
                "marker": {"symbol": "diamond-open", "size": 11, "color": "@chance", "line": {"width": 2}},
                "hovertemplate": zero + ": %{y:.1f} mm<extra></extra>",
            }
        )  # fmt: skip
    return traces


def bar_frame(x: str, y: str, *, height: int, top_mm: float | None = None, legend: bool = True) -> Plotly:
    """Categories along x, mm from zero along y, up to ``top_mm`` where several plots share one scale."""
    scale = {"rangemode": "tozero"} if top_mm is None else {"range": [0, round(top_mm * 1.2 + 0.1, 1)]}
    return layout(x, y, height=height, xaxis={"type": "category"}, yaxis=scale, bargap=0.4, showlegend=legend)


def whiskers(groups: Sequence[Group]) -> str:
    """What the whiskers are, or why there are none."""
    drawn = groups[0].error.drawn if groups else "subjects"
    if all(group.error.low is None for group in groups):
        return f"There are too few {drawn} for intervals."
    return f"Whiskers: 95 % intervals from drawing whole {drawn} anew."
