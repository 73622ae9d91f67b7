"""Arrows, boxes and letters in the interactive 3D view, as plotly traces in mm (x R, y A, z S)."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from orienteer.report.evaluated import Example
from orienteer.report.theme import Plotly, floats

SIDES = 14
LETTER_MM = 10.0


def way(
    points: NDArray[np.float64], name: str, colour: str, *, width: float, head_mm: float, dash: str = "solid"
) -> list[Plotly]:
    """A chain of arrows through ``points`` ``(n, 3)``: one line trace and one trace for all heads."""
    x, y, z = (floats(points[:, axis], 1) for axis in range(3))
    line = {
        "type": "scatter3d", "mode": "lines", "name": name, "x": x, "y": y, "z": z, "legendgroup": name,
        "line": {"color": colour, "width": width, "dash": dash}, "hoverinfo": "skip",
    }  # fmt: skip
    return [line, _heads(points, name, colour, head_mm)]


def mark(point: NDArray[np.float64], name: str, colour: str, symbol: str) -> Plotly:
    """One point."""
    return {
        "type": "scatter3d", "mode": "markers", "name": name, "showlegend": False, **_xyz(point[None]),
        "marker": {"color": colour, "size": 6, "symbol": symbol}, "hoverinfo": "name",
    }  # fmt: skip


def dotted(start: NDArray[np.float64], end: NDArray[np.float64], name: str) -> Plotly:
    """The error itself: a dotted line from where one should be to where one is."""
    return {
        "type": "scatter3d", "mode": "lines", "name": name, **_xyz(np.stack([start, end])),
        "line": {"color": "@film-bad", "width": 5, "dash": "dot"}, "hoverinfo": "skip",
    }  # fmt: skip


def view_boxes(example: Example) -> list[Plotly]:
    """The edges of every view, and each view's number at its centre."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * example.view_mm / 2
    edges = [(a, b) for a in range(8) for b in range(a + 1, 8) if bin(a ^ b).count("1") == 1]
    gap = np.full((1, 3), np.nan)
    pieces = [np.concatenate([c + corners[[a, b]], gap]) for c in example.centres_mm for a, b in edges]
    numbers = [f"view {k + 1}" for k in range(len(example.centres_mm))]
    return [
        {
            "type": "scatter3d", "mode": "lines", "name": "edges of the views",
            **_xyz(np.concatenate(pieces)),
            "line": {"color": "@film-line", "width": 2}, "hoverinfo": "skip",
        },
        {
            "type": "scatter3d", "mode": "markers+text", "name": "view centres", "showlegend": False,
            **_xyz(example.centres_mm), "text": numbers, "textposition": "bottom center",
            "marker": {"color": "@film-ink", "size": 4}, "textfont": {"color": "@film-ink", "size": 13},
            "hoverinfo": "text",
        },
    ]  # fmt: skip


def letters(example: Example) -> Plotly:
    """R, L, A, P, S and I around the scan, so that a turned view is still readable."""
    middle, reach = example.extent_mm / 2, example.extent_mm / 2 + LETTER_MM
    ends = np.concatenate([middle + np.diag(reach), middle - np.diag(reach)])
    return {
        "type": "scatter3d", "mode": "text", "name": "directions", "showlegend": False, **_xyz(ends),
        "text": list("RASLPI"), "textfont": {"color": "@film-letter", "size": 18}, "hoverinfo": "skip",
    }  # fmt: skip


def _heads(points: NDArray[np.float64], name: str, colour: str, head_mm: float) -> Plotly:
    """A cone at the end of every step, as one mesh; plotly's own cones change size with their neighbours."""
    vertices: list[NDArray[np.float64]] = []
    faces: list[NDArray[np.int64]] = []
    for start, end in pairwise(points):
        length = float(np.linalg.norm(end - start))
        if length < 1e-6:
            continue
        along = (end - start) / length
        head = min(head_mm, 0.4 * length)
        side = np.cross(along, np.eye(3)[np.abs(along).argmin()])
        side /= np.linalg.norm(side)
        angle = np.linspace(0, 2 * np.pi, SIDES, endpoint=False)[:, None]
        ring = end - head * along + 0.38 * head * (np.cos(angle) * side + np.sin(angle) * np.cross(along, side))
        first = sum(len(v) for v in vertices)
        vertices.append(np.concatenate([end[None], (end - head * along)[None], ring]))
        this, after = np.arange(SIDES) + 2 + first, (np.arange(SIDES) + 1) % SIDES + 2 + first
        faces += [np.stack([np.full(SIDES, tip), this, after], axis=1) for tip in (first, first + 1)]
    corners = np.concatenate(vertices) if vertices else np.zeros((0, 3))
    triangles = np.concatenate(faces) if faces else np.zeros((0, 3), dtype=int)
    return {
        "type": "mesh3d", "name": name, "legendgroup": name, "showlegend": False, **_xyz(corners),
        **{key: triangles[:, n].tolist() for n, key in enumerate("ijk")},
        "color": colour, "flatshading": True, "hoverinfo": "skip",
        "lighting": {"ambient": 0.8, "diffuse": 0.4, "specular": 0},
    }  # fmt: skip


def _xyz(points: NDArray[np.float64]) -> dict[str, list[float | None]]:
    return {axis: floats(points[:, number], 1) for number, axis in enumerate("xyz")}
