"""Honesty probes: the same model on scans with the anatomy taken away, beside chance and the real scans."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orienteer.report.measures import scaled, shown, shown_unit, title_of
from orienteer.report.read import EvaluationRecords, mapping, number
from orienteer.report.theme import Figure, layout, plain

MEANINGS = {
    "real": ("real scans", "the views as they are"),
    "interior": (
        "border painted over",
        "the outer shell of each view is painted over with what lies inside; the anatomy is still there",
    ),
    "border": (
        "only the border kept",
        "the inside of each view is blanked; the shell is anatomy too, so some skill stays",
    ),
    "shuffled": (
        "voxels shuffled",
        "the same grey values in random order: no anatomy left, so near chance is right",
    ),
    "constant": (
        "constant views",
        "each view becomes one grey, its own mean: nothing to see, so near chance is right",
    ),
    "chance": ("chance", "the best answer of a model that has seen nothing"),
}


@dataclass(frozen=True)
class Probe:
    """One probe's figure (the gap error wherever that was trained) and its skill: 0 is chance, 1 is perfect."""

    name: str
    label: str
    meaning: str
    measure: str
    unit: str
    value: float
    skill: float | None

    @property
    def shown(self) -> str:
        """Value and unit."""
        return shown(self.value, self.unit)


def probes_of(evaluation: EvaluationRecords) -> list[Probe]:
    """The probes in the order they are best read: real first, chance last."""
    recorded = mapping(evaluation.record.get("probes"))
    order = [
        *(name for name in MEANINGS if name in recorded),
        *(name for name in recorded if name not in MEANINGS),
    ]
    if "chance" in order:
        order.append(order.pop(order.index("chance")))
    found = []
    for name in order:
        values = mapping(recorded[name])
        measure = next((key for key in values if key not in ("chance", "skill")), "")
        value = number(values.get(measure))
        if value is not None:
            label, meaning = MEANINGS.get(name, (title_of(name).lower(), ""))
            unit = str(evaluation.measure(measure).get("unit", "mm"))
            found.append(Probe(name, label, meaning, measure, unit, value, number(values.get("skill"))))
    return found


def probe_figures(probes: list[Probe]) -> list[Figure]:
    """One bar for each probe; a dashed line at chance."""
    if not probes:
        return []
    measure, unit = probes[0].measure, probes[0].unit
    bars = [probe for probe in probes if probe.name != "chance"]
    chance = next((scaled(probe.value, unit) for probe in probes if probe.name == "chance"), None)
    hatched = {"shape": "/", "fgcolor": "@card", "fillmode": "overlay", "fgopacity": 0.4, "size": 9}
    frame = layout(
        plain(f"{title_of(measure).lower()} ({shown_unit(unit)})"),
        "",
        height=120 + 48 * len(bars),
        bargap=0.35,
        barmode="overlay",
        yaxis={"autorange": "reversed", "categoryorder": "array", "categoryarray": [plain(p.label) for p in bars]},
        xaxis={"range": [0, round(1.2 * max([chance or 0.0, *(scaled(p.value, unit) for p in bars)]), 1)]},
    )
    return [
        Figure(
            name="probes",
            title="The same model with the anatomy taken away",
            look="Shuffled and constant views should end near the dashed chance line. Painting over "
            "the border should cost little; where it costs more than 20 % of the skill, the border itself is read.",
            data=[
                _bars([probe for probe in bars if probe.name == "real"], {"color": "@model"}),
                _bars([probe for probe in bars if probe.name != "real"], {"color": "@probe", "pattern": hatched}),
            ],
            layout=frame | ({} if chance is None else _chance_line(chance, unit)),
            span=6,
        )
    ]


def _chance_line(chance: float, unit: str) -> dict[str, Any]:
    line = {
        "type": "line", "x0": chance, "x1": chance, "y0": 0, "y1": 1, "yref": "paper",
        "line": {"color": "@chance", "width": 2.5, "dash": "dash"},
    }  # fmt: skip
    label = {
        "x": chance, "y": 1, "yref": "paper", "xanchor": "right", "yanchor": "bottom", "showarrow": False,
        "text": f"chance {chance:.1f} {shown_unit(unit)}", "font": {"color": "@chance"},
    }  # fmt: skip
    return {"shapes": [line], "annotations": [label]}


def _bars(probes: list[Probe], marker: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "bar", "orientation": "h", "showlegend": False, "marker": marker,
        "y": [plain(probe.label) for probe in probes],
        "x": [round(scaled(probe.value, probe.unit), 2) for probe in probes],
        "text": [f"<b>{scaled(probe.value, probe.unit):.1f}</b>" for probe in probes], "textposition": "outside",
        "textfont": {"color": "@ink"}, "cliponaxis": False,
        "hovertemplate": "%{y}: %{x:.1f}<extra></extra>",
    }  # fmt: skip
