"""From slices to a grid: where a DICOM series lies, and how it is brought onto right angles and even distances."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orienteer.scans.dicom.steps import REPEATED_MM, Steps, steps_of
from orienteer.scans.findings import Finding, finding, refusal

TILT_DEGREES = 1.0
"""A stack leaning more than this from its slices' normal is a tilted gantry, not rounding."""

MOST_TILT_DEGREES = 45.0
"""No gantry tilts by more than 30 degrees; beyond this the headers are taken for wrong."""

MISPLACED = 0.5
"""Pixels by which a slice may lie beside the line of the others."""

SHIFT = 0.1
"""Pixels below which a slice is not shifted: headers round positions, and a shift blurs."""

FEW, THICK_MM = 5, 10.0
"""So few slices, so far apart, are a localiser."""


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
    def placed(self) -> bool:
        """Whether nothing is missing."""
        return bool(self.position and self.direction and self.spacing)

    @property
    def normal(self) -> NDArray[np.float64]:
        """``(3,)`` unit vector across the slice."""
        return np.cross(self.direction[:3], self.direction[3:])

    def along(self, normal: NDArray[np.float64]) -> float:
        """Position of the slice along ``normal``, mm."""
        return float(np.dot(self.position, normal))


@dataclass(frozen=True, eq=False)
class Regrid:
    """How slices are brought onto the grid.

    Attributes:
        shifts: ``(N, 2)`` pixels, across columns and down rows, from the grid's first pixel to each slice's.
        places: ``(N,)`` each slice's place along the grid's third axis, in steps.
    """

    shifts: NDArray[np.float64]
    places: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stack:
    """Slices in order, and the grid they make.

    Attributes:
        order: of the slices, along their normal.
        affine: ``(4, 4)`` grid index (column, row, slice) to LPS mm.
        shape: (columns, rows, slices) of the grid.
        regrid: how slices come onto it; None where they already lie on it.
        findings: what was wrong with them.
    """

    order: tuple[int, ...]
    affine: NDArray[np.float64]
    shape: tuple[int, int, int]
    regrid: Regrid | None
    findings: tuple[Finding, ...]


def finite_numbers(values: object, n: int) -> tuple[float, ...]:
    """``n`` finite numbers, or nothing."""
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != n:
        return ()
    finite = tuple(float(value) for value in values)
    return finite if np.isfinite(finite).all() else ()


def stack(slices: Sequence[Slice]) -> Stack:
    """Order slices along their normal and lay a regular grid through them.

    Raises:
        ScanError: the slices have no position, differ among themselves, are one alone, or are a localiser.
    """
    _refuse_unlike(slices)
    first = slices[0]
    normal = first.normal
    depth = np.array([one.along(normal) for one in slices])
    order = np.argsort(depth, kind="stable")
    depth = depth[order]
    positions = np.array([slices[index].position for index in order])
    gaps = np.diff(depth)
    if len(slices) <= FEW and (gaps >= THICK_MM).all():
        raise refusal("dicom-localiser", f"{len(slices)} slices, {gaps.min():.0f} mm apart and more")
    if (gaps < REPEATED_MM).any():
        count = int((gaps < REPEATED_MM).sum())
        message = f"{count} of {len(slices)} slices lie where another one is, and no tag tells them apart"
        found = [finding("dicom-repeated-slices", message)]
        return _plain(order, positions, first, found)
    across = _offsets(positions, first)
    _refuse_misplaced(across, depth)
    steps = steps_of(depth)
    found = [*steps.findings, *_tilt(positions, normal)]
    if not found or any(known.level == "error" for known in found):
        return _plain(order, positions, first, found)
    return _regridded(order, positions[0], first, across, steps, found)


