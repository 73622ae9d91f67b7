"""Grids in mm, and resampling from one to another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32
from numpy import ndarray
from numpy.typing import NDArray

from orienteer.geometry.volume import Volume, spacing_of

if TYPE_CHECKING:  # imported where it resamples: it takes 50 MB, which who only makes grids does without
    import SimpleITK as sitk

FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))


@dataclass(frozen=True, eq=False)
class Grid:
    """The sampling grid of a scan.

    Attributes:
        shape: voxels along each axis; R, A, S in a store.
        affine: ``(4, 4)`` voxel index to world RAS mm.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]


def isotropic_grid(shape: tuple[int, int, int], affine: NDArray[np.float64], spacing: float) -> Grid:
    """The grid of ``spacing`` mm over the same field of view, to the nearest voxel."""
    old = spacing_of(affine)
    extent = np.asarray(shape) * old
    count = np.maximum(1, np.rint(extent / spacing)).astype(int)
    # The first new centre, in old voxels: half the leftover plus half a new voxel from the old outer edge.
    first = ((extent - count * spacing) / 2 + spacing / 2) / old - 0.5
    step = np.eye(4)
    step[:3, :3] = np.diag(spacing / old)
    step[:3, 3] = first
    d, h, w = (int(n) for n in count)
    return Grid(shape=(d, h, w), affine=affine @ step)


def resample_image(volume: Volume, grid: Grid) -> Float32[ndarray, "c d h w"]:
    """Linear interpolation onto ``grid``, after an anti-aliasing Gaussian.

    The Gaussian's width is the difference between the old and the new voxel's full width at half maximum
    (Cardoso et al. 2015, doi:10.1007/978-3-319-24571-3_81); none is applied along an axis that gets finer. The axes of
    the two may come in any order and direction.
    """
    old, new = volume.spacing, _along(volume, grid)
    variance = np.clip(new**2 - old**2, 0.0, None) / FWHM_PER_SIGMA**2
    if _same_grid(volume, grid):
        return volume.array.astype(np.float32)
    import SimpleITK as sitk

    channels = []
    for array in volume.array:
        image = _image(array.astype(np.float32), old)
        if variance.any():
            # A variance below the tolerance gives an empty kernel, which leaves that axis unchanged.
            image = sitk.DiscreteGaussian(
                image,
                variance=variance.tolist(),
                maximumKernelWidth=64,
                maximumError=0.001,
                useImageSpacing=True,
            )
        channels.append(_on_grid(image, volume, grid, sitk.sitkLinear))
    return np.stack(channels)


def covered(shape: Sequence[int], affine: NDArray[np.float64], grid: Grid) -> float:
    """Share of the grid's voxels, sampled on a lattice, that lie inside a volume, to within a voxel.

    Args:
        shape: ``(3,)`` voxels of the volume.
        affine: ``(4, 4)`` its voxel index to world RAS mm.
        grid: the grid to cover.
    """
    lattice = np.meshgrid(*(np.linspace(0, n - 1, min(n, 24)) for n in grid.shape), indexing="ij")
    points = np.stack([axis.ravel() for axis in lattice])
    to_volume = np.linalg.inv(affine) @ grid.affine
    index = to_volume[:3, :3] @ points + to_volume[:3, 3:]
    limit = np.asarray(shape)[:, None]
    return float(((index >= -1) & (index <= limit)).all(axis=0).mean())


def _along(volume: Volume, grid: Grid) -> NDArray[np.float64]:
    """``(3,)`` mm: the grid's voxel along each axis of the volume, whichever of its own axes lies nearest to it."""
    from nibabel.orientations import io_orientation  # here, as a reader's process starts in half the time without it

    axes = io_orientation(np.linalg.inv(volume.affine) @ grid.affine)[:, 0].astype(int)
    along = np.empty(3)
    along[axes] = spacing_of(grid.affine)
    return along


def _same_grid(volume: Volume, grid: Grid) -> bool:
    return volume.shape == grid.shape and np.allclose(volume.affine, grid.affine, atol=1e-6)


def _image(array: NDArray, spacing: NDArray[np.float64]) -> "sitk.Image":
    import SimpleITK as sitk

    # The image has its own frame (mm along its axes, first voxel at 0); the affines lead to the world.
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T))
    image.SetSpacing(spacing.tolist())
    return image


def _on_grid(image: "sitk.Image", volume: Volume, grid: Grid, interpolator: int) -> NDArray:
    """Sample ``image``, which has the geometry of ``volume``, on the grid; outside repeats the nearest edge."""
    import SimpleITK as sitk

    # Grid index -> old index -> mm in the old image's own frame.
    to_old = np.linalg.inv(volume.affine) @ grid.affine
    to_own = np.diag([*volume.spacing, 1.0]) @ to_old
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize([int(n) for n in grid.shape])
    resampler.SetInterpolator(interpolator)
    resampler.UseNearestNeighborExtrapolatorOn()
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(to_own[:3, :3].ravel().tolist())
    transform.SetTranslation(to_own[:3, 3].tolist())
    resampler.SetTransform(transform)
    sampled: NDArray = sitk.GetArrayFromImage(resampler.Execute(image)).T
    return sampled
