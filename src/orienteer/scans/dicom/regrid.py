"""Slices brought onto their grid: shifted within their plane, then interpolated along the third axis."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orienteer.scans.dicom.stack import Regrid


def regrid(slices: Sequence[NDArray], plan: Regrid, shape: tuple[int, int, int]) -> NDArray:
    """Linear interpolation, in the plane and between slices; what they do not cover gets the lowest value.

    Args:
        slices: ``(rows, columns)`` each, in order.
        plan: where each of them goes.
        shape: (columns, rows, slices) of the grid.

    Returns:
        ``(columns, rows, slices)``: integers of 32 bits where the slices hold integers, else float32.
    """
    columns, rows, count = shape
    lowest = min(one.min() for one in slices)
    whole = all(one.dtype.kind in "iu" for one in slices)
    out = np.empty((count, rows, columns), np.int32 if whole else np.float32)
    at, pair = -2, (np.empty(0), np.empty(0))

    def moved(n: int) -> NDArray[np.float64]:
        return _moved(slices[n], plan.shifts[n], (rows, columns))

    for place in range(count):
        # The last slice at or before the place; the last place of all lies between the last two.
        below = min(int(np.searchsorted(plan.places, place + 1e-6, side="right")) - 1, len(slices) - 2)
        if below != at:
            at, pair = below, (pair[1] if below == at + 1 else moved(below), moved(below + 1))
        share = (place - plan.places[below]) / (plan.places[below + 1] - plan.places[below])
        share = float(np.clip(share, 0, 1))
        mixed = pair[0] if share < 1e-6 else pair[1] if share > 1 - 1e-6 else (1 - share) * pair[0] + share * pair[1]
        filled = np.where(np.isnan(mixed), lowest, mixed)
        out[place] = np.rint(filled) if whole else filled
    return out.T


def _moved(one: NDArray, shift: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """One slice in the grid's plane ``shape`` (rows, columns), NaN around it."""
    moved = _along(one.astype(np.float64), float(shift[1]), shape[0])
    return _along(moved.T, float(shift[0]), shape[1]).T


def _along(lines: NDArray[np.float64], shift: float, length: int) -> NDArray[np.float64]:
    """Shift by ``shift`` >= 0 along the first axis into ``length`` places."""
    start, share = int(shift), shift - int(shift)
    if share > 1 - 1e-6:
        start, share = start + 1, 0.0
    out = np.full((length, *lines.shape[1:]), np.nan)
    if share < 1e-6:
        out[start : start + len(lines)] = lines
    else:
        out[start + 1 : start + len(lines)] = (1 - share) * lines[1:] + share * lines[:-1]
    return out
