"""Chunk pairs: similarity of two chunks against their distance, over all samples and drawn in one scan."""

import numpy as np
from numpy.typing import NDArray

from orienteer.records.evidence import ChunkPairs
from orienteer.records.observation import Rows
from orienteer.report.draw.parts import Part
from orienteer.report.draw.planes import Planes, pair_drawings, pictures
from orienteer.report.draw.scatter import MOST_POINTS, some_rows
from orienteer.report.evaluated import Example
from orienteer.report.theme import Figure, Plotly, floats, layout

BINS = 8


def draw(evidence: ChunkPairs, rows: Rows, key: str) -> list[Part]:
    """Adjacent and distant pairs as two clouds, with the mean similarity by distance through them."""
    chosen = some_rows(len(rows["sample"]), MOST_POINTS // 2)
    data = [
        _cloud("adjacent chunks", "circle", "@model", rows, "adjacent", chosen),
        _cloud("distant chunks", "diamond-open", "@truth", rows, "distant", chosen),
    ]
    centre, mean = similarity_by_distance(rows)
    if centre.size:
        data.append(
            {
                "type": "scatter", "mode": "lines+markers", "name": "mean of all chunk pairs",
                "x": floats(centre, 1), "y": floats(mean, 3),
                "line": {"color": "@ink", "width": 3}, "marker": {"color": "@ink", "size": 7},
                "hovertemplate": "about %{x:.0f} mm apart: mean similarity %{y:.2f}<extra></extra>",
            }
        )  # fmt: skip
    figure = Figure(
        name=f"{key}-similarity",
        title="Predicted similarity against true distance of two chunks",
        look="A chunk is a smaller box inside a view. The line should fall: what is near should look alike, what is "
        "far should not. A flat line at the top means that all chunks look the same to the model (collapse).",
        data=data,
        layout=layout("true distance between two chunks (mm)", "predicted similarity (−1 to 1)", height=380),
        span=6,
    )
    return [Part([figure])]


def closeup(evidence: ChunkPairs, rows: Rows, example: Example) -> Planes | None:
    """The chunks of one sample drawn in its scan."""
    drawings = pair_drawings(evidence, rows, example)
    return Planes(pictures(example), drawings) if drawings and example.planes else None


def similarity_by_distance(rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean distance and mean similarity of equally filled bins of distance, both kinds of pairs together."""
    distance, similarity = (
        np.concatenate([np.asarray(rows[f"{kind}_{what}"], dtype=float) for kind in ("adjacent", "distant")])
        for what in ("mm", "similarity")
    )
    order = np.argsort(distance, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if part.size]
    return (
        np.array([distance[part].mean() for part in parts]),
        np.array([similarity[part].mean() for part in parts]),
    )


def _cloud(name: str, symbol: str, colour: str, rows: Rows, kind: str, chosen: NDArray[np.int64]) -> Plotly:
    return {
        "type": "scatter", "mode": "markers", "name": name,
        "x": floats(np.asarray(rows[f"{kind}_mm"])[chosen], 1),
        "y": floats(np.asarray(rows[f"{kind}_similarity"])[chosen], 3),
        "marker": {"color": colour, "size": 5, "opacity": 0.5, "symbol": symbol},
        "hovertemplate": "%{x:.0f} mm apart, similarity %{y:.2f}<extra>" + name + "</extra>",
    }  # fmt: skip
