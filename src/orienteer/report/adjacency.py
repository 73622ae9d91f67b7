"""Similarity of chunks against their distance, over all samples."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from orienteer.report.read import Table
from orienteer.report.scatter import MOST_POINTS, some_rows
from orienteer.report.theme import Figure, floats, layout

BINS = 8


def adjacency_figures(adjacency: Table) -> list[Figure]:
    """Adjacent and distant chunk pairs as two clouds, with the mean similarity by distance through them."""
    chosen = some_rows(len(adjacency["sample"]), MOST_POINTS // 2)
    data = [
        _cloud("adjacent chunks", "circle", "@model", adjacency, "adjacent", chosen),
        _cloud("distant chunks", "diamond-open", "@truth", adjacency, "distant", chosen),
    ]
    centre, mean = similarity_by_distance(adjacency)
    if centre.size:
        data.append(
            {
                "type": "scatter", "mode": "lines+markers", "name": "mean of all chunk pairs",
                "x": floats(centre, 1), "y": floats(mean, 3),
                "line": {"color": "@ink", "width": 3}, "marker": {"color": "@ink", "size": 7},
                "hovertemplate": "about %{x:.0f} mm apart: mean similarity %{y:.2f}<extra></extra>",
            }
        )  # fmt: skip
    return [
        Figure(
            name="adjacency-similarity",
            title="Predicted similarity against true distance of two chunks",
            look="The line should fall: what is near should look alike, what is far should not. A flat line at the "
            "top means that all chunks look the same to the model (collapse).",
            data=data,
            layout=layout("true distance between two chunks (mm)", "predicted similarity (−1 to 1)", height=380),
            span=6,
        )
    ]


def similarity_by_distance(adjacency: Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean distance and mean similarity of equally filled bins of distance, both kinds of pairs together."""
    distance, similarity = (
        np.concatenate([np.asarray(adjacency[f"{kind}_{what}"], dtype=float) for kind in ("adjacent", "distant")])
        for what in ("mm", "similarity")
    )
    order = np.argsort(distance, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if part.size]
    return (
        np.array([distance[part].mean() for part in parts]),
        np.array([similarity[part].mean() for part in parts]),
    )


def _cloud(name: str, symbol: str, colour: str, table: Table, kind: str, rows: NDArray[np.int64]) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "markers", "name": name,
        "x": floats(np.asarray(table[f"{kind}_mm"])[rows], 1),
        "y": floats(np.asarray(table[f"{kind}_similarity"])[rows], 3),
        "marker": {"color": colour, "size": 5, "opacity": 0.5, "symbol": symbol},
        "hovertemplate": "%{x:.0f} mm apart, similarity %{y:.2f}<extra>" + name + "</extra>",
    }  # fmt: skip
