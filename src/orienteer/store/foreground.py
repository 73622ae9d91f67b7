"""Where the body is: so that views are not spent on air, and intensities are judged on tissue."""

import numpy as np
import scipy.ndimage as ndimage
import SimpleITK as sitk
from jaxtyping import Bool, Float32
from numpy import ndarray
from numpy.typing import NDArray

LOWEST_HU = -1024.0
"""Scanners fill what lies outside the reconstructed circle with less than this; it is air all the same."""
KEEP = 0.2
"""Parts smaller than this share of the largest are left out: table, pillow, cables. Two legs are both kept."""
CELL_FILLED = 0.25
"""Share of a coarse cell's voxels that must be foreground."""


def foreground_mask(image: Float32[ndarray, "c d h w"]) -> Bool[ndarray, "d h w"]:
    """The body of a scan: Otsu's threshold, thin things cut off, large parts kept, holes (lungs, ventricles) filled.

    Args:
        image: intensities on the stored grid.
    """
    mask = np.zeros(image.shape[1:], dtype=bool)
    for channel in image:
        mask |= _channel_mask(channel)
    return mask


def foreground_box(mask: Bool[ndarray, "d h w"]) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """First voxel and one past the last of the smallest box that holds the mask."""
    low, high = zip(*((s.start, s.stop) for s in ndimage.find_objects(mask.astype(np.uint8))[0]), strict=True)
    return low, high


def coarse_grid(mask: Bool[ndarray, "d h w"], cell: int = 4) -> Bool[ndarray, "d h w"]:
    """One cell per ``cell``^3 voxels, set where enough of the cell's voxels are foreground; never all empty."""
    padding = [(0, -n % cell) for n in mask.shape]
    filled, there = (_sum_cells(np.pad(a, padding), cell) for a in (mask, np.ones_like(mask)))
    share = filled / there
    return share >= min(CELL_FILLED, float(share.max()))  # type: ignore[no-any-return]


def _channel_mask(channel: NDArray[np.float32]) -> NDArray[np.bool_]:
    # The brightest half percent (metal, vessels) would pull the threshold up.
    ceiling = np.percentile(channel, 99.5)
    clipped = np.clip(channel, max(channel.min(), LOWEST_HU), ceiling) if channel.min() < -500 else channel
    clipped = np.minimum(clipped, ceiling)
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.SetNumberOfHistogramBins(256)
    otsu.Execute(sitk.GetImageFromArray(clipped))
    mask = clipped > otsu.GetThreshold()
    opened = ndimage.binary_opening(mask)
    mask = _large_parts(opened if opened.any() else mask)
    mask = ndimage.binary_fill_holes(mask)
    # Lungs open to the outside at the field of view's end; slice by slice they are closed.
    for axial in range(mask.shape[2]):
        mask[:, :, axial] = ndimage.binary_fill_holes(mask[:, :, axial])
    return mask if mask.any() else channel > channel.min()


def _large_parts(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    parts, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return (sizes >= KEEP * sizes.max())[parts]  # type: ignore[no-any-return]


def _sum_cells(array: NDArray, cell: int) -> NDArray[np.int64]:
    d, h, w = (n // cell for n in array.shape)
    return array.reshape(d, cell, h, cell, w, cell).sum(axis=(1, 3, 5))