def _refuse_unlike(slices: Sequence[Slice]) -> None:
    first = slices[0]
    if not all(one.placed for one in slices):
        raise refusal("dicom-no-position", f"{len(slices)} slices, some without position, direction or spacing")
    if not all(np.allclose(one.direction, first.direction, atol=1e-3) for one in slices):
        raise refusal("dicom-mixed", "the slices point in different directions")
    if not all(np.allclose(one.spacing, first.spacing, rtol=1e-3) for one in slices):
        raise refusal("dicom-mixed", "the slices differ in voxel size")
    if min(first.spacing) <= 0:
        raise refusal("spacing-absurd", f"pixels of {first.spacing[0]:g} x {first.spacing[1]:g} mm")
    row, column = first.direction[:3], first.direction[3:]
    if not np.allclose([np.linalg.norm(row), np.linalg.norm(column)], 1, atol=0.01):
        raise refusal("dicom-no-position", "the slices' directions are no unit vectors")
    if abs(np.dot(row, column)) > 0.01:
        raise refusal("dicom-no-position", "a slice's rows and columns are not at right angles")
    if len(slices) == 1:
        raise refusal("dicom-single-slice", "a series of one slice")


def _offsets(positions: NDArray[np.float64], first: Slice) -> NDArray[np.float64]:
    """``(N, 2)`` pixels by which each slice lies across and down from the first one."""
    apart = positions - positions[0]
    across = apart @ np.array(first.direction[:3]) / first.spacing[1]
    down = apart @ np.array(first.direction[3:]) / first.spacing[0]
    return np.stack([across, down], axis=1)


def _refuse_misplaced(across: NDArray[np.float64], depth: NDArray[np.float64]) -> None:
    """A tilt moves all slices along one line; a slice beside it has a wrong header or is another scan's."""
    line = np.stack([np.ones_like(depth), depth - depth[0]], axis=1)
    fit = line @ np.linalg.lstsq(line, across, rcond=None)[0]
    worst = float(np.abs(across - fit).max())
    if not worst <= MISPLACED:
        raise refusal("dicom-mixed", f"a slice lies {worst:.1f} pixels beside the line of the others")


def _tilt(positions: NDArray[np.float64], normal: NDArray[np.float64]) -> list[Finding]:
    way = positions[-1] - positions[0]
    lean = float(np.degrees(np.arccos(min(1.0, abs(float(way @ normal)) / float(np.linalg.norm(way))))))
    if lean <= TILT_DEGREES:
        return []
    message = f"the stack leans {lean:.1f} degrees from its slices' normal"
    if lean > MOST_TILT_DEGREES:
        return [finding("dicom-gantry-tilt", f"{message}, more than any gantry", level="error")]
    return [finding("dicom-gantry-tilt", f"{message}: slices resampled to right angles")]


def _plain(order: NDArray[np.intp], positions: NDArray[np.float64], first: Slice, found: Sequence[Finding]) -> Stack:
    """The slices as they are; the affine goes from the first one to the last, so rounding does not add up."""
    affine = _in_plane(first)
    affine[:3, 2] = (positions[-1] - positions[0]) / (len(positions) - 1)
    affine[:3, 3] = positions[0]
    return Stack(
        order=tuple(int(index) for index in order),
        affine=affine,
        shape=(first.columns, first.rows, len(positions)),
        regrid=None,
        findings=tuple(found),
    )


def _regridded(
    order: NDArray[np.intp],
    origin: NDArray[np.float64],
    first: Slice,
    across: NDArray[np.float64],
    steps: Steps,
    found: Sequence[Finding],
) -> Stack:
    """A grid at right angles, wide enough for every slice, whose pixels are those of the lowest slice."""
    if np.abs(across).max() < SHIFT:
        across = np.zeros_like(across)
    low = np.floor(across.min(axis=0) + 1e-6)
    high = np.ceil(across.max(axis=0) - 1e-6)
    columns, rows = (int(n) for n in high - low)
    affine = _in_plane(first)
    affine[:3, 2] = first.normal * steps.mm
    affine[:3, 3] = origin + affine[:3, :2] @ low
    return Stack(
        order=tuple(int(index) for index in order),
        affine=affine,
        shape=(first.columns + columns, first.rows + rows, steps.count),
        regrid=Regrid(shifts=across - low, places=steps.places),
        findings=tuple(found),
    )


def _in_plane(first: Slice) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, 0] = np.multiply(first.direction[:3], first.spacing[1])
    affine[:3, 1] = np.multiply(first.direction[3:], first.spacing[0])
    return affine
