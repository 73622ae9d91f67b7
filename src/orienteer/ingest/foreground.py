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
"""Parts smaller than this share of the largest go: table, pillow, cables. Two legs are both kept."""
CELL_FILLED = 0.25
"""Share of a coarse cell's voxels that must be foreground."""
EDGES_EMPTY = 0.75
"""A scan with air around the body has air along the volume's edges; a crop from inside the body has not."""
SEPARATION = 0.8
"""Share of the variance that the threshold explains. Body and air reach 0.87 and more, tissues alone 0.77."""


def foreground_mask(image: Float32[ndarray, "c d h w"]) -> Bool[ndarray, "d h w"]:
    """The body of a scan, or everything where the scan is a crop without air around.

    Of several channels, the body is what any of them shows; a map whose background is noise shows none, and then
    has no say. Otsu's threshold, thin things cut off, large parts kept, holes (lungs, ventricles) filled.

    Args:
        image: intensities on the stored grid.
    """
    masks = [_channel_mask(channel) for channel in image]
    bodies = [mask for mask in masks if not mask.all()]
    union: NDArray[np.bool_] = np.any(bodies or masks, axis=0)
    return union


def foreground_box(mask: Bool[ndarray, "d h w"]) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """First voxel and one past the last of the smallest box that holds the mask."""
    low, high = zip(*((s.start, s.stop) for s in ndimage.find_objects(mask.astype(np.uint8))[0]), strict=True)
    return low, high


def coarse_grid(mask: Bool[ndarray, "d h w"], cell: int) -> Bool[ndarray, "d h w"]:
    """One cell per ``cell``^3 voxels, set where enough of its voxels are foreground; never all empty."""
    padding = [(0, -n % cell) for n in mask.shape]
    filled, there = (_sum_cells(np.pad(a, padding), cell) for a in (mask, np.ones_like(mask)))
    share = filled / there
    occupied: NDArray[np.bool_] = share >= min(CELL_FILLED, float(share.max()))
    return occupied


def _channel_mask(channel: NDArray[np.float32]) -> NDArray[np.bool_]:
    # The brightest half percent (metal, vessels) would pull the threshold up.
    floor = max(float(channel.min()), LOWEST_HU) if channel.min() < -500 else float(channel.min())
    # The square root brings dark tissue (scalp in FLAIR, CSF in T1) nearer to bright tissue than to air.
    root = np.sqrt(np.clip(channel, floor, np.percentile(channel, 99.5)) - floor)
    if not root.any():  # of one intensity, which has no threshold
        return np.ones(root.shape, dtype=bool)
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.SetNumberOfHistogramBins(256)
    otsu.Execute(sitk.GetImageFromArray(root))
    mask: NDArray[np.bool_] = root > otsu.GetThreshold()
    if not _has_background(root, mask):
        return np.ones_like(mask)
    opened = ndimage.binary_opening(mask)
    whole = filled(_large_parts(opened if opened.any() else mask), (0, 1, 2))
    # Lungs open to the outside at the field of view's end; slice by slice they are closed.
    return filled(whole, (0, 1))


def filled(mask: NDArray[np.bool_], axes: tuple[int, ...]) -> NDArray[np.bool_]:
    """A mask ``(D, H, W)`` without holes: background that cannot reach the edge along some axes is set.

    As ``binary_fill_holes`` of the whole or of every slice, in a third of the time.
    """
    neighbours = np.zeros((3, 3, 3), dtype=bool)
    for axis in axes:
        neighbours[tuple(slice(None) if other == axis else 1 for other in range(3))] = True
    parts, count = ndimage.label(~mask, neighbours)
    outside = np.zeros(count + 1, dtype=bool)
    for axis in axes:
        outside[parts.take((0, -1), axis)] = True
    outside[0] = False
    found: NDArray[np.bool_] = ~outside[parts]
    return found


def _has_background(root: NDArray[np.float32], mask: NDArray[np.bool_]) -> bool:
    share = mask.mean()
    if share in (0.0, 1.0):
        return False
    explained = share * (1 - share) * (root[mask].mean() - root[~mask].mean()) ** 2 / root.var()
    # A body longer than the field of view leaves air along the edges of one axis only.
    edges = max(_empty_edges(np.moveaxis(mask, axis, 0)) for axis in range(3))
    return bool(explained >= SEPARATION and edges >= EDGES_EMPTY)


def _empty_edges(mask: NDArray[np.bool_]) -> float:
    """Share of background on the four edges along the first axis."""
    return 1.0 - float(mask[:, [0, 0, -1, -1], [0, -1, 0, -1]].mean())


def _large_parts(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    parts, count = ndimage.label(mask)
    if count < 2:
        return mask
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    large: NDArray[np.bool_] = (sizes >= KEEP * sizes.max())[parts]
    return large


def _sum_cells(array: NDArray, cell: int) -> NDArray[np.int64]:
    d, h, w = (n // cell for n in array.shape)
    sums: NDArray[np.int64] = array.reshape(d, cell, h, cell, w, cell).sum(axis=(1, 3, 5))
    return sums
