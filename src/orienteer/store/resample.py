"""One isotropic grid in mm, along the scan's own axes, centred in the scan's own field of view."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import SimpleITK as sitk
from jaxtyping import Float32
from numpy import ndarray
from numpy.typing import NDArray

from orienteer.geometry import Volume, spacing_of

VOTES = 2**23
"""Votes on labels held at once; each takes up to 26 bytes."""
TOGETHER = 0.98
FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the voxels of a stored scan are.

    Attributes:
        shape: voxels along R, A, S.
        affine: ``(4, 4)`` voxel index to world RAS mm.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]


def isotropic_grid(shape: tuple[int, int, int], affine: NDArray[np.float64], spacing: float) -> Grid:
    """The grid of ``spacing`` mm over the same field of view, as nearly as whole voxels allow."""
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
    """Linear interpolation onto ``grid``, after a Gaussian that keeps fine detail from aliasing.

    The Gaussian's width makes up the difference between the old and new voxel's full width at half maximum
    (Cardoso et al. 2015, doi:10.1007/978-3-319-24571-3_81); none is applied along an axis that gets finer.
    """
    old, new = volume.spacing, spacing_of(grid.affine)
    variance = np.clip(new**2 - old**2, 0.0, None) / FWHM_PER_SIGMA**2
    if _same_grid(volume, grid):
        return volume.array.astype(np.float32)
    channels = []
    for array in volume.array:
        image = _image(array.astype(np.float32), old)
        if variance.any():
            # Variances below the tolerance would make an empty kernel; that axis is then left as it is.
            image = sitk.DiscreteGaussian(
                image,
                variance=variance.tolist(),
                maximumKernelWidth=64,
                maximumError=0.001,
                useImageSpacing=True,
            )
        channels.append(_on_grid(image, volume, grid, sitk.sitkLinear))
    return np.stack(channels)


def resample_labels(volume: Volume, grid: Grid) -> NDArray[np.int16]:
    """Structure numbers ``(D, H, W)`` on ``grid``: the most frequent one inside each new voxel.

    A plain nearest neighbour shifts structures by up to half an old voxel where two old voxels are equally
    near, and loses thin ones at random. Here points spread evenly over the new voxel vote; ties go to the
    smaller number.
    """
    ratio = spacing_of(grid.affine) / volume.spacing
    points = 2 * np.clip(np.ceil(ratio - 1e-6), 1, 4).astype(int)
    # Drawn together a little, so that no point falls half-way between two old voxels, where rounding would
    # always take the same side.
    within = [TOGETHER * ((np.arange(n) + 0.5) / n - 0.5) for n in points]
    d, h, w = grid.shape
    slab = max(1, int(VOTES // (points.prod() * h * w)))
    parts = []
    for start in range(0, d, slab):
        planes = (np.arange(start, min(start + slab, d)), np.arange(h), np.arange(w))
        places = [(at[:, None] + offset).ravel() for at, offset in zip(planes, within, strict=True)]
        parts.append(_vote(_nearest(volume, grid, places), points))
    return np.concatenate(parts)


def _nearest(volume: Volume, grid: Grid, places: Sequence[NDArray[np.float64]]) -> NDArray[np.int16]:
    """The old voxel nearest to every combination of ``places`` along the grid's axes, in its voxels."""
    to_old = np.linalg.inv(volume.affine) @ grid.affine
    last = np.array(volume.shape) - 1
    if np.allclose(to_old[:3, :3], np.diag(np.diag(to_old[:3, :3])), atol=1e-7):
        index = np.ix_(
            *(np.clip(np.rint(to_old[k, k] * places[k] + to_old[k, 3]), 0, last[k]).astype(int) for k in range(3))
        )
    else:
        x, y, z = np.ix_(*places)
        index = tuple(
            np.clip(np.rint(row[0] * x + row[1] * y + row[2] * z + row[3]), 0, last[k]).astype(int)
            for k, row in enumerate(to_old[:3])
        )
    nearest: NDArray[np.int16] = volume.array[0][index].astype(np.int16)
    return nearest


def _vote(fine: NDArray[np.int16], points: NDArray[np.int_]) -> NDArray[np.int16]:
    """The most frequent value in each block of ``points`` voxels."""
    i, j, k = points
    d, h, w = np.array(fine.shape) // points
    votes = fine.reshape(d, i, h, j, w, k).transpose(0, 2, 4, 1, 3, 5).reshape(d, h, w, -1)
    result: NDArray[np.int16] = votes.min(axis=-1)
    # Inside a structure all agree; only the others are counted, as runs of equal values once sorted.
    mixed = votes.max(axis=-1) != result
    ordered = np.sort(votes[mixed], axis=-1).T
    best = ordered[0].copy()
    run = np.ones(best.shape, dtype=np.int16)
    longest = run.copy()
    for before, vote in pairwise(ordered):
        run = np.where(vote == before, run + 1, 1)
        longer = run > longest
        best[longer], longest[longer] = vote[longer], run[longer]
    result[mixed] = best
    return result


def _same_grid(volume: Volume, grid: Grid) -> bool:
    return volume.shape == grid.shape and np.allclose(volume.affine, grid.affine, atol=1e-6)


def _image(array: NDArray, spacing: NDArray[np.float64]) -> sitk.Image:
    # The image lives in its own frame (mm along its axes, first voxel at 0); the affines know the world.
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T))
    image.SetSpacing(spacing.tolist())
    return image


def _on_grid(image: sitk.Image, volume: Volume, grid: Grid, interpolator: int) -> NDArray:
    """Sample ``image``, which lies where ``volume`` says, on the grid; outside takes the nearest edge."""
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
