"""Lying bars with whiskers, their value beside them, and the answer of a model that does nothing beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

from orienteer.report.intervals import Estimate
from orienteer.report.theme import Plotly, floats, layout, plain


@dataclass(frozen=True)
class Group:
    """The error of some rows, and what answering zero would give on the same rows; both in mm."""

    label: str
    error: Estimate
    zero_mm: float


def group_bars(groups: Sequence[Group], *, zero: str | None = None) -> list[Plotly]:
    """One lying bar for each group; with ``zero``, diamonds of that name at the error of answering zero."""
    labels, errors = _labels(groups), [group.error for group in groups]
    tops = [e.mean if e.high is None else e.high for e in errors]
    bottoms = [e.mean if e.low is None else e.low for e in errors]
    traces: list[Plotly] = [
        {
            "type": "bar", "orientation": "h", "name": "this model", "y": labels, "showlegend": zero is not None,
            "x": floats([e.mean for e in errors]), "marker": {"color": "@model"},
            "error_x": error_bars([(e.mean, low, top) for e, low, top in zip(errors, bottoms, tops, strict=True)]),
            "customdata": [[e.rows, e.owners, e.drawn] for e in errors],
            "hovertemplate": "%{x:.1f} mm<br>%{customdata[0]} rows from %{customdata[1]} "
            "%{customdata[2]}<extra></extra>",
        },
    ]  # fmt: skip
    away = [n for n, group in enumerate(groups) if group.zero_mm > 1e-6]
    if zero is not None and away:
        traces.append(
            {
                "type": "scatter", "mode": "markers", "name": zero, "y": [labels[n] for n in away],
                "x": floats([groups[n].zero_mm for n in away]),
                "marker": {"symbol": "diamond-open", "size": 11, "color": "@chance", "line": {"width": 2}},
                "hovertemplate": zero + ": %{x:.1f} mm<extra></extra>",
            }
        )  # fmt: skip
    return traces


def error_bars(ends: Sequence[tuple[float, float, float]]) -> Plotly:
    """The whiskers of lying bars: where each bar ends, and where its whisker begins and ends."""
    return {
        "type": "data", "symmetric": False, "color": "@ink", "thickness": 1.5, "width": 5,
        "array": floats([top - at for at, _, top in ends]),
        "arrayminus": floats([at - low for at, low, _ in ends]),
    }  # fmt: skip


def bar_frame(groups: Sequence[Group], x: str, y: str = "") -> Plotly:
    """The groups from top to bottom, errors from zero along x."""
    labels = _labels(groups)
    return layout(
        x, y, height=112 + 42 * len(groups), xaxis={"rangemode": "tozero"}, bargap=0.4,
        yaxis={"type": "category", "autorange": "reversed", "categoryorder": "array", "categoryarray": labels},
    )  # fmt: skip


def _labels(groups: Sequence[Group]) -> list[str]:
    return [bar_label(g.label, f"{g.error.mean:.1f} mm", g.error.rows) for g in groups]


def bar_label(words: str, value: str, count: int | None) -> str:
    """What stands at a bar: what it is, its value, and on how many rows it rests where that was counted."""
    return f"{plain(words)}<br><b>{plain(value)}</b>" + (f", n = {count:,}" if count else "")


def upright(at: float, words: str) -> Plotly:
    """A dashed line across lying bars with its words above it, to be added to a layout."""
    line = {
        "type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper",
        "line": {"color": "@chance", "width": 2.5, "dash": "dash"},
    }  # fmt: skip
    label = {
        "x": at, "y": 1, "yref": "paper", "xanchor": "right", "yanchor": "bottom", "showarrow": False,
        "text": plain(words), "font": {"color": "@chance"},
    }  # fmt: skip
    return {"shapes": [line], "annotations": [label]}


def whiskers(groups: Sequence[Group]) -> str:
    """What the whiskers are, or why there are none."""
    drawn = groups[0].error.drawn if groups else "subjects"
    if all(group.error.low is None for group in groups):
        return f"There are too few {drawn} for intervals."
    return f"Whiskers: 95 % intervals from drawing whole {drawn} anew."
