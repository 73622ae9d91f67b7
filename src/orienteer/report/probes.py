"""Honesty probes: the same model with the anatomy taken away, beside chance and the views as they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from orienteer.records.metric import Metric
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
    frame = _frame(metric, value.unit, probes, chance)
    return [
        Figure(
            name="probes",
            title="The same model with the anatomy taken away",
            look="Where no anatomy is left, a bar should end near the dashed chance line. "
            + " ".join(line for line in evaluated.record.verdict.rule.sentences() if line.startswith("Cheating")),
            data=[_bars(probes[:1], {"color": "@model"}), _bars(probes[1:], {"color": "@probe", "pattern": HATCHED})],
            layout=frame | ({} if chance is None else _chance_line(chance, shown(value.chance, value.unit))),
            span=6,
        )
    ]


HATCHED = {"shape": "/", "fgcolor": "@card", "fillmode": "overlay", "fgopacity": 0.4, "size": 9}


def _frame(metric: Metric, unit: str, probes: Sequence[Probe], chance: float | None) -> Plotly:
    ends = [0.0, chance or 0.0, *(scaled(probe.value or 0.0, unit) for probe in probes)]
    words = f"{in_sentence(metric.title)} ({shown_unit(unit)})".removesuffix(" ()")
    return layout(
        plain(words),
        "",
        height=120 + 48 * len(probes),
        bargap=0.35,
        barmode="overlay",
        yaxis={"autorange": "reversed", "categoryorder": "array", "categoryarray": [plain(p.label) for p in probes]},
        xaxis={"range": [round(1.2 * min(ends), 3), round(1.2 * max(ends), 3)]},
    )


def _chance_line(chance: float, words: str) -> Plotly:
    line = {
        "type": "line", "x0": chance, "x1": chance, "y0": 0, "y1": 1, "yref": "paper",
        "line": {"color": "@chance", "width": 2.5, "dash": "dash"},
    }  # fmt: skip
    label = {
        "x": chance, "y": 1, "yref": "paper", "xanchor": "right", "yanchor": "bottom", "showarrow": False,
        "text": plain(f"chance {words}"), "font": {"color": "@chance"},
    }  # fmt: skip
    return {"shapes": [line], "annotations": [label]}


def _bars(probes: Sequence[Probe], marker: Plotly) -> Plotly:
    return {
        "type": "bar", "orientation": "h", "showlegend": False, "marker": marker,
        "y": [plain(probe.label) for probe in probes],
        "x": [round(scaled(probe.value or 0.0, probe.unit), 3) for probe in probes],
        "text": [f"<b>{plain(probe.shown)}</b>" for probe in probes], "textposition": "outside",
        "textfont": {"color": "@ink"}, "cliponaxis": False,
        "hovertemplate": "%{y}: %{text}<extra></extra>",
    }  # fmt: skip
