"""Shifts: what is left of the judged figure where scans look as elsewhere, beside the same views as they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from orienteer.records.evaluation import Value
from orienteer.report.draw.bars import bar_label, error_bars
from orienteer.report.evaluated import Evaluated
from orienteer.report.theme import Figure, Plotly, layout, plain
from orienteer.units import in_sentence, scaled, shown, shown_unit

COLOURS = {"holds": "@model", "weaker": "@stuck", "lost": "@bad"}


@dataclass(frozen=True)
class Place:
    """One row: how or where scans looked, what was measured, and the same views as they are where there are any."""

    label: str
    measured: Value
    as_is: Value | None
    samples: int
    withstood: str
    told: str

    @property
    def shown(self) -> str:
        """Its value, and in a word how well the model holds up."""
        value = shown(self.measured.value, self.measured.unit)
        return f"{value}, {self.withstood}" if self.withstood else value


def shift_figures(lead: Evaluated, others: Sequence[Evaluated]) -> list[Figure]:
    """One bar for each shift and for each evaluation of another store; empty where no shift was measured."""
    judged, places = lead.judged, _places(lead, others)
    if judged is None or not lead.record.shifts:
        return []
    _, metric, value = judged
    labels = [bar_label(each.label, each.shown, each.samples) for each in places]
    words = f"{in_sentence(metric.title)} ({shown_unit(value.unit)})".removesuffix(" ()")
    ends = [0.0, *(end for each in places for end in _ends(each.measured))]
    return [
        Figure(
            name="shifts",
            title="The error under each shift",
            look="Each bar should end near its diamond, the same views of the same subjects without the shift. "
            "A bar of another colour says that the model is weaker there, or lost. n: samples.",
            data=[_bars(places, labels), _diamonds(places, labels)],
            layout=layout(
                plain(words),
                "",
                height=120 + 42 * len(places),
                bargap=0.4,
                yaxis={"type": "category", "autorange": "reversed", "categoryorder": "array", "categoryarray": labels},
                xaxis={"range": [round(1.05 * min(ends), 3), round(1.05 * max(ends), 3)]},
            ),
            span=6,
        )
    ]


def _places(lead: Evaluated, others: Sequence[Evaluated]) -> list[Place]:
    judged = lead.judged
    shifted = [
        Place(each.card.title, each.measured, each.as_is, each.samples, each.withstood, each.card.meaning)
        for each in lead.record.shifts
    ]
    elsewhere = [
        Place(f"other scans: {each.record.name}", each.judged[2], None, each.record.samples, "", each.record.split)
        for each in others
        if each.record.seen == "unknown" and each.judged and judged and each.judged[1].name == judged[1].name
    ]
    return [place for place in [*shifted, *elsewhere] if place.measured.value is not None]


def _at(value: Value) -> float:
    return scaled(value.value or 0.0, value.unit)


def _ends(value: Value) -> tuple[float, float]:
    """The ends of its interval, as shown; both the value where it has none."""
    low, high = value.interval or (value.value or 0.0, value.value or 0.0)
    return scaled(low, value.unit), scaled(high, value.unit)


def _bars(places: Sequence[Place], labels: Sequence[str]) -> Plotly:
    return {
        "type": "bar", "orientation": "h", "showlegend": False, "y": list(labels),
        "x": [round(_at(each.measured), 3) for each in places],
        "marker": {"color": [COLOURS.get(each.withstood, "@model") for each in places]},
        "error_x": error_bars([(_at(each.measured), *_ends(each.measured)) for each in places]),
        "customdata": [
            [each.told, shown(each.measured.chance, each.measured.unit)] for each in places
        ],
        "hovertemplate": "%{y}<br>%{customdata[0]}<br>chance %{customdata[1]}<extra></extra>",
    }  # fmt: skip


def _diamonds(places: Sequence[Place], labels: Sequence[str]) -> Plotly:
    known = [(label, each.as_is) for label, each in zip(labels, places, strict=True) if each.as_is is not None]
    return {
        "type": "scatter", "mode": "markers", "name": "the same views as they are",
        "y": [label for label, _ in known], "x": [round(_at(value), 3) for _, value in known],
        "marker": {"symbol": "diamond", "size": 10, "color": "@ink", "line": {"color": "@card", "width": 1.5}},
        "showlegend": True,
        "hovertemplate": "as they are: %{x:.1f}<extra></extra>",
    }  # fmt: skip
