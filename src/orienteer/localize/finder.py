"""A point of one scan in another: there by correspondence, back again to see whether it holds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from orienteer.geometry import Volume
from orienteer.geometry.resample import Grid
from orienteer.localize.carry import values_at
from orienteer.localize.correspond import Correspondence, Prepared, both_ways
from orienteer.localize.found import LOST, LOST_MM, OUTSIDE, Vote
from orienteer.localize.reach import is_held, lies_in

AROUND, MOST = 4.0, 8_000
"""Voxels around where a structure is sought, and about how many places are asked at most."""
FEW, ENOUGH = 400, 100
"""Voxels of a structure that is sought voxel by voxel, and how many places of a larger one shall lie within it."""


@dataclass(frozen=True, eq=False)
class Point:
    """What is looked for.

    Attributes:
        name: for tables.
        world_mm: ``(N, 3)`` one position, or those of some of a structure's voxels.
        structure: ``(1, X, Y, Z)`` 1 where the structure is, whose middle is the answer; None for a position.
    """

    name: str
    world_mm: NDArray[np.float64]
    structure: Volume | None = None


@dataclass(frozen=True, eq=False)
class Pair:
    """Two scans held against each other, which takes a second or two; any point is then answered in milliseconds.

    Attributes:
        there: from the one scan to the other.
        back: from the other to the one.
        grid: of the other scan, at the run's spacing.
        finest: of the other scan, at the finest spacing at which it was seen.
    """

    there: Correspondence
    back: Correspondence
    grid: Grid
    finest: Grid

    @classmethod
    def of(cls, one: Prepared, other: Prepared) -> "Pair":
        """Both made ready by the same model."""
        return cls(*both_ways(one, other), other.grid, other.levels[-1].grid)

    @property
    def nbytes(self) -> int:
        """What it takes in memory; the scans themselves are not held."""
        return sum(way.displacement.cells.nbytes for way in (self.there, self.back))

    def vote(self, point: Point) -> Vote:
        """Where a point of the one scan lies in the other."""
        reached = self.there(point.world_mm)
        missed = point.world_mm - self.back(reached)
        away = np.linalg.norm(missed, axis=1)
        cycle = float(away.mean())
        within = is_held(reached, away, self.grid)
        if 2 * within.sum() <= len(within):
            return Vote(None, cycle, OUTSIDE)
        if cycle > LOST_MM:
            return Vote(None, cycle, LOST)
        if point.structure is not None:
            middle, apart = self._middle(point.structure, reached)
            return Vote(middle, cycle, structure=True, apart_mm=apart)
        # Two answers for one place, there and the inverse of back: the truth lies between them.
        return Vote((reached + missed / 2).mean(0), cycle)

    def _middle(self, structure: Volume, reached: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """World position of the structure's middle in the other scan, and how far, mm, two ways to find it disagree.

        That of the places around that lead back into it; the other way is the middle of where its voxels are led.
        """
        index = apply_affine(np.linalg.inv(self.finest.affine), reached)
        size = int(np.count_nonzero(structure.array))
        grid = _around(index) if size <= FEW else _box(index, np.array(self.finest.shape) - 1, size)
        world = apply_affine(self.finest.affine, grid)
        inside = values_at(structure, self.back(world)) > 0
        led = reached.mean(0)
        middle = np.asarray(world[inside].mean(0)) if inside.any() else led
        return middle, float(np.linalg.norm(middle - led))


def _around(index: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(N, 3)`` every voxel within ``AROUND`` of one of these places."""
    reach = np.arange(-int(AROUND), int(AROUND) + 1)
    ball = np.stack(np.meshgrid(reach, reach, reach, indexing="ij"), -1).reshape(-1, 3)
    ball = ball[(ball**2).sum(1) <= AROUND**2]
    return np.unique((np.rint(index)[:, None] + ball).reshape(-1, 3), axis=0)


def _box(index: NDArray[np.float64], last: NDArray[np.int_], size: int) -> NDArray[np.float64]:
    """``(N, 3)`` places of the box that holds these, evenly, and of a structure of ``size`` voxels enough."""
    low = np.maximum(np.floor(index.min(0)) - AROUND, 0)
    high = np.minimum(np.ceil(index.max(0)) + AROUND, last)
    step = max(1.0, min((float(np.prod(high - low + 1)) / MOST) ** (1 / 3), (size / ENOUGH) ** (1 / 3)))
    lines = [np.arange(first, stop + 1, step) for first, stop in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*lines, indexing="ij"), -1).reshape(-1, 3)


class Finder:
    """One exemplar, asked for its points in other scans.

    Args:
        exemplar: made ready by the model that makes the other scans ready.
        points: in the exemplar's world.
    """

    def __init__(self, exemplar: Prepared, points: Sequence[Point]) -> None:
        self.exemplar, self.points = exemplar, points

    def holds(self, point: int) -> bool:
        """Whether a point lies in the exemplar."""
        return bool(lies_in(self.points[point].world_mm, self.exemplar.grid).any())

    def votes(self, scan: Prepared) -> list[Vote]:
        """Where each point lies in a scan."""
        pair = Pair.of(self.exemplar, scan)
        return [pair.vote(point) for point in self.points]
