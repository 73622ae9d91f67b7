"""From the store's grid back to a scan's own grid and orientation."""

import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from orienteer.geometry.resample import Grid


def to_native(
    likely: Float32[ndarray, "classes D H W"],
    grid: Grid,
    shape: tuple[int, int, int],
    affine: NDArray[np.float64],
) -> UInt8[ndarray, "d h w"]:
    """The likeliest class at every voxel of the scan's own grid, interpolated between the grid's probabilities.

    Interpolating probabilities, not classes, keeps thin structures smooth when the scan is finer than the grid.
    One class after the other: all of them at once on a large CT would not fit into memory.

    Args:
        likely: probabilities on ``grid``.
        grid: where they are.
        shape: of the scan as its file has it, before any turning.
        affine: ``(4, 4)`` voxel index of that file to world RAS mm.
    """
    to_grid = np.linalg.inv(grid.affine) @ affine
    best = np.full(shape, -1.0, dtype=np.float32)
    classes = np.zeros(shape, dtype=np.uint8)
    for number, channel in enumerate(likely):
        here = affine_transform(
            channel, to_grid[:3, :3], offset=to_grid[:3, 3], output_shape=shape, order=1, mode="nearest"
        )
        better = here > best
        classes[better], best[better] = number, here[better]
    return classes
