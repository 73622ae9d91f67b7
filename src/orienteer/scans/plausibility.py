"""Whether a header and its voxels are plausible: kind, shape, place, values."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from orienteer.scans.findings import Finding, finding
from orienteer.scans.formats.header import Header

SPACING_MM = (0.01, 50.0)
ANISOTROPY = 4.0
SHEAR_DEGREES = 1.0
NOT_FINITE = 0.05
"""Share of NaN and Inf up to which they are replaced; beyond, too much of the scan would be invented."""

LABEL_VALUES = 12
SAMPLED = 200_000


def check_header(header: Header, spacing: NDArray[np.float64], *, labels: bool = False) -> list[Finding]:
    """Findings about kind, shape and place; ``spacing`` is ``(3,)`` mm.

    Of labels no volume is chosen: a file of one mask a volume would lose all structures but one.
    """
    found = []
    shape = "x".join(map(str, header.shape))
    if header.dtype == "complex":
        found.append(finding("complex", "complex voxels"))
    if header.components > 1:
        found.append(finding("colour", f"{header.components} values per voxel"))
    if header.volumes > header.channels:
        message = f"{header.volumes} volumes of {shape} voxels in one file"
        if labels:
            found.append(finding("four-dimensional", f"{message}, none is chosen as labels", level="error"))
        else:
            found.append(finding("four-dimensional", f"{message}, the first is used"))
    if len(header.shape) < 3 or min(header.shape) == 1:
        found.append(finding("two-dimensional", f"{shape} voxels"))
    return found + (_check_place(header, spacing) if len(header.shape) >= 3 else [])


def _check_place(header: Header, spacing: NDArray[np.float64]) -> list[Finding]:
    affine = header.affine
    text = " x ".join(f"{mm:.4g}" for mm in spacing)
    low, high = SPACING_MM
    if not np.isfinite(affine).all():
        return [finding("affine-singular", "the affine is not finite")]
    if (spacing < low).any() or (spacing > high).any():
        return [finding("spacing-absurd", f"voxels of {text} mm")]
    axes = affine[:3, :3] / spacing
    if abs(np.linalg.det(axes)) < 1e-3:
        return [finding("affine-singular", "two axes of the affine point the same way")]
    lean = float(np.degrees(np.arcsin(np.clip(np.abs(axes.T @ axes - np.eye(3)).max(), 0, 1))))
    found = []
    told = any(known.code == "dicom-gantry-tilt" for known in header.findings)
    if lean > SHEAR_DEGREES and not told:
        found.append(finding("affine-sheared", f"two axes are {lean:.1f} degrees off the right angle"))
    if spacing.max() > ANISOTROPY * spacing.min():
        found.append(finding("anisotropic", f"voxels of {text} mm"))
    return found


def check_channels(array: NDArray) -> tuple[NDArray, float, float, list[Finding]]:
    """:func:`check_voxels` for each channel of ``(C, X, Y, Z)``; where there are several, a finding names its own."""
    if len(array) == 1:
        channel, low, high, found = check_voxels(array[0])
        return channel[None], low, high, found
    checked = [check_voxels(channel) for channel in array]
    found = [
        replace(known, message=f"channel {index}: {known.message}")
        for index, (_, _, _, known_here) in enumerate(checked)
        for known in known_here
    ]
    mended = np.stack([channel for channel, *_ in checked]) if array.dtype.kind == "f" else array
    return mended, min(low for _, low, *_ in checked), max(high for _, _, high, _ in checked), found


def check_voxels(array: NDArray) -> tuple[NDArray, float, float, list[Finding]]:
    """The array with few NaN replaced, its lowest and highest finite value, and findings; ``(X, Y, Z)``."""
    found: list[Finding] = []
    if array.dtype.kind == "f":
        array, found = _finite(array)
    low, high = float(array.min()), float(array.max())
    if any(f.level == "error" for f in found):
        return array, low, high, found
    if low == high:
        found.append(finding("constant", f"every voxel is {low:g}"))
    elif array.dtype.kind in "iu" and high - low < 2**15:
        step = max(1, array.size // SAMPLED)
        values = np.unique(array.reshape(-1)[::step] if array.flags.c_contiguous else array.T.reshape(-1)[::step])
        if len(values) <= LABEL_VALUES:
            found.append(finding("looks-like-labels", f"whole numbers with about {len(values)} different values"))
    return array, low, high, found


def _finite(array: NDArray) -> tuple[NDArray, list[Finding]]:
    finite = np.isfinite(array)
    bad = array.size - int(np.count_nonzero(finite))
    if not bad:
        return array, []
    share = bad / array.size
    message = f"{bad:,} voxels ({share:.1%}) are NaN or infinite"
    few = share <= NOT_FINITE
    lowest = array[finite].min() if bad < array.size else 0
    return np.where(finite, array, lowest), [finding("not-finite", message, level="warning" if few else "error")]


def guess_modality(low: float, high: float) -> str:
    """CT where air is far below zero and tissue above, MR where nothing is negative, else unknown."""
    if -10_000 < low <= -300 and high > 100:
        return "CT"
    return "MR" if low >= 0 and high > 255 else "unknown"
