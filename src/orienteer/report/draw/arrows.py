"""Arrows, boxes and slices in the interactive 3D view, as plotly traces in mm (x R, y A, z S)."""

import base64
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orienteer.report.evaluated import Example, Plane
from orienteer.report.theme import Plotly, floats

HEAD_MM = 12.0
SIDES = 14
MOST_PIXELS = 64
AIR = 0.06
LETTER_MM = 10.0


def way(points: NDArray[np.float64], name: str, colour: str, *, width: float, dash: str = "solid") -> list[Plotly]:
    """A chain of arrows through ``points`` ``(n, 3)``: one line trace and one trace for all heads."""
    x, y, z = (floats(points[:, axis], 1) for axis in range(3))
    line = {
        "type": "scatter3d", "mode": "lines", "name": name, "x": x, "y": y, "z": z, "legendgroup": name,
        "line": {"color": colour, "width": width, "dash": dash}, "hoverinfo": "skip",
    }  # fmt: skip
    return [line, _heads(points, name, colour)]


def mark(point: NDArray[np.float64], name: str, text: str, colour: str, symbol: str) -> Plotly:
    """One labelled point."""
    return {
        "type": "scatter3d", "mode": "markers+text", "name": name, "showlegend": False,
        **_xyz(point[None]), "text": [text], "textposition": "top center",
        "marker": {"color": colour, "size": 6, "symbol": symbol},
        "textfont": {"color": colour, "size": 15}, "hoverinfo": "text",
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


def slices(example: Example) -> list[Plotly]:
    """The example's planes as see-through pictures in space; air is cut away."""
    return [_slice(plane, example.spacing_mm, first=number == 0) for number, plane in enumerate(example.planes)]


def letters(example: Example) -> Plotly:
    """R, L, A, P, S and I around the scan, so that a turned view is still readable."""
    middle, reach = example.extent_mm / 2, example.extent_mm / 2 + LETTER_MM
    ends = np.concatenate([middle + np.diag(reach), middle - np.diag(reach)])
    return {
        "type": "scatter3d", "mode": "text", "name": "directions", "showlegend": False, **_xyz(ends),
        "text": list("RASLPI"), "textfont": {"color": "@film-ink", "size": 18}, "hoverinfo": "skip",
    }  # fmt: skip


def _slice(plane: Plane, spacing: float, *, first: bool) -> Plotly:
    step = max(1, -(-max(plane.image.shape) // MOST_PIXELS))
    image = plane.image[::step, ::step]
    across, up = np.meshgrid(*(np.arange(n) * step * spacing for n in image.shape), indexing="ij")
    grids = [across, up]
    grids.insert(plane.axis, np.full(image.shape, plane.at_mm))
    grids[2] = np.where(image > AIR * int(image.max(initial=1)), grids[2], np.nan)
    x, y, z = (_packed(grid.astype("<f4")) for grid in grids)
    return {
        "type": "surface", "x": x, "y": y, "z": z, "surfacecolor": _packed(image), "cmin": 0, "cmax": 255,
        "colorscale": [[0, "#000000"], [1, "#ffffff"]], "opacity": 0.22, "showscale": False,
        "hoverinfo": "skip",
        "name": "slices of the scan", "legendgroup": "slices", "showlegend": first,
        "lighting": {"ambient": 1, "diffuse": 0, "specular": 0, "fresnel": 0},
        "contours": {axis: {"highlight": False} for axis in "xyz"},
    }  # fmt: skip


def _heads(points: NDArray[np.float64], name: str, colour: str) -> Plotly:
    """A cone at the end of every step, as one mesh; plotly's own cones change size with their neighbours."""
    vertices: list[NDArray[np.float64]] = []
    faces: list[NDArray[np.int64]] = []
    for start, end in pairwise(points):
        length = float(np.linalg.norm(end - start))
        if length < 1e-6:
            continue
        along = (end - start) / length
        head = min(HEAD_MM, 0.4 * length)
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


def _packed(values: NDArray[Any]) -> dict[str, str]:
    """An array as plotly's base64 form, a third of the size of its digits."""
    kind = {"f": "f4", "u": "u1"}[values.dtype.kind]
    shape = ", ".join(str(n) for n in values.shape)
    data = base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
    return {"dtype": kind, "bdata": data, "shape": shape}
