"""Honesty probes: the same model on scans with the anatomy taken away, beside chance and the real scans."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orienteer.report.measures import title_of
from orienteer.report.read import EvaluationRecords, mapping, number
from orienteer.report.theme import Figure, layout, plain

MEANINGS = {
    "real": ("real scans", "the views as they are"),
    "interior": ("border removed", "the outer shell of each view is blanked; the anatomy inside is there"),
    "border": (
        "only the border kept",
        "the inside of each view is blanked; a model should not live off its shell",
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
    """One probe's gap error, mm, and its skill: 0 is chance, 1 is perfect."""

    name: str
    label: str
    meaning: str
    error_mm: float
    skill: float | None


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
        error = number(values.get("gap_error_mm"))
        if error is not None:
            label, meaning = MEANINGS.get(name, (title_of(name).lower(), ""))
            found.append(Probe(name, label, meaning, error, number(values.get("skill"))))
    return found


def probe_figures(probes: list[Probe]) -> list[Figure]:
    """One bar for each probe; a dashed line at chance."""
    if not probes:
        return []
    bars = [probe for probe in probes if probe.name != "chance"]
    chance = next((probe.error_mm for probe in probes if probe.name == "chance"), None)
    data = [
        _bars([probe for probe in bars if probe.name == "real"], {"color": "@model"}),
        _bars(
            [probe for probe in bars if probe.name != "real"],
            {"color": "@probe", "pattern": {"shape": "/", "fgcolor": "@card", "fgopacity": 0.4, "size": 9}},
        ),
    ]
    extra: dict[str, Any] = {
        "yaxis": {
            "autorange": "reversed", "categoryorder": "array",
            "categoryarray": [plain(p.label) for p in bars],
        },
        "barmode": "overlay",
    }  # fmt: skip
    if chance is not None:
        extra["shapes"] = [
            {
                "type": "line", "x0": chance, "x1": chance, "y0": 0, "y1": 1, "yref": "paper",
                "line": {"color": "@chance", "width": 2.5, "dash": "dash"},
            }
        ]  # fmt: skip
        extra["annotations"] = [
            {
                "x": chance, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False,
                "text": f"chance {chance:.1f} mm", "font": {"color": "@chance"},
            }
        ]  # fmt: skip
        top = max(chance, *(probe.error_mm for probe in bars)) if bars else chance
        extra["xaxis"] = {"range": [0, round(top * 1.12, 1)]}
    frame = layout("gap error (mm)", "", height=120 + 48 * len(bars), bargap=0.35, **extra)
    return [
        Figure(
            name="probes",
            title="The same model with the anatomy taken away",
            look="Only the real scans should give a short bar. A hatched bar that is nearly as short "
            "means that "
            "the model reads position from something that is not anatomy.",
            data=data,
            layout=frame,
            span=6,
        )
    ]


def _bars(probes: list[Probe], marker: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "bar", "orientation": "h", "showlegend": False, "marker": marker,
        "y": [plain(probe.label) for probe in probes], "x": [round(probe.error_mm, 2) for probe in probes],
        "text": [f"<b>{probe.error_mm:.1f}</b>" for probe in probes], "textposition": "outside",
        "textfont": {"color": "@ink"}, "cliponaxis": False,
        "hovertemplate": "%{y}: %{x:.1f} mm<extra></extra>",
    }  # fmt: skip
