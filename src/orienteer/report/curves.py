"""Figures over training: each metric of each task beside chance, on training and on held-out people."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from orienteer.records.card import unlisted_metric
from orienteer.records.metric import Metric
from orienteer.report.history import Curve, curves
from orienteer.report.read import MACHINE, RunRecords, number
from orienteer.report.theme import Figure, Plotly, floats, layout, plain
from orienteer.units import scaled, shown_unit

OF_MACHINE = {
    "loss": Metric(
        name="loss", title="Loss", unit="1",
        look="It should fall and then flatten; it has no unit, so judge learning by the figures in units above.",
    ),
    "learning_rate": Metric(
        name="learning_rate", title="Learning rate", unit="1",
        look="The planned warm-up and decay; a kink here explains a kink in the curves above.",
    ),
    "data_wait_fraction": Metric(
        name="data_wait_fraction", title="Share of time waiting for data", unit="fraction",
        look="Below 10 % the computer learns; above it, it waits for scans to be read.",
    ),
}  # fmt: skip
"""What the training loop itself logs."""


@dataclass(frozen=True)
class Logged:
    """One metric of one task over training, with its curve on training and on held-out people."""

    task: str
    metric: Metric
    title: str
    train: Curve | None
    held_out: Curve | None
    leads: bool
    """Whether it is shown at once; the others wait behind a click."""

    @property
    def shown(self) -> Curve:
        """The curve that counts."""
        curve = self.held_out or self.train
        assert curve is not None
        return curve


def training_figures(run: RunRecords) -> tuple[list[Figure], list[Figure]]:
    """The leading metrics, the first task's headline wide before them; then every other metric a task logged."""
    best, found = number(run.summary.get("best_step")), logged(run)
    leading = [one for one in found if one.leads]
    first = [_figure(one, best=best, wide=index == 0) for index, one in enumerate(leading)]
    # Three abreast, but no hole in the last row.
    small = len(first) - 1
    last = small if small < 3 else {0: 0, 1: 4, 2: 2}[small % 3]
    for index in range(len(first) - last, len(first)):
        first[index] = replace(first[index], span=6 if last == 1 else 3)
    return first, [_figure(one, best=best, wide=False) for one in found if not one.leads]


def logged(run: RunRecords) -> list[Logged]:
    """Every metric in the log, in the order of the run's tasks and of their cards."""
    train, held_out = curves(run.lines, "train"), curves(run.lines, "validation")
    tasks = [task for task in dict.fromkeys([*run.tasks, *sorted({*train, *held_out})]) if task != MACHINE]
    found: list[Logged] = []
    for task in tasks:
        of_train, of_held_out = train.get(task, {}), held_out.get(task, {})
        present = dict.fromkeys([*of_held_out, *of_train])
        for metric in _metrics(run, task, present, {**of_train, **of_held_out}):
            stands_in = metric.stands_in_for in present
            leads = metric.shown != "detail" and not stands_in
            pair = of_train.get(metric.name), of_held_out.get(metric.name)
            found.append(Logged(task, metric, metric.title, *pair, leads))
    titles = [one.title for one in found]
    return [
        replace(one, title=f"{one.title} ({run.title(one.task)})") if titles.count(one.title) > 1 else one
        for one in found
    ]


def _metrics(run: RunRecords, task: str, present: Mapping[str, None], logged: Mapping[str, Curve]) -> list[Metric]:
    """The logged metrics of a task: as its card lists them, then the rest; without a card the first one leads."""
    card = run.cards.get(task)
    listed = [metric for metric in card.metrics if metric.name in present] if card else []
    known = {metric.name for metric in listed}
    rest = [unlisted_metric(name, logged[name].unit or "1") for name in present if name not in known]
    if not listed and rest:
        rest[0] = rest[0].model_copy(update={"shown": "curve"})
    return [*listed, *rest]


def machine_figures(run: RunRecords) -> list[Figure]:
    """Loss, learning rate and the share of time spent waiting for data."""
    found = []
    for name, curve in curves(run.lines, "train").get(MACHINE, {}).items():
        metric = OF_MACHINE.get(name) or unlisted_metric(name, curve.unit)
        frame = layout("step", shown_unit(curve.unit), height=240, yaxis={"rangemode": "tozero"}, showlegend=False)
        line = _line(curve, "training", "@train", width=2)
        found.append(
            Figure(f"training-{name}", metric.title, metric.look or "Logged while training.", [line], frame, 2)
        )
    return found


def _figure(one: Logged, *, best: float | None, wide: bool) -> Figure:
    shown, data = one.shown, []
    if one.train is not None:
        data.append(_line(one.train, "training subjects", "@train", width=1.5))
    if one.held_out is not None:
        data.append(_line(one.held_out, "held-out subjects", "@model", width=2.5, marker=True))
    if np.isfinite(shown.chance).any():
        data.append(_chance(shown))
    if one.held_out is not None and best is not None and best in one.held_out.steps:
        data.append(_best(one.held_out, best))
    unit = shown_unit(shown.unit)
    return Figure(
        name=f"curve-{one.task}-{one.metric.name}",
        title=f"{one.title} over training" if wide else one.title,
        look=_look(one),
        data=data,
        layout=layout(
            "training step",
            plain(f"{one.metric.title} ({unit})" if wide and unit else one.metric.title if wide else unit),
            height=400 if wide else 260,
            yaxis={"rangemode": "tozero"},
            showlegend=wide or one.held_out is None,
        ),
        span=6 if wide else 2,
    )


def _look(one: Logged) -> str:
    if one.held_out is None:
        return "No evaluation on held-out subjects was logged yet; the thin curve is of the training subjects alone."
    if one.metric.look:
        return one.metric.look
    if np.isfinite(one.shown.chance).any():
        rise = "rise well above" if one.metric.better == "higher" else "fall well below"
        return (
            f"The blue curve should {rise} the dashed chance line, which is what a model that knows nothing reaches, "
            "and stay near the thin training curve."
        )
    return "Logged for comparison; it has no chance level."


def _line(curve: Curve, name: str, colour: str, *, width: float, marker: bool = False) -> Plotly:
    few = curve.steps.size < 3
    return {
        "type": "scatter", "mode": "lines+markers" if marker or few else "lines", "name": name,
        "x": curve.steps.tolist(), "y": floats([scaled(v, curve.unit) for v in curve.values], 6),
        "line": {"color": colour, "width": width}, "marker": {"color": colour, "size": 6},
        "hovertemplate": f"step %{{x}}: %{{y:.3~g}} {shown_unit(curve.unit)}<extra>{name}</extra>",
    }  # fmt: skip


def _chance(curve: Curve) -> Plotly:
    return {
        "type": "scatter", "mode": "lines", "name": "chance", "x": curve.steps.tolist(),
        "y": floats([scaled(v, curve.unit) for v in curve.chance]),
        "line": {"color": "@chance", "width": 2, "dash": "dash"},
        "hovertemplate": f"chance: %{{y:.3~g}} {shown_unit(curve.unit)}<extra></extra>",
    }  # fmt: skip


def _best(curve: Curve, step: float) -> Plotly:
    value = scaled(float(curve.values[curve.steps == step][0]), curve.unit)
    return {
        "type": "scatter", "mode": "markers", "name": "best checkpoint", "x": [int(step)], "y": [round(value, 4)],
        "marker": {"symbol": "star", "size": 15, "color": "@truth", "line": {"color": "@card", "width": 1.5}},
        "hovertemplate": f"best checkpoint, step {int(step)}: %{{y:.3~g}} {shown_unit(curve.unit)}<extra></extra>",
    }  # fmt: skip
