"""Figures over training: each measure of each task beside chance, on training and on held-out people."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from orienteer.report.history import Curve, curves
from orienteer.report.measures import HEADLINES, TASKS, scaled, shown_unit, title_of
from orienteer.report.read import RunRecords, number
from orienteer.report.theme import Figure, floats, layout, plain

LOOKS = {
    "direction_error_deg": "90° is a direction drawn at random; it should fall towards 0°.",
    "route_arrival_mm": "It should fall like the gap error: a chain of steps adds up the errors of its steps.",
    "route_closure_mm": "Standing still closes every round trip, so a small value means little without a small "
    "arrival error.",
    "adjacency_accuracy": "50 % is a coin toss; it should rise towards 100 %.",
    "position_error_mm": "It should fall well below the dashed line, the error of placing every voxel in the middle.",
    "embedding_rank": "A value near 1 means that all chunks look the same to the model (collapse).",
}


def training_figures(run: RunRecords) -> tuple[list[Figure], list[Figure]]:
    """The headline measures, gap error first and wide; then every other measure a task wrote."""
    train, held_out = curves(run.lines, "train"), curves(run.lines, "validation")
    best = number(run.summary.get("best_step"))
    figures = []
    for task in sorted({*train, *held_out} - {"training"}, key=_task_order):
        names = list(dict.fromkeys([*held_out.get(task, {}), *train.get(task, {})]))
        for name in names:
            pair = (train.get(task, {}).get(name), held_out.get(task, {}).get(name))
            # A task from outside the list leads with its first measure.
            leads = name in HEADLINES or (name == names[0] and not set(names) & set(HEADLINES))
            figures.append((leads, _figure(task, name, *pair, best=best)))
    first = [figure for leads, figure in figures if leads]
    rest = [figure for leads, figure in figures if not leads]
    first.sort(key=lambda figure: -figure.span)
    small = [figure for figure in first if figure.span < 6]
    if len(first) == 1:
        first = [replace(figure, span=6) for figure in first]
    elif len(small) in (1, 2, 4):  # fill the rows: three abreast would leave a hole
        first = [replace(figure, span=3) if figure.span < 6 else figure for figure in first]
    return first, rest


def machine_figures(run: RunRecords) -> list[Figure]:
    """Loss, learning rate and the share of time spent waiting for data."""
    own = curves(run.lines, "train").get("training", {})
    looks = {
        "loss": "It should fall and then flatten; it has no unit, so judge learning by the figures in mm above.",
        "learning_rate": "The planned warm-up and decay; a kink here explains a kink in the curves above.",
        "data_wait_fraction": "Below 10 % the computer learns; above it, it waits for scans to be read.",
    }
    return [
        Figure(
            name=f"training-{name}",
            title=title_of(name),
            look=looks.get(name, "Logged while training."),
            data=[_line(curve, "training", "@train", width=2)],
            layout=layout("step", shown_unit(curve.unit), height=240, yaxis={"rangemode": "tozero"}, showlegend=False),
            span=2,
        )
        for name, curve in own.items()
    ]


def _figure(task: str, name: str, train: Curve | None, held_out: Curve | None, *, best: float | None) -> Figure:
    wide = name == "gap_error_mm"
    shown = held_out or train
    assert shown is not None
    data = []
    if train is not None:
        data.append(_line(train, "training people", "@train", width=1.5))
    if held_out is not None:
        data.append(_line(held_out, "held-out people", "@model", width=2.5, marker=True))
    chance = shown.chance[np.isfinite(shown.chance)]
    if chance.size:
        data.append(_chance(shown))
    if held_out is not None and best is not None and best in held_out.steps:
        data.append(_best(held_out, best))
    unit = shown_unit(shown.unit)
    return Figure(
        name=f"curve-{task}-{name}",
        title=f"{title_of(name)} over training" if wide else title_of(name),
        look=_look(name, shown, wide=wide, compared=held_out is not None),
        data=data,
        layout=layout(
            "training step",
            plain(f"{title_of(name)} ({unit})") if wide else unit,
            height=400 if wide else 260,
            yaxis={"rangemode": "tozero"},
            showlegend=wide or held_out is None,
        ),
        span=6 if wide else 2,
    )


def _look(name: str, curve: Curve, *, wide: bool, compared: bool) -> str:
    if not compared:
        return "No evaluation on held-out people was logged yet; the thin curve is of the training people alone."
    if wide:
        return (
            "The blue curve should fall well below the dashed chance line, which is what a model that knows nothing "
            "reaches. If only the thin training curve falls, the model remembers its training people instead of "
            "learning anatomy."
        )
    if name in LOOKS:
        return LOOKS[name]
    if np.isfinite(curve.chance).any():
        return "The blue curve should move away from the dashed chance line and stay near the thin training curve."
    return "Logged for comparison; it has no chance level."


def _line(curve: Curve, name: str, colour: str, *, width: float, marker: bool = False) -> dict[str, Any]:
    few = curve.steps.size < 3
    return {
        "type": "scatter",
        "mode": "lines+markers" if marker or few else "lines",
        "name": name,
        "x": curve.steps.tolist(),
        "y": floats([scaled(v, curve.unit) for v in curve.values], 6),
        "line": {"color": colour, "width": width},
        "marker": {"color": colour, "size": 6},
        "hovertemplate": f"step %{{x}}: %{{y:.3~g}} {shown_unit(curve.unit)}<extra>{name}</extra>",
    }


def _chance(curve: Curve) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "chance",
        "x": curve.steps.tolist(),
        "y": floats([scaled(v, curve.unit) if math.isfinite(v) else v for v in curve.chance]),
        "line": {"color": "@chance", "width": 2, "dash": "dash"},
        "hovertemplate": f"chance: %{{y:.3~g}} {shown_unit(curve.unit)}<extra></extra>",
    }


def _best(curve: Curve, step: float) -> dict[str, Any]:
    value = scaled(float(curve.values[curve.steps == step][0]), curve.unit)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "best checkpoint",
        "x": [int(step)],
        "y": [round(value, 4)],
        "marker": {"symbol": "star", "size": 15, "color": "@truth", "line": {"color": "@card", "width": 1.5}},
        "hovertemplate": f"best checkpoint, step {int(step)}: %{{y:.3~g}} {shown_unit(curve.unit)}<extra></extra>",
    }


def _task_order(task: str) -> tuple[int, str]:
    known = list(TASKS)
    return (known.index(task) if task in known else len(known), task)
