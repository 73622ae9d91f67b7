"""Boxes of voxels that may extend beyond an array: their overlap with it, and padded copies."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Slices = tuple[slice, ...]
Triple = Sequence[int] | NDArray[np.integer]


def overlap(low: Triple, size: int | Triple, shape: Triple) -> tuple[Slices, Slices]:
    """The part of a box that lies inside an array, as slices of the array and as slices of the box.

    Args:
        low: ``(3,)`` first voxel of the box; may be negative.
        size: ``(3,)`` voxels of the box, or one number for a cube.
        shape: ``(3,)`` of the array.

    Returns:
        Slices of the array and slices of the box, of the same extent; empty without overlap.
    """
    first = np.asarray(low)
    start = np.maximum(first, 0)
    stop = np.maximum(np.minimum(first + size, shape), start)
    return _slices(start, stop), _slices(start - first, stop - first)


def padded_box(array: NDArray, low: Triple, size: int | Triple, *, fill: float) -> NDArray:
    """Voxels of a box, ``fill`` outside the array.

    Args:
        array: ``(C, D, H, W)``.
        low: ``(3,)`` first voxel of the box; may be negative.
        size: ``(3,)`` voxels of the box, or one number for a cube.
        fill: the value outside the array.

    Returns:
        ``(C, *size)``; a view of ``array`` where the box lies inside it, else a copy.
    """
    inside, target = overlap(low, size, array.shape[1:])
    found: NDArray = array[(slice(None), *inside)]
    extent = tuple(int(n) for n in np.broadcast_to(size, (3,)))
    if found.shape[1:] == extent:
        return found
    result = np.full((len(array), *extent), fill, dtype=array.dtype)
    result[(slice(None), *target)] = found
    return result


def _slices(start: NDArray[np.integer], stop: NDArray[np.integer]) -> Slices:
    return tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
