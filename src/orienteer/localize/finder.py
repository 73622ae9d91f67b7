"""A point of one scan in another: there by correspondence, back again to see whether it holds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from orienteer.geometry import Volume
from orienteer.localize.carry import values_at
from orienteer.localize.correspond import Correspondence, Prepared, both_ways
from orienteer.localize.found import LOST_MM, Vote
from orienteer.localize.reach import is_held, lies_in

OUTSIDE = "the scan's field of view does not reach it"
LOST = "it comes back elsewhere"
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
        return bool(lies_in(self.points[point].world_mm, self.exemplar.volume).any())

    def votes(self, scan: Prepared) -> list[Vote]:
        """Where each point lies in a scan."""
        there, back = both_ways(self.exemplar, scan)
        votes = []
        for point in self.points:
            reached = there(point.world_mm)
            missed = point.world_mm - back(reached)
            away = np.linalg.norm(missed, axis=1)
            cycle = float(away.mean())
            within = is_held(reached, away, scan.volume)
            if 2 * within.sum() <= len(within):
                votes.append(Vote(None, cycle, OUTSIDE))
            elif cycle > LOST_MM:
                votes.append(Vote(None, cycle, LOST))
            elif point.structure is not None:
                votes.append(Vote(_middle(point.structure, reached, scan, back), cycle, structure=True))
            else:
                # Two answers for one place, there and the inverse of back: the truth lies between them.
                votes.append(Vote((reached + missed / 2).mean(0), cycle))
        return votes


def _middle(
    structure: Volume, reached: NDArray[np.float64], scan: Prepared, back: Correspondence
) -> NDArray[np.float64]:
    """World position of the middle of what is the structure in a scan: of its voxels that lead back into it."""
    level = scan.levels[-1]
    index = apply_affine(np.linalg.inv(level.affine), reached)
    low = np.maximum(np.floor(index.min(0)) - AROUND, level.low.numpy())
    high = np.minimum(np.ceil(index.max(0)) + AROUND, level.high.numpy())
    step = max(1.0, (float(np.prod(high - low + 1)) / MOST) ** (1 / 3))
    lines = [np.arange(first, last + 1, step) for first, last in zip(low, high, strict=True)]
    world = apply_affine(level.affine, np.stack(np.meshgrid(*lines, indexing="ij"), -1).reshape(-1, 3))
    inside = values_at(structure, back(world)) > 0
    return np.asarray(world[inside].mean(0)) if inside.any() else reached.mean(0)
