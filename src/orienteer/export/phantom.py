"""A scan made from a formula, by which everybody can test how they prepare the input of a network.

Nothing about it is symmetric: its axes are no program's default, its voxels have three sizes, its channels differ, and
each place in it looks like no other. So a wrong axis, spacing, scale or order of channels shows, and can be told which.
"""

import numpy as np
from numpy.typing import NDArray

from orienteer.geometry import Volume

AXES = ((2, 1.0), (0, -1.0), (1, -1.0))
"""World axis, and direction, in which each of the file's axes grows: head, left, back (SLP)."""
VOXEL = (0.7, 0.9, 1.15)
"""Edges of its voxels along the file's axes, in voxels of the network's grid."""
REACH = 1.3
"""Its extent in views."""
SPOTS = (
    ((0.45, 0.10, 0.20), 0.30, 0.55),
    ((-0.40, 0.30, -0.15), 0.22, -0.45),
    ((0.10, -0.45, 0.40), 0.25, 0.40),
    ((-0.15, -0.20, -0.50), 0.20, -0.30),
)
"""Centre in half-widths (R, A, S), width, brightness."""
BRIGHT = (0.3, 0.5, -0.35), 0.1, 4000.0
"""Centre, radius and intensity of what lies far above the window, so that a missing limit shows."""
CAVITY = (0.25, -0.25, 0.1), 0.34, 150.0
"""Centre, radius and intensity of a hole in the body: counted as body or not, it moves the mean and the percentiles.

Above the background by less than the window is wide, so that the rule for constant backgrounds is needed as well.
"""

FILLS = 400.0, 1800.0
"""What of these intensities becomes the ends of a fixed range."""
FINE = 256.0
"""Width of a range from which its whole numbers are fine enough."""


def formula(place: NDArray[np.float64], channel: int) -> NDArray[np.float64]:
    """Intensity at places ``(..., 3)`` along R, A, S in half-widths of the scan; 0 outside the body."""
    inside = (np.abs(place) ** 4 * np.array([1.0, 1.3, 1.1])).sum(axis=-1) < 0.6
    value = (
        1.0 + 0.12 * np.sin(7 * place[..., 0] + 3 * place[..., 1]) + 0.1 * np.cos(9 * place[..., 2] - 2 * place[..., 0])
    )
    for centre, width, brightness in SPOTS:
        sign = -1.0 if channel % 2 else 1.0
        there = np.roll(centre, channel)  # no two channels have their spots in one place, whatever their scale
        value += sign * brightness * np.exp(-((place - there) ** 2).sum(axis=-1) / (2 * width**2))
    hollow = ((place - np.array(CAVITY[0])) ** 2).sum(axis=-1) < CAVITY[1] ** 2
    bright = ((place - np.array(BRIGHT[0])) ** 2).sum(axis=-1) < BRIGHT[1] ** 2
    body = np.where(hollow, CAVITY[2], (1000.0 + 150.0 * channel) * value)
    return np.where(bright, BRIGHT[2], np.where(inside, body, 0.0))


def phantom(spacing: float, view: int, channels: int = 1, ends: tuple[float, float] | None = None) -> Volume:
    """The phantom for a network.

    Args:
        spacing: mm per voxel of the network's grid.
        view: edge of the views it learned from, voxels.
        channels: of a scan.
        ends: a fixed range of intensities, which the body then fills; air lies below it.

    Returns:
        ``(C, I, J, K)`` with an affine to world RAS mm: int16, or float32 where the range has few whole numbers.
    """
    shape = tuple(_voxels(REACH * view / voxel, voxel) for voxel in VOXEL)
    affine = np.zeros((4, 4))
    affine[3, 3] = 1.0
    for axis, ((world, sign), voxel) in enumerate(zip(AXES, VOXEL, strict=True)):
        affine[world, axis] = sign * voxel * spacing
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2) + np.array([11.0, -7.0, 23.0])
    affine = affine.astype(np.float32).astype(np.float64)  # as a NIfTI file keeps it
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    middle = affine[:3, :3] @ ((np.array(shape) - 1) / 2) + affine[:3, 3]
    place = (index @ affine[:3, :3].T + affine[:3, 3] - middle) / (REACH * view * spacing / 2)
    values = np.stack([formula(place, n) for n in range(channels)])
    if ends is None:
        return Volume(np.rint(values).astype(np.int16), affine)
    values = ends[0] + (ends[1] - ends[0]) * (values - FILLS[0]) / (FILLS[1] - FILLS[0])
    whole = ends[1] - ends[0] >= FINE and float(np.abs(values).max()) < np.iinfo(np.int16).max
    return Volume(np.rint(values).astype(np.int16) if whole else values.astype(np.float32), affine)


def _voxels(wanted: float, voxel: float) -> int:
    """About so many voxels, whose extent is nearly a whole number of the network's: it is rounded in one way."""
    around = range(round(wanted) - 6, round(wanted) + 7)
    return min(around, key=lambda n: (abs(n * voxel - round(n * voxel)) > 0.101, abs(n - wanted)))
