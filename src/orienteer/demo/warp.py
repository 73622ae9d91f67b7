"""Random diffeomorphic deformations: how a subject's brain differs from the average."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from orienteer.demo.template import Template

STEP_MM = 4.0
"""Grid step of the displacement, about half the width of its finest layer."""

BUMPS_MM = ((40.0, 3.5), (20.0, 2.2), (9.0, 1.1))
"""(width, root-mean-square displacement) of each layer: lobes, gyri, and the detail between them."""

SQUARINGS = 6


@dataclass(frozen=True, eq=False)
class Warp:
    """A map from a subject's world position to the corresponding template position.

    The head's pose and size come first (``linear``, ``shift``), then a smooth displacement in template space.

    Attributes:
        linear: ``(3, 3)`` rotation, scale and shear about ``centre``.
        shift: ``(3,)`` from the template's brain centre to the subject's, mm.
        centre: ``(3,)`` template brain centre, mm.
        displacement: ``(3, D, H, W)`` mm, on a grid of ``STEP_MM`` that starts at ``origin``.
        origin: ``(3,)`` template position of the displacement's first cell, mm.
    """

    linear: NDArray[np.float64]
    shift: NDArray[np.float64]
    centre: NDArray[np.float64]
    displacement: NDArray[np.float32]
    origin: NDArray[np.float64]

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Template positions ``(..., 3)`` mm of subject positions ``(..., 3)`` mm."""
        posed = (points - self.centre - self.shift) @ self.linear.T + self.centre
        cells = np.moveaxis((posed - self.origin) / STEP_MM, -1, 0)
        moved = [map_coordinates(axis, cells, order=1, mode="nearest") for axis in self.displacement]
        warped: NDArray[np.float64] = posed + np.stack(moved, axis=-1)
        return warped

    def box(self, template: Template) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest corner, mm, of the posed brain's box before the smooth displacement."""
        corners = np.array(list(product(*zip(template.low, template.high, strict=True))))
        back = (corners - self.centre) @ np.linalg.inv(self.linear).T + self.centre + self.shift
        return back.min(axis=0), back.max(axis=0)


def random_warp(rng: np.random.Generator, template: Template) -> Warp:
    """Draw one subject's pose, size and shape."""
    size = rng.normal(1.0, 0.035) * np.exp(rng.normal(0.0, 0.03, 3))
    shear = np.eye(3) + np.triu(rng.normal(0.0, 0.015, (3, 3)), k=1)
    turn = _rotation(np.radians(rng.uniform(-7.0, 7.0, 3)))
    margin = 3 * STEP_MM
    origin = template.low - margin
    cells = np.ceil((template.high + margin - origin) / STEP_MM).astype(int) + 1
    return Warp(
        # The map goes from subject to template, so the subject's size enters inverted.
        linear=np.diag(1.0 / size) @ shear @ turn,
        shift=rng.uniform(-6.0, 6.0, 3),
        centre=template.centre,
        displacement=_integrate(_velocity(rng, (int(cells[0]), int(cells[1]), int(cells[2])))),
        origin=origin,
    )


def jacobian(warp: Warp, points: NDArray[np.float64], step_mm: float = 0.5) -> NDArray[np.float64]:
    """Local change of volume at ``points`` ``(N, 3)``, by central differences; 0 or less where space folds."""
    columns = []
    for axis in range(3):
        offset = np.zeros(3)
        offset[axis] = step_mm
        columns.append((warp(points + offset) - warp(points - offset)) / (2 * step_mm))
    volume: NDArray[np.float64] = np.linalg.det(np.stack(columns, axis=-1))
    return volume


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int, int], sigma: float, deviation: float
) -> NDArray[np.float32]:
    """Gaussian noise of the given standard deviation, smoothed over ``sigma`` cells."""
    noise = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), sigma, mode="reflect")
    scaled: NDArray[np.float32] = (noise - noise.mean()) * np.float32(deviation / noise.std())
    return scaled


def _velocity(rng: np.random.Generator, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    layers = [
        np.stack([smooth_noise(rng, shape, width / STEP_MM, amount) for _ in range(3)]) for width, amount in BUMPS_MM
    ]
    total: NDArray[np.float32] = np.sum(layers, axis=0, dtype=np.float32)
    return total


def _integrate(velocity: NDArray[np.float32]) -> NDArray[np.float32]:
    # Scaling and squaring: integrating a smooth velocity cannot fold space; adding a displacement could.
    grid = np.stack(np.meshgrid(*(np.arange(n, dtype=np.float32) for n in velocity.shape[1:]), indexing="ij"))
    step = velocity / np.float32(2**SQUARINGS)
    for _ in range(SQUARINGS):
        there = grid + step / np.float32(STEP_MM)
        step = step + np.stack([map_coordinates(axis, there, order=1, mode="nearest") for axis in step])
    return step


def _rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    x, y, z = angles
    about_r = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_a = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_s = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    turn: NDArray[np.float64] = about_s @ about_a @ about_r
    return turn
