"""Boxes of voxels that may extend beyond an array: their overlap with it, padded copies, and boxes that cover it."""

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


def covering(shape: tuple[int, ...], patch: int, *, overlap: float) -> list[tuple[int, int, int]]:
    """First voxels of evenly spread windows that cover a scan; negative where a window is larger than it."""
    step = max(1, round(patch * (1 - overlap)))
    lines = []
    for length in shape:
        spare = length - patch
        count = 1 if spare <= 0 else -(-spare // step) + 1
        lines.append([spare // 2] if count == 1 else np.rint(np.linspace(0, spare, count)).astype(int).tolist())
    return [(int(x), int(y), int(z)) for x in lines[0] for y in lines[1] for z in lines[2]]


def _slices(start: NDArray[np.integer], stop: NDArray[np.integer]) -> Slices:
    return tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))
