"""What a header and a volume give away about themselves."""

import numpy as np
from numpy.typing import NDArray

from orienteer.scans.findings import Finding, finding
from orienteer.scans.opened import Opened

SPACING_MM = (0.01, 50.0)
ANISOTROPY = 4.0
SHEAR_DEGREES = 1.0
NOT_FINITE = 0.05
"""Share of NaN and Inf up to which they are replaced; beyond, too much of the scan would be invented."""

LABEL_VALUES = 12
SAMPLED = 200_000


def judge_header(opened: Opened, spacing: NDArray[np.float64]) -> list[Finding]:
    """Findings about kind, shape and place; ``spacing`` is ``(3,)`` mm."""
    found = []
    shape = "x".join(map(str, opened.shape))
    if opened.dtype == "complex":
        found.append(finding("complex", "complex voxels"))
    if opened.channels > 1:
        found.append(finding("colour", f"{opened.channels} values per voxel"))
    if len(opened.shape) > 3:
        found.append(finding("four-dimensional", f"{shape}: {int(np.prod(opened.shape[3:]))} volumes in one file"))
    elif len(opened.shape) < 3 or min(opened.shape) == 1:
        found.append(finding("two-dimensional", f"{shape} voxels"))
    return found + (_judge_place(opened, spacing) if len(opened.shape) >= 3 else [])


def _judge_place(opened: Opened, spacing: NDArray[np.float64]) -> list[Finding]:
    affine = opened.affine
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
    told = any(known.code == "dicom-gantry-tilt" for known in opened.findings)
    if lean > SHEAR_DEGREES and not told:
        found.append(finding("affine-sheared", f"two axes are {lean:.1f} degrees off the right angle"))
    if spacing.max() > ANISOTROPY * spacing.min():
        found.append(finding("anisotropic", f"voxels of {text} mm"))
    return found


def judge_voxels(array: NDArray) -> tuple[NDArray, float, float, list[Finding]]:
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
