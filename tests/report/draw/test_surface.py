"""The surface of a scan in 3D."""

import base64
from dataclasses import replace

import numpy as np
import pytest

from orienteer.report.draw.surface import surface, surface_net
from orienteer.report.evaluated import Evaluated


def ball(radius: float, size: int = 24) -> np.ndarray:
    """A soft ball in the middle of a cube, 0.5 at ``radius``."""
    grid = np.stack(np.meshgrid(*[np.arange(size) - (size - 1) / 2] * 3, indexing="ij"))
    return np.clip(0.5 + radius - np.linalg.norm(grid, axis=0), 0, 1)


def areas(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """``(T, 3)`` outward areas of the triangles."""
    a, b, c = (vertices[triangles[:, n].astype(int)] for n in range(3))
    return np.cross(b - a, c - a) / 2


def test_surface_net__of_a_ball_has_its_area_and_its_volume() -> None:
    vertices, triangles = surface_net(ball(8.0), 0.5)
    centred = vertices - 11.5
    np.testing.assert_allclose(np.linalg.norm(centred, axis=1), 8.0, atol=0.35)
    area = areas(vertices, triangles)
    assert np.linalg.norm(area, axis=1).sum() == pytest.approx(4 * np.pi * 64, rel=0.05)
    # The divergence theorem: positive only where the triangles face outwards.
    inside = (area * centred[triangles[:, 0].astype(int)]).sum() / 3
    assert inside == pytest.approx(4 / 3 * np.pi * 512, rel=0.05)


def test_surface_net__closes_where_the_scan_cuts_the_body() -> None:
    vertices, triangles = surface_net(ball(8.0)[:12], 0.5)
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] % 2 == 0).all(), "a hole has edges of one triangle"
    assert vertices[:, 0].max() == pytest.approx(11.5, abs=0.6)


def test_surface__lies_in_mm_and_is_absent_where_nothing_was_kept(lead: Evaluated) -> None:
    example = replace(lead.examples[0], coarse=(200 * ball(8.0)).astype(np.uint8), coarse_mm=(2.0, 3.0, 4.0))
    (trace,) = surface(example)
    for axis, cell in zip("xyz", example.coarse_mm, strict=True):
        place = np.frombuffer(base64.b64decode(trace[axis]["bdata"]), dtype="<f4")
        assert (place.max() - place.min()) / cell == pytest.approx(16.0, abs=0.8)
    assert surface(replace(example, coarse=None)) == []
    assert surface(replace(example, coarse=np.zeros((4, 4, 4), dtype=np.uint8))) == []
