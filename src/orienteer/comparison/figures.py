"""Plots of the page: few-label curves, scores of each structure, gains over scratch.

An arm keeps its colour, marker and dash throughout the page. The colours can be distinguished with the common kinds of
colour blindness; with more arms than colours, marker and dash still differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from orienteer.comparison.benchmark import Arm, Benchmark, Task
from orienteer.comparison.scores import Key
from orienteer.comparison.statistics import SCRATCH, Analysis, Score
from orienteer.comparison.words import MODES, Written, chance_of, gain, labelled, number, scaled, span, written
from orienteer.report.theme import SEQUENTIAL, Figure, floats, layout, plain

COLOURS = ("@arm-a", "@arm-b", "@arm-c", "@arm-d", "@arm-e", "@arm-f", "@arm-g")
MARKERS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "x", "star", "pentagon", "hexagon")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")


@dataclass(frozen=True)
class Style:
    """How one arm is drawn."""

    colour: str
    marker: str
    dash: str
    width: float


def styles_of(benchmark: Benchmark) -> dict[str, Style]:
    """A style for each arm: ours thick, scratch grey and dashed, the others in turn."""
    found, others = {}, 0
    for place, arm in enumerate(benchmark.arms):
        marker = MARKERS[place % len(MARKERS)]
        if arm is benchmark.ours:
            found[arm.name] = Style("@model", marker, "solid", 4)
        elif arm.role == "scratch":
            found[arm.name] = Style("@chance", marker, "dash" if arm is benchmark.scratch else "dot", 2.5)
        else:
            dash = DASHES[(others // len(COLOURS)) % len(DASHES)]
            found[arm.name] = Style(COLOURS[others % len(COLOURS)], marker, dash, 2)
            others += 1
    return found


def curve_figure(analysis: Analysis, benchmark: Benchmark, task: Task, mode: str) -> Figure:
    """Score against the number of labelled scans, one curve an arm, whiskers over people and seeds."""
    metric, labels, styles = written(task), analysis.labels(task.name, mode), styles_of(benchmark)
    logarithmic = len(labels) > 1 and labels[0] > 0
    shown = [arm for arm in benchmark.arms if column(analysis, task, mode, arm, labels)]
    data = []
    for place, arm in enumerate(shown):
        scores = column(analysis, task, mode, arm, labels)
        # Shifted slightly, else the whiskers of the arms hide each other.
        shift = place - (len(shown) - 1) / 2
        step = 0.018 if logarithmic else 0.04
        x = [count * 2 ** (shift * step * 2) if logarithmic else count + shift * step for count in scores]
        data.append(_curve(arm, styles[arm.name], x, scores, written(task).fraction))
    frame = layout(
        "labelled scans",
        _axis(metric),
        height=440,
        xaxis={"type": "log" if logarithmic else "linear", "tickvals": labels, "ticktext": [str(n) for n in labels]},
    )
    best = "Higher" if task.better == "higher" else "Lower"
    return Figure(
        name=f"curve-{task.name}-{mode}",
        title="Score against the number of labelled scans",
        look=f"{best} is better. Whiskers: 95 % intervals over people and seeds; arms are compared on the same people, "
        "so overlapping whiskers do not mean that two arms are equal: see the gains below. Click a name to hide it.",
        data=data,
        layout=frame,
        span=6,
    )


def learning_figure(analysis: Analysis, benchmark: Benchmark, task: Task, labels: int) -> Figure | None:
    """Score on validation subjects by step of fine-tuning, one line an arm; None where nothing was recorded."""
    metric, styles = written(task), styles_of(benchmark)
    data = []
    for arm in benchmark.arms:
        found = analysis.learning.get((task.name, labels, arm.name))
        if found is None:
            continue
        style, means = styles[arm.name], [scaled(value, metric) for value in found.means]
        spread = zip(found.lows, found.highs, strict=True)
        data.append({
            "type": "scatter", "mode": "lines+markers", "name": plain(arm.label),
            "x": list(found.steps), "y": floats(means, 4),
            "line": {"color": style.colour, "dash": style.dash, "width": style.width},
            "marker": {"color": style.colour, "symbol": style.marker, "size": 6},
            "customdata": [[number(low, metric), number(high, metric)] for low, high in spread],
            "hovertemplate": "step %{x}: %{y:.2f}, seeds %{customdata[0]} to %{customdata[1]}"
            f"<extra>{plain(arm.label)}</extra>",
        })  # fmt: skip
    if not data:
        return None
    return Figure(
        name=f"learning-{task.name}-{labels}",
        title=f"Score while learning, {labelled(labels, task)}",
        look="On validation people, mean over seeds. Where a line reaches the end of scratch's, that arm is as good as "
        "scratch ever gets; the table below has the steps. It decided nothing: the last weights are scored above.",
        data=data,
        layout=layout("step", _axis(metric), height=440),
        span=6,
    )


def forest_figure(analysis: Analysis, benchmark: Benchmark, task: Task, mode: str) -> Figure | None:
    """Gain over scratch with its interval, one row for each arm and label count."""
    metric, styles = written(task), styles_of(benchmark)
    rows: list[str] = []
    breaks, data = [], []
    for labels in analysis.labels(task.name, mode):
        breaks.append(len(rows) - 0.5)
        for arm in benchmark.arms:
            found = analysis.against(task.name, mode, labels, arm.name, SCRATCH)
            if found is None:
                continue
            pair, style = found.paired, styles[arm.name]
            name = plain(f"{arm.label} · {labelled(labels, task)}")
            rows.append(name)
            low, high = (pair.gain if end is None else end for end in (pair.low, pair.high))
            ends = [scaled(pair.gain, metric)], [scaled(low, metric)], [scaled(high, metric)]
            measured = f"{gain(pair.gain, metric)}, {span(pair.low, pair.high, metric, signed=True) or 'no interval'}"
            data.append({
                "type": "scatter", "mode": "markers", "showlegend": False, "y": [name],
                "x": floats([scaled(pair.gain, metric)], 4),
                "marker": {
                    "symbol": style.marker + ("" if found.significant else "-open"), "size": 11,
                    "color": style.colour, "line": {"width": 2, "color": style.colour},
                },
                "error_x": _error(*ends, style.colour),
                "hovertemplate": f"{name}: {measured}<br>Holm p {chance_of(found.holm_row)}, {pair.by_row.pairs} pairs"
                f"<br>by person p {chance_of(pair.by_person.p)}, {pair.by_person.pairs} people<extra></extra>",
            })  # fmt: skip
    if not data:
        return None
    frame = layout(
        plain(f"gain over scratch ({'points' if metric.fraction else metric.unit})"), "",
        height=90 + 26 * len(rows), showlegend=False, margin={"t": 12, "l": 180},
        yaxis={"type": "category", "autorange": "reversed", "categoryorder": "array", "categoryarray": rows},
        xaxis={"zeroline": True, "zerolinewidth": 2, "zerolinecolor": "@ink"},
        shapes=[
            {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": at, "y1": at, "line": {"color": "@rule"}}
            for at in breaks if 0 < at < len(rows) - 0.5
        ],
    )  # fmt: skip
    return Figure(
        name=f"forest-{task.name}-{mode}",
        title=f"Gain over scratch on the same cases and seeds, {MODES[mode]}",
        look="Right of the line an arm is better than scratch. Filled markers: p < 0.05 after Holm's correction "
        "and an interval without zero; hollow ones are not told apart from scratch. Bars: 95 % intervals over people "
        "and seeds.",
        data=data,
        layout=frame,
        span=6,
    )


def item_figure(analysis: Analysis, benchmark: Benchmark, task: Task, mode: str, labels: int) -> Figure | None:
    """A heat map of the mean score of each structure, arms down, structures across."""
    values, metric = analysis.items[task.name], written(task)
    items = sorted({item for kind, count, _, item in values if (kind, count) == (mode, labels)})
    if not items:
        return None
    arms = benchmark.planned(task, mode)
    table = [[values.get((mode, labels, arm.name, item)) for item in items] for arm in arms]
    scale = [[place / (len(SEQUENTIAL) - 1), colour] for place, colour in enumerate(SEQUENTIAL)]
    heat = {
        "type": "heatmap", "x": [plain(item) for item in items], "y": [plain(arm.label) for arm in arms],
        "z": [[None if value is None else round(scaled(value, metric), 4) for value in row] for row in table],
        "text": [[number(value, metric) for value in row] for row in table], "texttemplate": "%{text}",
        "colorscale": scale, "reversescale": task.better == "lower", "xgap": 2, "ygap": 2, "hoverongaps": False,
        "hovertemplate": "%{y}, %{x}: %{text}<extra></extra>", "colorbar": {"thickness": 10, "outlinewidth": 0},
    }  # fmt: skip
    frame = layout(
        "", "", height=130 + 30 * len(arms), margin={"t": 12},
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False},
        xaxis={"type": "category", "showgrid": False, "tickangle": -35},
    )  # fmt: skip
    return Figure(
        name=f"items-{task.name}-{mode}-{labels}",
        title=f"{metric.title} of each structure, {MODES[mode]}, {labelled(labels, task)}",
        look="Dark is better. Means over cases and seeds; where a structure is the weak spot of one arm only, look at "
        "its scans.",
        data=[heat],
        layout=frame,
        span=6,
    )


def column(analysis: Analysis, task: Task, mode: str, arm: Arm, labels: Sequence[int]) -> dict[int, Score]:
    """The arm's scores by label count."""
    keys = {count: Key(task.name, mode, count, arm.name, task.metric) for count in labels}
    return {count: analysis.scores[key] for count, key in keys.items() if key in analysis.scores}


