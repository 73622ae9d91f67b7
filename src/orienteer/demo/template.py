"""The average brain in the nilearn package, from which every subject is simulated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from orienteer.errors import needs

MAPS = ("csf", "grey", "white", "texture", "mask")
"""Order of the maps in ``Template.maps``; the first three are tissue probabilities."""

AIR_VOXELS = 8
"""Margin of air around the brain, so that blurring fades out inside the grid."""

FWHM_TO_SIGMA = 1.0 / 2.3548


@dataclass(frozen=True, eq=False)
class Template:
    """Maps of the average brain on a 1 mm grid.

    Attributes:
        maps: ``(5, D, H, W)`` float32 in the order of ``MAPS``; ``texture`` is the T1 intensity that the
            tissues do not explain (deep nuclei, brain stem), ``mask`` is 1 inside the brain.
        affine: ``(4, 4)`` voxel index to world mm, RAS.
        low: ``(3,)`` lowest corner of the brain's box, mm.
        high: ``(3,)`` highest corner of the brain's box, mm.
    """

    maps: NDArray[np.float32]
    affine: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def centre(self) -> NDArray[np.float64]:
        """``(3,)`` middle of the brain's box, mm."""
        return (self.low + self.high) / 2


def load_template(spacing_mm: float) -> Template:
    """Read the MNI152 maps from nilearn and blur them to the resolution of ``spacing_mm``.

    The files are part of the nilearn package; nothing is downloaded.

    Raises:
        OrienteerError: nilearn is not installed.
    """
    with needs("demo", "nilearn"):
        from nilearn import datasets
    # 1 mm is the template's own grid; any other resolution is resampled.
    image = datasets.load_mni152_template(resolution=1)
    t1 = image.get_fdata(dtype=np.float32)
    grey = datasets.load_mni152_gm_template(resolution=1).get_fdata(dtype=np.float32)
    white = datasets.load_mni152_wm_template(resolution=1).get_fdata(dtype=np.float32)
    mask = (t1 > 0).astype(np.float32)
    csf = np.clip(mask - grey - white, 0.0, 1.0)
    tissues = np.stack([csf, grey, white]) * mask
    inside = mask > 0
    means = np.linalg.lstsq(tissues[:, inside].T, t1[inside], rcond=None)[0]
    texture = np.where(inside, t1 - np.tensordot(means, tissues, axes=1), 0.0)
    maps = np.concatenate([tissues, texture[None], mask[None]]).astype(np.float32)
    affine = np.asarray(image.affine, dtype=np.float64)
    voxels = np.argwhere(inside)
    corners = np.stack([voxels.min(axis=0), voxels.max(axis=0)]) @ affine[:3, :3].T + affine[:3, 3]
    maps, affine = _trim(maps, affine, voxels)
    sigma = np.sqrt(max(spacing_mm**2 - 1.0, 0.0)) * FWHM_TO_SIGMA
    if sigma > 0:
        maps = np.stack([gaussian_filter(one, sigma, mode="constant") for one in maps])
    return Template(maps=maps, affine=affine, low=corners.min(axis=0), high=corners.max(axis=0))


def _trim(
    maps: NDArray[np.float32], affine: NDArray[np.float64], voxels: NDArray[np.int_]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    # Half of the volume is air; cropping it halves the cost of every later step.
    start = np.maximum(voxels.min(axis=0) - AIR_VOXELS, 0)
    stop = voxels.max(axis=0) + AIR_VOXELS + 1
    moved = affine.copy()
    moved[:3, 3] += affine[:3, :3] @ start
    return maps[:, start[0] : stop[0], start[1] : stop[1], start[2] : stop[2]], moved
