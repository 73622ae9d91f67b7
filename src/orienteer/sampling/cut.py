"""The one cutter: a cube of voxels through a linear map, from anything that can be read box by box."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, map_coordinates

from orienteer.geometry.boxes import padded_box

Index = NDArray[np.int_]
Reader = Callable[[Index, Index], NDArray[Any]]
"""``(first voxel, voxels)`` of a box inside the scan to its voxels ``(C, d, h, w)``."""


@dataclass(frozen=True, eq=False)
class Cube:
    """A cube of voxels, seen through a linear map; it may stick out of the scan.

    Attributes:
        centre: ``(3,)`` in voxels of the scan.
        linear: ``(3, 3)`` offset in the cube to offset in the scan, both in voxels.
        size: edge in voxels.
        warp: ``(3, S, S, S)`` by how much further each voxel of the cube is moved in the scan, in voxels; None for not.
        most: no voxel is moved further than this along an axis.
    """

    centre: NDArray[np.float64]
    linear: NDArray[np.float64]
    size: int
    warp: NDArray[np.float64] | None = None
    most: float = 0.0

    @property
    def first(self) -> NDArray[np.float64]:
        """``(3,)`` where the cube's first voxel lies in the scan, in voxels."""
        return np.asarray(self.centre - self.linear @ np.full(3, (self.size - 1) / 2))

    @property
    def is_aligned(self) -> bool:
        """True when every voxel of the cube is a voxel of the scan, so that nothing is interpolated."""
        first = self.first
        straight = self.warp is None and np.array_equal(self.linear, np.eye(3))
        return straight and bool(np.allclose(first, np.rint(first), rtol=0, atol=1e-6))


def cut(cube: Cube, read: Reader, shape: tuple[int, int, int], *, order: int, outside: float | None) -> NDArray[Any]:
    """Cut a cube. The same cube, scan and order give the same voxels.

    Only the block that the cube touches is read. An aligned cube is copied, any other one is interpolated.

    Args:
        cube: what to cut.
        read: reads boxes of the scan.
        shape: of the scan.
        order: 1 for linear interpolation (intensities), 0 for the nearest voxel (labels).
        outside: the value outside the scan; None for a cube that lies inside, where rounding must not find an edge.

    Returns:
        ``(C, S, S, S)``, of the type that was read.

    Raises:
        StoreError: an aligned cube sticks out and ``outside`` is None, or the scan's array is damaged.
    """
    if cube.is_aligned:
        low = np.rint(cube.first).astype(int)
        if outside is None:
            return read(low, np.full(3, cube.size))
        start, stop = _within(low, low + cube.size, shape)
        return padded_box(read(start, stop - start), low - start, cube.size, fill=outside)
    if cube.warp is not None:
        return _warped(cube, cube.warp, read, shape, order=order, outside=outside)
    reach = np.abs(cube.linear) @ np.full(3, (cube.size - 1) / 2)
    start, stop = _within(
        np.floor(cube.centre - reach).astype(int), np.ceil(cube.centre + reach).astype(int) + 1, shape
    )
    block = read(start, stop - start)
    beyond = {"mode": "nearest"} if outside is None else {"mode": "constant", "cval": outside}
    channels = [
        affine_transform(
            channel, cube.linear, offset=cube.first - start, output_shape=(cube.size,) * 3, order=order, **beyond
        )
        for channel in block
    ]
    return np.stack(channels).astype(block.dtype, copy=False)


def _warped(
    cube: Cube, warp: NDArray[np.float64], read: Reader, shape: tuple[int, int, int], *, order: int,
    outside: float | None,
) -> NDArray[Any]:  # fmt: skip
    """A cube whose voxels are moved one by one; the faces of a scan in which it lies stay still, so it stays inside."""
    offset = np.indices((cube.size,) * 3) - (cube.size - 1) / 2
    place = np.tensordot(cube.linear, offset, axes=1) + cube.centre.reshape(3, 1, 1, 1)
    if outside is None:
        last = np.array(shape).reshape(3, 1, 1, 1) - 1
        warp = warp * np.clip(np.minimum(place, last - place) / cube.most, 0, 1)
    place += warp
    start, stop = _within(
        np.floor(place.min(axis=(1, 2, 3))).astype(int), np.ceil(place.max(axis=(1, 2, 3))).astype(int) + 1, shape
    )
    block = read(start, stop - start)
    beyond = {"mode": "nearest"} if outside is None else {"mode": "constant", "cval": outside}
    inside = place - start.reshape(3, 1, 1, 1)
    return np.stack([map_coordinates(channel, inside, order=order, **beyond) for channel in block])


def _within(low: Index, high: Index, shape: tuple[int, int, int]) -> tuple[Index, Index]:
    """The part of a box that lies in the scan, at least one voxel."""
    limit = np.array(shape)
    start = np.clip(low, 0, limit - 1)
    return start, np.clip(high, start + 1, limit)
