"""Classes: which class is taken for which, as a confusion table."""

import numpy as np
from numpy.typing import NDArray

from orienteer.records.evidence import Classes
from orienteer.records.observation import Rows
from orienteer.report.draw.parts import Part
from orienteer.report.theme import SEQUENTIAL, Figure, Plotly, floats, layout, plain

MOST_NUMBERS = 10
"""Classes up to which every cell carries its number, in the order of the card."""


def confusion(evidence: Classes, rows: Rows) -> NDArray[np.int64]:
    """``(C, C)`` number of rows by true class (first axis) and predicted class."""
    count = len(evidence.names)
    true, pred = (np.asarray(rows[name]).astype(int) for name in (evidence.true, evidence.pred))
    known = (true >= 0) & (true < count) & (pred >= 0) & (pred < count)
    table = np.zeros((count, count), dtype=np.int64)
    np.add.at(table, (true[known], pred[known]), 1)
    return table


def draw(evidence: Classes, rows: Rows, key: str) -> list[Part]:
    """The confusion table in per cent of each true class, its accuracy in the title."""
    table = confusion(evidence, rows)
    total = max(int(table.sum()), 1)
    of_class = table.sum(1)
    share = np.where(table > 0, 100 * table / np.maximum(of_class, 1)[:, None], np.nan)
    many = len(evidence.names) > MOST_NUMBERS
    right = np.nan_to_num(np.diag(share), nan=0.0)
    order = np.lexsort((-right, of_class == 0)) if many else np.arange(len(evidence.names))
    names = [plain(evidence.names[index]) for index in order]
    figure = Figure(
        name=f"{key}-classes",
        title=f"{evidence.title}: {100 * np.trace(table) / total:.1f} % right; always answering the most frequent "
        f"class would be right in {100 * of_class.max(initial=0) / total:.1f} %",
        look="Row: the true class; column: what it was taken for, in per cent of the row. The diagonal should be dark "
        "and the rest empty." + (" Classes are sorted by how often they are answered rightly." if many else ""),
        data=[_heat(share[np.ix_(order, order)], table[np.ix_(order, order)], names, numbers=not many)],
        layout=_frame(names),
        span=6,
    )
    return [Part([figure])]


def _heat(share: NDArray[np.float64], table: NDArray[np.int64], names: list[str], *, numbers: bool) -> Plotly:
    return {
        "type": "heatmap", "x": names, "y": names, "z": [floats(row, 1) for row in share],
        "customdata": table.tolist(), "zmin": 0, "zmax": 100, "xgap": 1, "ygap": 1, "hoverongaps": False,
        "colorscale": [[n / (len(SEQUENTIAL) - 1), colour] for n, colour in enumerate(SEQUENTIAL)],
        "colorbar": {"title": {"text": "%"}, "thickness": 12, "outlinewidth": 0},
        "texttemplate": "%{z:.0f}" if numbers else "",
        "hovertemplate": "%{y} taken for %{x}: %{z:.1f} % of the row, %{customdata} times<extra></extra>",
    }  # fmt: skip


def _frame(names: list[str]) -> Plotly:
    axis = {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": names,
        "tickmode": "array",
        "tickvals": names,
    }
    longest = max(map(len, names), default=0)
    turned = {"tickangle": -90 if len(names) * longest > 60 else 0}
    return layout(
        "taken for", "true class", height=180 + max(24, 56 - 2 * len(names)) * len(names), showlegend=False,
        xaxis=axis | turned | {"showgrid": False}, yaxis=axis | {"autorange": "reversed", "showgrid": False},
    )  # fmt: skip
