"""A scan in memory: voxels and their affine."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orienteer.errors import ScanError


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels and their affine.

    Attributes:
        array: ``(C, D, H, W)``; the spatial axes are those of the affine's columns, in order.
        affine: ``(4, 4)``, voxel index to world position in mm, world axes R, A, S (NIfTI's convention).
    """

    array: NDArray
    affine: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.array.ndim != 4:
            raise ValueError(f"a volume's array is (C, D, H, W); got {self.array.ndim} axes")
        if self.affine.shape != (4, 4):
            raise ValueError(f"a volume's affine is (4, 4); got {self.affine.shape}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Spatial shape in voxels."""
        _, d, h, w = self.array.shape
        return d, h, w

    @property
    def spacing(self) -> NDArray[np.float64]:
        """``(3,)`` voxel size along each array axis, mm."""
        return spacing_of(self.affine)

    @property
    def axes(self) -> str:
        """Anatomical direction of each array axis, e.g. ``"LAS"``."""
        return axes_of(self.affine)


def spacing_of(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(3,)`` mm per voxel: the lengths of the affine's columns."""
    spacing: NDArray[np.float64] = np.linalg.norm(affine[:3, :3], axis=0)
    return spacing


def axes_of(affine: NDArray[np.float64]) -> str:
    """The closest anatomical direction of each array axis as three letters."""
    from nibabel.orientations import aff2axcodes  # here, as a reader's process starts in half the time without nibabel

    return "".join(letter or "?" for letter in aff2axcodes(affine))


def canonical(volume: Volume) -> Volume:
    """The same voxels with axes permuted and flipped to the closest RAS+; nothing is interpolated.

    An oblique scan stays oblique: the remaining rotation is part of the affine, so world positions are kept.

    Raises:
        ScanError: the affine is singular, so no axis can be named.
    """
    from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

    codes = io_orientation(volume.affine)
    if np.isnan(codes).any():
        raise ScanError("the affine maps an axis to nothing", code="affine-singular", cure="export the scan again")
    spatial = np.moveaxis(volume.array, 0, -1)
    turned = np.moveaxis(apply_orientation(spatial, codes), -1, 0)
    affine = volume.affine @ inv_ornt_aff(codes, volume.shape)
    return Volume(array=turned, affine=affine)
