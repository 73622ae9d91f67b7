"""Whether a scan's field of view holds a place."""

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from orienteer.geometry import Volume
from orienteer.geometry.resample import Grid

EDGE = 0.5
"""Voxels beyond the outermost centres that still belong to a scan."""
NEAR, RETURN_MM = 3.0, 3.0
"""An answer within ``NEAR`` voxels of a face is absent where it comes back farther than ``RETURN_MM`` away."""


def lies_in(world: NDArray[np.float64], scan: Volume | Grid, margin: float = EDGE) -> NDArray[np.bool_]:
    """Which positions ``(N, 3)`` lie in a scan, to a margin in voxels beyond the outermost centres."""
    index = apply_affine(np.linalg.inv(scan.affine), world)
    return np.asarray(((index >= -margin) & (index <= np.array(scan.shape) - 1 + margin)).all(1))


def is_held(reached: NDArray[np.float64], away: NDArray[np.float64], scan: Volume | Grid) -> NDArray[np.bool_]:
    """Which of the positions ``(N, 3)`` reached in a scan are answers.

    Of what lies beyond the field of view the nearest likeness is inside it, and comes back elsewhere.

    Args:
        reached: world positions, mm.
        away: ``(N,)`` how far from their start they come back, mm.
        scan: on the run's grid.
    """
    return lies_in(reached, scan) & ((away <= RETURN_MM) | lies_in(reached, scan, -NEAR))
