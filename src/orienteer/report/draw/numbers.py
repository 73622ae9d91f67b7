"""Numbers: a predicted number against the true one, beside the best answer that is always the same."""

import numpy as np

from orienteer.records.evidence import Numbers
from orienteer.records.observation import Rows
from orienteer.report.draw.parts import Part
from orienteer.report.draw.scatter import cloud, drawn_of, scans, some_rows, square
from orienteer.report.theme import Figure, plain
from orienteer.units import scaled, shown, shown_unit


def draw(evidence: Numbers, rows: Rows, key: str) -> list[Part]:
    """One cloud, with the mean error and that of the best constant in words."""
    true, pred = (np.asarray(rows[name], dtype=np.float64) for name in (evidence.true, evidence.pred))
    error, constant = np.abs(pred - true).mean(), np.abs(true - np.median(true)).mean()
    chosen, unit = some_rows(len(true)), shown_unit(evidence.unit)
    figure = Figure(
        name=f"{key}-numbers",
        title=f"{evidence.title}: off by {shown(error, evidence.unit)} on average, where the best constant answer "
        f"is off by {shown(constant, evidence.unit)}",
        look="Points should hug the diagonal. A flat band at one height means the same answer whatever is seen: "
        f"the best constant answer.{drawn_of(chosen.size, len(true), 'answers')}",
        data=cloud(
            scaled(1, evidence.unit) * true[chosen], scaled(1, evidence.unit) * pred[chosen], scans(rows, chosen),
            plain(unit), digits=3,
        ),
        layout=square(_label("true", unit), _label("predicted", unit)),
        span=6,
    )  # fmt: skip
    return [Part([figure])]


def _label(words: str, unit: str) -> str:
    return plain(f"{words} ({unit})" if unit else words)
