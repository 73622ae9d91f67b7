"""Honesty probes: the same model with the anatomy taken away, beside chance and the views as they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from orienteer.records.metric import Metric
from orienteer.report.draw.bars import bar_label, upright
from orienteer.report.evaluated import Evaluated
from orienteer.report.theme import Figure, Plotly, layout, plain
from orienteer.units import in_sentence, scaled, shown, shown_unit

ORDER = {"the inside": 0, "the border": 1, "no anatomy": 2}
"""By what a probe leaves of a view, most first."""


@dataclass(frozen=True)
class Probe:
    """One bar: what was done to the views, what to expect, and the judged figure that was left (None: not finite)."""

    name: str
    label: str
    meaning: str
    unit: str
    value: float | None
    skill: float | None

    @property
    def shown(self) -> str:
        """Value and unit."""
        return shown(self.value, self.unit)


def probes_of(evaluated: Evaluated) -> list[Probe]:
    """The views as they are, then the probes in the order they are best read; empty where none was recorded."""
    judged = evaluated.judged
    if judged is None or not evaluated.record.probes:
        return []
    value = judged[2]
    real = Probe("real", "the views as they are", "nothing is taken away", value.unit, value.value, value.skill)
    results = sorted(evaluated.record.probes, key=lambda probe: ORDER[probe.card.leaves])
    return [real] + [
        Probe(
            result.card.name,
            result.card.title,
            f"{result.card.meaning}: {result.card.look}",
            result.measured.unit,
            result.measured.value,
            result.measured.skill,
        )
        for result in results
    ]


def probe_figures(evaluated: Evaluated) -> list[Figure]:
    """One bar for each probe; a dashed line at chance."""
    judged, probes = evaluated.judged, [probe for probe in probes_of(evaluated) if probe.value is not None]
    if judged is None or not probes:
        return []
    _, metric, value = judged
    chance = None if value.chance is None else scaled(value.chance, value.unit)
    labels = _labels(evaluated, probes)
    frame = _frame(metric, value.unit, probes, labels, chance)
    return [
        Figure(
            name="probes",
            title="The same model with the anatomy taken away",
            look="Where no anatomy is left, a bar should end near the dashed chance line. n: samples. "
            + " ".join(line for line in evaluated.record.verdict.rule.sentences() if line.startswith("Cheating")),
            data=[
                _bars(probes[:1], labels[:1], {"color": "@model"}),
                _bars(probes[1:], labels[1:], {"color": "@probe", "pattern": HATCHED}),
            ],
            layout=frame | ({} if chance is None else upright(chance, f"chance {shown(value.chance, value.unit)}")),
            span=6,
        )
    ]


HATCHED = {"shape": "/", "fgcolor": "@card", "fillmode": "overlay", "fgopacity": 0.4, "size": 9}


def _labels(evaluated: Evaluated, probes: Sequence[Probe]) -> list[str]:
    counts = {result.card.name: result.samples for result in evaluated.record.probes}
    counts["real"] = evaluated.record.samples
    return [bar_label(probe.label, probe.shown, counts[probe.name]) for probe in probes]


def _frame(metric: Metric, unit: str, probes: Sequence[Probe], labels: Sequence[str], chance: float | None) -> Plotly:
    ends = [0.0, chance or 0.0, *(scaled(probe.value or 0.0, unit) for probe in probes)]
    words = f"{in_sentence(metric.title)} ({shown_unit(unit)})".removesuffix(" ()")
    return layout(
        plain(words),
        "",
        height=120 + 48 * len(probes),
        bargap=0.35,
        barmode="overlay",
        yaxis={"autorange": "reversed", "categoryorder": "array", "categoryarray": labels},
        xaxis={"range": [round(1.05 * min(ends), 3), round(1.05 * max(ends), 3)]},
    )


def _bars(probes: Sequence[Probe], labels: Sequence[str], marker: Plotly) -> Plotly:
    return {
        "type": "bar", "orientation": "h", "showlegend": False, "marker": marker,
        "y": list(labels),
        "x": [round(scaled(probe.value or 0.0, probe.unit), 3) for probe in probes],
        "hovertemplate": "%{y}<extra></extra>",
    }  # fmt: skip
