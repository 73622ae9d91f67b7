"""The distances between slices: even, uneven, or with slices lost; and the even step that is laid through them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orienteer.scans.findings import Finding, finding

GAP_TOLERANCE = 0.05
"""Share of the usual gap by which one gap may differ: scanners round positions to 0.1 mm and less."""

MOST_DRIFT = 0.25
"""Share of the usual gap by which a slice may lie beside the even grid, where small differences add up."""

REPEATED_MM = 0.01

MOST_GAP_MM = 10.5
"""10 mm and rounding: between slices further apart, interpolation would invent anatomy."""

MOST_GAP_STEPS = 4.5
"""No more than three slices in a row are made up."""

MOST_LOST = 0.1
"""Share of lost slices up to which they are filled in."""


@dataclass(frozen=True, eq=False)
class Steps:
    """Even steps through the slices.

    Attributes:
        mm: from one place of the grid to the next.
        count: places of the grid.
        places: ``(N,)`` where each slice is, in steps from the first.
        findings: none where the slices already lie on the grid.
    """

    mm: float
    count: int
    places: NDArray[np.float64]
    findings: tuple[Finding, ...]


def steps_of(depth: NDArray[np.float64]) -> Steps:
    """Lay even steps from the first slice to the last, both exactly on the grid.

    Args:
        depth: ``(N,)`` mm along the normal, rising, N at least 2.
    """
    gaps = np.diff(depth)
    usual = float(np.median(gaps))
    wrong = np.abs(gaps - usual) > max(GAP_TOLERANCE * usual, REPEATED_MM)
    if not wrong.any():
        even = _lay(depth, len(depth), ())
        drift = np.abs(even.places - np.arange(len(depth))).max()
        return even if drift <= MOST_DRIFT else _uneven(depth, gaps, usual)
    multiples = gaps[wrong] / usual
    if (multiples > 1.5).all() and (np.abs(multiples - np.round(multiples)) < 2 * GAP_TOLERANCE).all():
        lost = int((np.round(multiples) - 1).sum())
        return _lost(depth, gaps, lost, usual)
    return _uneven(depth, gaps, usual)


def _lay(depth: NDArray[np.float64], count: int, found: tuple[Finding, ...]) -> Steps:
    mm = float(depth[-1] - depth[0]) / (count - 1)
    return Steps(mm=mm, count=count, places=(depth - depth[0]) / mm, findings=found)


def _lost(depth: NDArray[np.float64], gaps: NDArray[np.float64], lost: int, usual: float) -> Steps:
    missing = "1 slice is" if lost == 1 else f"{lost} slices are"
    message = f"{missing} missing between the {len(depth)} present"
    if lost > MOST_LOST * (len(depth) + lost) or not _bridgeable(gaps, usual):
        return _lay(depth, len(depth), (finding("dicom-missing-slices", message, level="error"),))
    laid = _lay(depth, len(depth) + lost, (finding("dicom-missing-slices", f"{message}: filled in between"),))
    # The slices that are there keep their voxels where all that parts them from a whole step is rounding.
    whole = np.round(laid.places)
    near = np.abs(laid.places - whole).max() <= 2 * GAP_TOLERANCE
    return Steps(mm=laid.mm, count=laid.count, places=whole if near else laid.places, findings=laid.findings)


def _uneven(depth: NDArray[np.float64], gaps: NDArray[np.float64], usual: float) -> Steps:
    message = f"slices are {gaps.min():.2f} to {gaps.max():.2f} mm apart"
    # A pair that lies closer than half the usual gap by accident must not make the whole grid finer.
    fine = float(gaps[gaps >= usual / 2].min())
    if not _bridgeable(gaps, fine):
        return _lay(depth, len(depth), (finding("dicom-uneven-gaps", message, level="error"),))
    count = round(float(depth[-1] - depth[0]) / fine) + 1
    laid = _lay(depth, count, ())
    found = (finding("dicom-uneven-gaps", f"{message}: resampled to {laid.mm:.2f} mm"),)
    return Steps(mm=laid.mm, count=count, places=laid.places, findings=found)


def _bridgeable(gaps: NDArray[np.float64], step: float) -> bool:
    return bool(gaps.max() <= min(MOST_GAP_MM, MOST_GAP_STEPS * step))