def _curve(arm: Arm, style: Style, x: list[float], scores: dict[int, Score], fraction: bool) -> dict[str, object]:
    unit = 100 if fraction else 1
    means = [score.mean * unit for score in scores.values()]
    lows = [mean if score.low is None else score.low * unit for mean, score in zip(means, scores.values(), strict=True)]
    highs = [
        mean if score.high is None else score.high * unit for mean, score in zip(means, scores.values(), strict=True)
    ]
    error = _error(means, lows, highs, style.colour)
    return {
        "type": "scatter", "mode": "lines+markers", "name": plain(arm.label),
        "x": floats(x, 4), "y": floats(means, 4), "error_y": error | {"thickness": 1.2, "width": 3},
        "line": {"color": style.colour, "dash": style.dash, "width": style.width},
        "marker": {"color": style.colour, "symbol": style.marker, "size": 9},
        "customdata": [
            [count, round(low, 2), round(high, 2)] for count, low, high in zip(scores, lows, highs, strict=True)
        ],
        "hovertemplate": "%{customdata[0]} labelled: %{y:.2f} [%{customdata[1]}, %{customdata[2]}]"
        f"<extra>{plain(arm.label)}</extra>",
    }  # fmt: skip


def _axis(metric: Written) -> str:
    """What a score's axis is called."""
    unit = "points" if metric.fraction else metric.unit
    return plain(f"{metric.title} ({unit})" if unit else metric.title)


def _error(values: list[float], lows: list[float], highs: list[float], colour: str) -> dict[str, object]:
    return {
        "type": "data", "symmetric": False, "color": colour, "thickness": 2, "width": 0,
        "array": floats([high - v for v, high in zip(values, highs, strict=True)], 4),
        "arrayminus": floats([v - low for v, low in zip(values, lows, strict=True)], 4),
    }  # fmt: skip
