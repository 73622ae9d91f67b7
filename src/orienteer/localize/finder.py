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
            return Vote(self._middle(point.structure, reached), cycle, structure=True)
        # Two answers for one place, there and the inverse of back: the truth lies between them.
        return Vote((reached + missed / 2).mean(0), cycle)

    def _middle(self, structure: Volume, reached: NDArray[np.float64]) -> NDArray[np.float64]:
        """World position of the structure's middle in the other scan: that of the voxels that lead back into it."""
        index = apply_affine(np.linalg.inv(self.finest.affine), reached)
        low = np.maximum(np.floor(index.min(0)) - AROUND, 0)
        high = np.minimum(np.ceil(index.max(0)) + AROUND, np.array(self.finest.shape) - 1)
        step = max(1.0, (float(np.prod(high - low + 1)) / MOST) ** (1 / 3))
        lines = [np.arange(first, last + 1, step) for first, last in zip(low, high, strict=True)]
        grid = np.stack(np.meshgrid(*lines, indexing="ij"), -1).reshape(-1, 3)
        world = apply_affine(self.finest.affine, grid)
        inside = values_at(structure, self.back(world)) > 0
        return np.asarray(world[inside].mean(0)) if inside.any() else reached.mean(0)


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
