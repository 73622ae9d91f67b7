"""What a scan looks like at one spacing, kept so that any voxel's looks are at hand at once."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from nibabel.affines import from_matvec
from numpy.typing import NDArray
from torch import Tensor

from orienteer.geometry import Volume
from orienteer.geometry.resample import Grid
from orienteer.localize.context import PAIRS, self_similarity
from orienteer.store.intensity import BODY_ABOVE

MARGIN = 4
"""Voxels that are kept around the body."""


@dataclass(frozen=True, eq=False)
class Level:
    """The part of a scan that holds its body.

    Attributes:
        shape: ``(3,)`` voxels of that part.
        affine: ``(4, 4)`` its voxel index to world RAS mm.
        looks: ``(D * H * W, 12 + C)`` self-similarity context and intensities, within the window.
        body: ``(N, 3)`` voxels of the body.
        low: ``(3,)`` the scan's first voxel, counted from this part's.
        high: ``(3,)`` the scan's last.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    looks: Float[Tensor, "V 12+C"]
    body: Float[Tensor, "N 3"]
    low: Tensor
    high: Tensor

    @classmethod
    def of(cls, volume: Volume) -> "Level":
        """Of a scan in window units."""
        body: NDArray[np.bool_] = np.asarray((volume.array > BODY_ABOVE).any(0))
        part = _around(body)
        first = np.array([line.start for line in part])
        image = torch.from_numpy(np.ascontiguousarray(volume.array[(slice(None), *part)])).float()
        d, h, w = (line.stop - line.start for line in part)
        looks = torch.empty(d * h * w, len(PAIRS) + len(image))
        looks[:, : len(PAIRS)] = self_similarity(image).flatten(1).T
        looks[:, len(PAIRS) :] = image.clamp(-1, 1).flatten(1).T
        return cls(
            shape=(d, h, w),
            affine=volume.affine @ from_matvec(np.eye(3), first),
            looks=looks,
            body=torch.from_numpy(np.argwhere(body[part])).float(),
            low=torch.from_numpy(-first).float(),
            high=torch.from_numpy(np.array(body.shape) - 1 - first).float(),
        )

    @property
    def grid(self) -> Grid:
        """Of the whole scan."""
        d, h, w = (int(n) for n in (self.high - self.low).tolist())
        return Grid((d + 1, h + 1, w + 1), self.affine @ from_matvec(np.eye(3), self.low.numpy()))


def around_body(volume: Volume) -> tuple[slice, ...]:
    """The part of a scan in window units, ``(3,)``, that holds its body and a few voxels more; all where none is."""
    return _around(np.asarray((volume.array > BODY_ABOVE).any(0)))


def _around(body: NDArray[np.bool_]) -> tuple[slice, ...]:
    first, last = _extent(body)
    ends = zip(np.maximum(first - MARGIN, 0), np.minimum(last + MARGIN, np.array(body.shape) - 1), strict=True)
    return tuple(slice(int(low), int(high) + 1) for low, high in ends)


def _extent(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """First and last index ``(3,)`` of what is True; of the whole where nothing is."""
    if not mask.any():
        return np.zeros(3, dtype=int), np.array(mask.shape) - 1
    lines = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    return np.array([line[0] for line in lines]), np.array([line[-1] for line in lines])
