"""A point of one scan in another: there by correspondence, back again to see whether it holds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from orienteer.geometry import Volume
from orienteer.localize.correspond import Prepared, correspond
from orienteer.localize.found import LOST_MM, Vote
from orienteer.pretext.model import SpatialModel

OUTSIDE = "the scan's field of view does not reach it"
LOST = "it comes back elsewhere"
EDGE = 0.5
"""Voxels beyond the outermost centres that still belong to a scan."""
RETURN, NEAR = 1.0, 3.0
"""Voxels: an answer within ``NEAR`` of a face is taken for absent where it comes back farther than ``RETURN`` away."""


@dataclass(frozen=True, eq=False)
class Point:
    """What is looked for.

    Attributes:
        name: for tables.
        world_mm: ``(N, 3)`` one position, or those of a structure's voxels, whose middle is then the answer.
    """

    name: str
    world_mm: NDArray[np.float64]


class Finder:
    """One exemplar, asked for its points in other scans.

    Args:
        model: in evaluation mode, of a run that learned to place single voxels.
        exemplar: on the run's grid and in window units, as ``Run.read`` gives it.
        points: in the exemplar's world.
        view: edge of the views the model learned from, voxels.

    Raises:
        ConfigError: the model learned no task that places single voxels.
    """

    def __init__(self, model: SpatialModel, exemplar: Volume, points: Sequence[Point], *, view: int) -> None:
        self.model, self.points, self.view = model, points, view
        self.exemplar = Prepared.of(model, exemplar, view=view)
        to_voxel = np.linalg.inv(exemplar.affine)
        self._index = [apply_affine(to_voxel, point.world_mm) for point in points]

    def holds(self, point: int) -> bool:
        """Whether a point lies in the exemplar."""
        return bool(_within(self._index[point], self.exemplar.volume.shape, EDGE).any())

    def votes(self, scan: Prepared) -> list[Vote]:
        """Where each point lies in a scan that ``prepare`` made ready."""
        there, back = correspond(self.exemplar, scan), correspond(scan, self.exemplar)
        spacing = float(self.exemplar.volume.spacing[0])
        votes = []
        for index in self._index:
            reached = there(index)
            away = np.linalg.norm(back(reached) - index, axis=1)
            within = _within(reached, scan.volume.shape, EDGE)
            # Beyond the field of view the nearest likeness is inside it, and comes back elsewhere.
            within &= (away <= RETURN) | _within(reached, scan.volume.shape, -NEAR)
            cycle = float(away.mean()) * spacing
            if 2 * within.sum() <= len(index):
                votes.append(Vote(None, cycle, OUTSIDE))
            elif cycle > LOST_MM:
                votes.append(Vote(None, cycle, LOST))
            else:
                votes.append(Vote(apply_affine(scan.volume.affine, reached.mean(0)), cycle))
        return votes

    def prepare(self, scan: Volume) -> Prepared:
        """Make a scan ready for ``votes``; the same for all exemplars of one model."""
        return Prepared.of(self.model, scan, view=self.view)


def _within(index: NDArray[np.float64], shape: Sequence[int], margin: float) -> NDArray[np.bool_]:
    return np.asarray(((index >= -margin) & (index <= np.array(shape) - 1 + margin)).all(1))
