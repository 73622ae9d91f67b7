"""Spread: how a few numbers of one unit are distributed, the model's own first."""

import numpy as np

from orienteer.records.evidence import Spread
from orienteer.records.observation import Rows
from orienteer.report.draw.parts import Part
from orienteer.report.theme import Figure, Plotly, floats, layout, plain
from orienteer.units import scaled, shown, shown_unit

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def draw(evidence: Spread, rows: Rows, key: str) -> list[Part]:
    """One box for each column: half of the rows lie inside the box, nine of ten between the whiskers."""
    columns = {evidence.model: evidence.name, **evidence.others}
    boxes = [
        _box(np.asarray(rows[column], dtype=np.float64), plain(words), evidence.unit, own=column == evidence.model)
        for column, words in columns.items()
    ]
    values = np.asarray(rows[evidence.model], dtype=np.float64)
    middle = float(np.median(values[np.isfinite(values)])) if np.isfinite(values).any() else None
    unit = shown_unit(evidence.unit)
    figure = Figure(
        name=f"{key}-spread",
        title=f"{evidence.title}: {shown(middle, evidence.unit)} in the middle",
        look="Half of all rows lie inside a box, nine of ten between its whiskers; the line in the box is the middle "
        f"one. The box of {evidence.name} should stand clear of the others.",
        data=[box for box in boxes if box is not None],
        layout=layout(
            plain(f"{evidence.title.lower()} ({unit})" if unit else evidence.title.lower()), "",
            height=120 + 64 * len(columns), showlegend=False, yaxis={"autorange": "reversed"},
        ),
        span=6,
    )  # fmt: skip
    return [Part([figure])]


def _box(values: np.ndarray, words: str, unit: str, *, own: bool) -> Plotly | None:
    """A box from five quantiles, so that the page need not hold every row; None of nothing finite."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    low, first, middle, third, high = floats([scaled(v, unit) for v in np.quantile(finite, QUANTILES)], 4)
    return {
        "type": "box", "orientation": "h", "name": words, "y": [words], "hoverinfo": "x",
        "lowerfence": [low], "q1": [first], "median": [middle], "q3": [third], "upperfence": [high],
        "line": {"color": "@model" if own else "@chance"}, "fillcolor": "@train" if own else "@rule", "width": 0.5,
    }  # fmt: skip
