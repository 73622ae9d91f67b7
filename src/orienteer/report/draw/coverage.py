"""Does the model know how sure it is? Share of truths inside its intervals, against the share promised."""

import numpy as np
from numpy.typing import NDArray

from orienteer.records.evidence import Displacements
from orienteer.records.observation import Rows
from orienteer.records.statistics import vectors
from orienteer.report.theme import Figure, floats, layout

PROMISED = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95])


def coverage(evidence: Displacements, rows: Rows) -> NDArray[np.float64]:
    """``(10,)`` share of truths, all axes together, inside the Laplace interval of each probability."""
    assert evidence.scale is not None
    scaled = np.abs(vectors(rows, evidence.pred) - vectors(rows, evidence.true)) / vectors(rows, evidence.scale)
    # A Laplace interval of probability p reaches -log(1 - p) scales to either side.
    return np.array([float(np.mean(scaled <= -np.log(1 - p))) for p in PROMISED])


def coverage_figures(evidence: Displacements, rows: Rows, key: str) -> list[Figure]:
    """The coverage curve; nothing where no scale was predicted."""
    if evidence.scale is None:
        return []
    covered = coverage(evidence, rows)
    at = {percent: covered[int(np.argmin(np.abs(PROMISED - percent / 100)))] for percent in (50, 90)}
    return [
        Figure(
            name=f"{key}-coverage",
            title=f"50 % intervals hold {at[50] * 100:.0f} % of truths, 90 % intervals {at[90] * 100:.0f} %",
            look="On the diagonal the model knows how sure it is; below it, it is too sure of itself; above it, it "
            "is more careful than it need be.",
            data=[
                {
                    "type": "scatter", "mode": "lines", "name": "perfect", "x": [0, 100], "y": [0, 100],
                    "line": {"color": "@truth", "width": 2}, "hoverinfo": "skip",
                },
                {
                    "type": "scatter", "mode": "lines+markers", "name": "this model",
                    "x": floats(PROMISED * 100), "y": floats(covered * 100),
                    "line": {"color": "@model", "width": 2.5}, "marker": {"color": "@model", "size": 7},
                    "hovertemplate": "promised %{x:.0f} %, held %{y:.0f} %<extra></extra>",
                },
            ],
            layout=layout(
                "promised share (%)", "truths inside the interval (%)", height=360,
                xaxis={"range": [0, 100]}, yaxis={"range": [0, 100]}, showlegend=False,
            ),
            span=6,
        )
    ]  # fmt: skip
