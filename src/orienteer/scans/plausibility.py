"""Whether a header and its voxels are plausible: kind, shape, place, values."""

from dataclasses import replace
from typing import NamedTuple

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
    # A crop of labels may be a single slice of its scan.
    if len(header.shape) < 3 or (min(header.shape) == 1 and not labels):
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


class CheckedVoxels(NamedTuple):
    """Voxels whose few NaN are replaced, their lowest and highest finite value, and findings about them."""

    array: NDArray
    low: float
    high: float
    findings: tuple[Finding, ...]


def check_voxels(array: NDArray) -> CheckedVoxels:
    """Check each channel of ``(C, X, Y, Z)``; of several channels, a finding names its own."""
    channels = [_check_channel(channel) for channel in array]
    if len(channels) == 1:
        return channels[0]._replace(array=channels[0].array[None])
    return CheckedVoxels(
        array=np.stack([one.array for one in channels]) if array.dtype.kind == "f" else array,
        low=min(one.low for one in channels),
        high=max(one.high for one in channels),
        findings=tuple(
            replace(found, message=f"channel {number}: {found.message}")
            for number, one in enumerate(channels)
            for found in one.findings
        ),
    )


def _check_channel(array: NDArray) -> CheckedVoxels:
    found: list[Finding] = []
    if array.dtype.kind == "f":
        array, found = _finite(array)
    low, high = float(array.min()), float(array.max())
    if any(f.level == "error" for f in found):
        return CheckedVoxels(array, low, high, tuple(found))
    if low == high:
        found.append(finding("constant", f"every voxel is {low:g}"))
    elif array.dtype.kind in "iu" and high - low < 2**15:
        step = max(1, array.size // SAMPLED)
        values = np.unique(array.reshape(-1)[::step] if array.flags.c_contiguous else array.T.reshape(-1)[::step])
        if len(values) <= LABEL_VALUES:
            found.append(finding("looks-like-labels", f"whole numbers with about {len(values)} different values"))
    return CheckedVoxels(array, low, high, tuple(found))


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
