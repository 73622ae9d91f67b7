"""Values of labels: whole numbers from 0 to 32767, also where a tool wrote them as decimals."""

import numpy as np
from numpy.typing import NDArray

from orienteer.scans.findings import Finding, finding
from orienteer.scans.plausibility import NOT_FINITE, CheckedVoxels
from orienteer.units import counted

ROUNDING = 1.01e-3
"""How far from a whole number a value may lie, 0.001 and what float32 adds: through a slope 2 becomes 2.0000458."""
HIGHEST = 32767
"""Structure numbers are stored as int16."""
IGNORED = -1
"""Of voxels of which nobody says what is there; they take no part in loss and scores."""


def check_values(array: NDArray) -> CheckedVoxels:
    """Labels as int16 ``(1, X, Y, Z)``, ``IGNORED`` where they are NaN, with findings about them.

    Labels of one value are labels: all zero says that a healthy person has no lesion. Where a value is none of a
    structure, the finding is an error that names the value, and the array is as it was.
    """
    # Read once: a scan's values, its extremes and how far they are from whole numbers.
    nan = np.isnan(array) if array.dtype.kind == "f" else np.zeros((), dtype=bool)
    missing = int(np.count_nonzero(nan))
    if missing > NOT_FINITE * array.size:
        share = f"{missing / array.size:.0%} of the voxels are NaN, neither background nor a structure"
        return CheckedVoxels(array, 0.0, 0.0, (_refused(share),))
    filled = np.where(nan, 0, array) if missing else array
    low, high = float(filled.min()), float(filled.max())
    if low < -ROUNDING or high > HIGHEST:
        value = low if low < -ROUNDING else high
        return CheckedVoxels(array, low, high, (_refused(f"the value {value:g} is not from 0 to {HIGHEST}"),))
    found: list[Finding] = []
    if filled.dtype.kind == "f":
        whole = np.rint(filled)
        apart = np.abs(filled - whole)
        worst = float(filled.flat[apart.argmax()])
        if apart.max() > ROUNDING:
            return CheckedVoxels(array, low, high, (_refused(f"the value {worst:.6g} is no whole number"),))
        if apart.any():
            message = f"values are not quite whole numbers: {worst:.7g} is taken as {round(worst)}"
            found.append(finding("labels-rounded", message))
        filled = whole
    numbers = filled.astype(np.int16)
    if missing:
        numbers[nan] = IGNORED
        message = f"{counted(missing, 'voxel')} of NaN: nobody says what is there"
        found.append(finding("labels-not-finite", message))
    return CheckedVoxels(numbers, low, high, tuple(found))


def _refused(message: str) -> Finding:
    return finding("labels-not-whole", message, level="error")
