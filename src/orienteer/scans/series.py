"""From slices to a volume: the affine of a DICOM series, or the reason why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orienteer.scans.findings import Finding, finding, refusal

TILT_DEGREES = 1.0
"""A stack leaning more than this from its slices' normal is a tilted gantry, not rounding."""

GAP_TOLERANCE = 0.05
"""Share of the usual gap by which one gap may differ: scanners round positions to 0.1 mm and less."""

REPEATED_MM = 0.01


@dataclass(frozen=True)
class Slice:
    """Where one slice is, in DICOM's LPS mm. Empty tuples where the header is silent.

    Attributes:
        rows: voxels down.
        columns: voxels across.
        spacing: mm between rows, mm between columns.
        position: centre of the first voxel.
        direction: unit vector along a row, then unit vector down a column.
    """

    rows: int
    columns: int
    spacing: tuple[float, ...]
    position: tuple[float, ...]
    direction: tuple[float, ...]

    @property
    def normal(self) -> NDArray[np.float64]:
        """``(3,)`` unit vector across the slice."""
        return np.cross(self.direction[:3], self.direction[3:])

    def along(self, normal: NDArray[np.float64]) -> float:
        """Position of the slice along ``normal``, mm."""
        return float(np.dot(self.position, normal))


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices in order, the affine they share ``(4, 4)`` in LPS mm, and what is wrong with it."""

    order: tuple[int, ...]
    affine: NDArray[np.float64]
    findings: tuple[Finding, ...]


def stack(slices: Sequence[Slice]) -> Stack:
    """Order slices along their normal and check that they make one regular grid.

    Raises:
        ScanError: the slices have no position, differ among themselves, or are one alone.
    """
    first = slices[0]
    if not all(s.position and s.direction and s.spacing for s in slices):
        raise refusal("dicom-no-position", f"{len(slices)} slices, some without position, direction or spacing")
    if any((s.rows, s.columns) != (first.rows, first.columns) for s in slices):
        raise refusal("dicom-mixed", "the slices differ in size")
    if not all(np.allclose(s.direction, first.direction, atol=1e-3) for s in slices):
        raise refusal("dicom-mixed", "the slices point in different directions")
    if not all(np.allclose(s.spacing, first.spacing, rtol=1e-3) for s in slices):
        raise refusal("dicom-mixed", "the slices differ in voxel size")
    if not np.allclose([np.linalg.norm(first.direction[:3]), np.linalg.norm(first.direction[3:])], 1, atol=0.01):
        raise refusal("dicom-no-position", "the slices' directions are no unit vectors")
    if len(slices) == 1:
        raise refusal("dicom-single-slice", "a series of one slice")
    normal = first.normal
    depth = np.array([s.along(normal) for s in slices])
    order = np.argsort(depth, kind="stable")
    positions = np.array([slices[index].position for index in order])
    step = (positions[-1] - positions[0]) / (len(slices) - 1)
    affine = np.eye(4)
    affine[:3, 0] = np.multiply(first.direction[:3], first.spacing[1])
    affine[:3, 1] = np.multiply(first.direction[3:], first.spacing[0])
    affine[:3, 2] = step
    affine[:3, 3] = positions[0]
    found = (*_gaps(np.diff(depth[order])), *_tilt(step, normal))
    return Stack(order=tuple(int(index) for index in order), affine=affine, findings=found)


def _gaps(gaps: NDArray[np.float64]) -> list[Finding]:
    if (gaps < REPEATED_MM).any():
        count = int((gaps < REPEATED_MM).sum())
        return [finding("dicom-repeated-slices", f"{count} of {len(gaps) + 1} slices lie where another one is")]
    usual = float(np.median(gaps))
    wrong = np.abs(gaps - usual) > max(GAP_TOLERANCE * usual, REPEATED_MM)
    if not wrong.any():
        return []
    multiples = gaps[wrong] / usual
    if (multiples > 1.5).all() and (np.abs(multiples - np.round(multiples)) < 2 * GAP_TOLERANCE).all():
        lost = int((np.round(multiples) - 1).sum())
        return [finding("dicom-missing-slices", f"{lost} slices are missing between the {len(gaps) + 1} present")]
    return [finding("dicom-uneven-gaps", f"slices are {gaps.min():.2f} to {gaps.max():.2f} mm apart")]


def _tilt(step: NDArray[np.float64], normal: NDArray[np.float64]) -> list[Finding]:
    length = float(np.linalg.norm(step))
    if length < REPEATED_MM:
        return []
    lean = float(np.degrees(np.arccos(min(1.0, abs(float(step @ normal)) / length))))
    if lean <= TILT_DEGREES:
        return []
    return [finding("dicom-gantry-tilt", f"the stack leans {lean:.1f} degrees from its slices' normal")]
