"""The surface of a scan in 3D, from its coarse copy, by surface nets (Gibson 1998, MERL TR99-24).

Every cell that the surface passes through has one vertex, in the middle of where it crosses the cell's edges; the four
cells around each crossed edge are a square.
"""

import numpy as np
from numpy.typing import NDArray

from orienteer.report.evaluated import Example
from orienteer.report.theme import Plotly, packed

EYE = (0.48, 1.22, 0.45)
"""Where the picture is seen from at first: the front, a little above, the patient's right on the viewer's left."""
AIR = 8
"""Grey levels up to which a cell is air; the surface lies at half of the mean of all others."""


def surface(example: Example) -> list[Plotly]:
    """The body as glass, so that what lies inside is seen; nothing where no coarse copy was kept."""
    grey = example.coarse
    if grey is None or grey.ndim != 3 or not (grey > AIR).any():
        return []
    vertices, triangles = surface_net(grey.astype(np.float64), float(grey[grey > AIR].mean()) / 2)
    places = vertices * np.array(example.coarse_mm)
    # Blended in the order they come: from behind as the picture opens, so that the body is evenly clear.
    triangles = triangles[np.argsort(places[triangles].mean(1) @ EYE)]
    return [
        {
            "type": "mesh3d", "name": "surface of the scan", "showlegend": False, "hoverinfo": "skip",
            **{axis: packed(places[:, n].astype("<f4")) for n, axis in enumerate("xyz")},
            **{corner: packed(triangles[:, n]) for n, corner in enumerate("ijk")},
            "color": "#c9ced3", "opacity": 0.28, "flatshading": False,
            "lighting": {"ambient": 0.45, "diffuse": 0.8, "specular": 0.15, "roughness": 0.7, "fresnel": 0.3},
            "lightposition": {"x": 2000, "y": 8000, "z": 6000},
        }
    ]  # fmt: skip


def surface_net(grey: NDArray[np.float64], level: float) -> tuple[NDArray[np.float64], NDArray[np.uint32]]:
    """Vertices ``(V, 3)`` in cells and triangles ``(T, 3)`` of the surface at ``level``, closed at the scan's edge."""
    padded = np.pad(grey, 1)
    inside, edges = padded > level, np.array(padded.shape) - 1
    total, count = np.zeros((*edges, 3)), np.zeros(edges, dtype=int)
    crossings = []
    for axis in range(3):
        low, high = (np.take(padded, range(n, n + edges[axis]), axis) for n in (0, 1))
        at = np.argwhere((low > level) != (high > level))
        before, after = low[tuple(at.T)], high[tuple(at.T)]
        point = at.astype(float)
        point[:, axis] += (level - before) / (after - before)
        u, v = (axis + 1) % 3, (axis + 2) % 3
        around = np.repeat(at[:, None], 4, axis=1)  # the cells that share the edge, in a circle about it
        around[:, (1, 2), u] -= 1
        around[:, (2, 3), v] -= 1
        for n in range(4):
            np.add.at(total, tuple(around[:, n].T), point)
            np.add.at(count, tuple(around[:, n].T), 1)
        outwards = inside[tuple(at.T)]
        crossings.append(np.where(outwards[:, None, None], around, around[:, ::-1]))
    number = np.cumsum(count > 0).reshape(count.shape) - 1
    squares = np.concatenate([number[tuple(np.moveaxis(around, -1, 0))] for around in crossings])
    vertices = total[count > 0] / count[count > 0][:, None] - 1
    return vertices, np.concatenate([squares[:, [0, 1, 2]], squares[:, [0, 2, 3]]]).astype("<u4")
