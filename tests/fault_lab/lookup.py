"""Where a resampled DICOM volume lies, found by its voxels: each slice is looked up by SimpleITK on its own."""

from itertools import product

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from orienteer.geometry import Volume
from orienteer.scans.source import Source

SHARES = (0.3, 0.5, 0.95)
"""Slices that are looked up, as shares of the series: ends and the middle, none at a regular distance."""

STEPS = (-1.0, -0.5, 0.0, 0.5, 1.0)
"""Voxels by which a slice is tried beside its place, along each axis of the volume."""

POINTS = 4000
BORDER = 3


def apart_by_voxels(volume: Volume, source: Source) -> float:
    """Voxels by which the volume would have to be moved to fit its slices best; the largest of three slices.

    Each slice's voxels are taken to the patient by ITK's own transform for that one file, from there into the volume
    by its affine, and compared with what the volume holds there.

    Raises:
        RuntimeError: the slices cannot be read one by one.
    """
    random = np.random.default_rng(0)
    paths = [source.paths[int(share * (len(source.paths) - 1))] for share in SHARES]
    return max(_slice_apart(volume, str(path), random) for path in paths)


def _slice_apart(volume: Volume, path: str, random: np.random.Generator) -> float:
    image = sitk.ReadImage(path, imageIO="GDCMImageIO")
    values = sitk.GetArrayFromImage(image)[0].astype(np.float64)
    rows, columns = values.shape
    # Where nothing changes no place can be told.
    change = np.hypot(*np.gradient(values))
    # Beside the border there may be nothing, which fits nothing.
    inside = np.pad(np.ones((rows - 2 * BORDER, columns - 2 * BORDER), bool), BORDER)
    edges = np.flatnonzero(inside & (change >= np.quantile(change[inside], 0.6)))
    picked = random.choice(edges, min(POINTS, len(edges)), replace=False)
    down, across = np.unravel_index(picked, (rows, columns))
    lps = np.array(
        [image.TransformIndexToPhysicalPoint((int(i), int(j), 0)) for i, j in zip(across, down, strict=True)]
    )
    ras = np.c_[lps * [-1, -1, 1], np.ones(len(lps))]
    index = (np.linalg.inv(volume.affine) @ ras.T)[:3]
    fits = {step: _misfit(volume, index, np.array(step), values[down, across]) for step in product(STEPS, repeat=3)}
    # At either end of the volume a step outwards changes nothing: of equal fits the nearest counts.
    best = min(fits, key=lambda step: (round(fits[step], 6), float(np.linalg.norm(step))))
    return float(np.linalg.norm(best))


def _misfit(volume: Volume, index: NDArray, step: NDArray, values: NDArray) -> float:
    there = map_coordinates(volume.array[0].astype(np.float32), index + step[:, None], order=1, mode="nearest")
    ours, theirs = there - np.median(there), values - np.median(values)
    # A few damaged pixels count no more than others that do not fit.
    cap = 3 * float(np.median(np.abs(theirs)))
    # ITK turns inverted greys over; we do not.
    return min(float(np.minimum(np.abs(ours - sign * theirs), cap).mean()) for sign in (1, -1))
