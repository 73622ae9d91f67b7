"""Displacements that make the looks of two scans agree and neighbours move alike, by gradient descent.

Source: Siebert, Hansen and Heinrich, "ConvexAdam", IEEE TMI 2025; here on voxels of the body alone, a part of them at
each step, and with derivatives written out, which is what makes it quick without an accelerator.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from orienteer.localize.interpolate import Corners, as_table, box_mean_, grid_of, sampled, within
from orienteer.localize.level import Level

CELL = 2
"""Voxels of a cell; all voxels of one move together, smoothly between cells."""
POINTS, LEAST = 11_000, 8
"""Voxels of the body looked at in a step at most, and of how many at least one."""
STEPS, RATE = 16, 0.4
"""Iterations, and learning rate in voxels."""
STIFFNESS, LIKENESS = 0.31, 12.0
"""Weights of smoothness and of likeness."""
BRIGHTNESS = 2.0
"""Weight of an intensity beside those of the context, for scans whose contrast is the same."""
FIRST, SECOND = 0.9, 0.999
"""Decay of Adam's moments (Kingma and Ba, ICLR 2015)."""


@dataclass(frozen=True, eq=False)
class Displacement:
    """From the voxels of one grid to those of another.

    Attributes:
        cells: ``(3, d, h, w)`` by how many voxels each cell moves.
        size: voxels of a cell.
    """

    cells: Float[Tensor, "3 d h w"]
    size: int

    def __call__(self, index: Tensor) -> Tensor:
        """``(N, 3)`` to ``(N, 3)``; beyond the edge as at the edge."""
        return index + sampled(self.cells, (index - (self.size - 1) / 2) / self.size)


def refined(one: Level, other: Level, start: Callable[[Tensor], Tensor]) -> Displacement:
    """Go on from a start until looks agree.

    Args:
        one: of one scan.
        other: of another, at the same spacing.
        start: voxels ``(N, 3)`` of the one to those of the other.
    """
    shape = [-(-size // CELL) for size in one.shape]
    centres = CELL * grid_of(shape) + (CELL - 1) / 2
    cells = (start(centres) - centres).T.reshape(3, *shape).contiguous()
    weight = _weights(one, other, Displacement(cells, CELL))
    share = max(LEAST, len(one.body) // POINTS)
    firsts = sorted({step * share // STEPS for step in range(STEPS)})
    parts = [_Part(one, one.body[first::share], shape) for first in firsts]
    mean, square = torch.zeros_like(cells), torch.zeros_like(cells)
    for step in range(STEPS):
        calm = _calmed(cells)
        pull = parts[step % len(parts)].pull(calm, other, weight).add_(_tension(calm), alpha=STIFFNESS)
        box_mean_(box_mean_(pull))
        mean.mul_(FIRST).add_(pull, alpha=1 - FIRST)
        square.mul_(SECOND).addcmul_(pull, pull, value=1 - SECOND)
        root = square.sqrt().div_((1 - SECOND ** (step + 1)) ** 0.5).add_(1e-8)
        cells.addcdiv_(mean, root, value=-RATE / (1 - FIRST ** (step + 1)))
    return Displacement(_calmed(cells), CELL)


def _calmed(cells: Tensor) -> Tensor:
    """Blurred twice."""
    return box_mean_(box_mean_(cells.clone()))


class _Part:
    """Some voxels of the body: what they look like, and the cells that move them."""

    def __init__(self, one: Level, points: Tensor, shape: list[int]) -> None:
        self.points = points
        steps = torch.tensor([one.shape[1] * one.shape[2], one.shape[2], 1])
        self.looks = one.looks[points.long() @ steps]
        self.cells = Corners.around((points - (CELL - 1) / 2) / CELL, shape)

    def pull(self, cells: Tensor, other: Level, weight: Tensor) -> Tensor:
        """``(3, d, h, w)`` how the mean square of what differs in looks changes with the cells."""
        reached = self.points + self.cells.values(as_table(cells))
        corners = Corners.around(reached, other.shape, slopes=True)
        # What lies beyond the other scan has no looks to agree with.
        apart = (corners.values(other.looks) - self.looks) * weight * within(reached, other.low, other.high)
        slope = torch.stack([(apart * each).sum(1) for each in corners.derivatives(other.looks)], 1)
        slope *= 2 * LIKENESS / max(1, apart[:, :12].numel())
        return self.cells.spread(slope, cells[0].numel()).view(cells.shape)


def _weights(one: Level, other: Level, start: Displacement) -> Tensor:
    """``(12 + C,)``: of the context 1; of an intensity as much as both scans agree in it at the start."""
    points = one.body[:: max(1, len(one.body) // POINTS)]
    part = _Part(one, points, list(start.cells.shape[1:]))
    there = Corners.around(start(points), other.shape).values(other.looks)
    known = within(start(points), other.low, other.high)[:, 0] > 0
    weights = torch.ones(one.looks.shape[1])
    for channel in range(12, len(weights)):
        pair = torch.stack([part.looks[known, channel], there[known, channel]])
        agree = float(torch.corrcoef(pair)[0, 1]) if known.sum() > 2 else 0.0
        weights[channel] = (BRIGHTNESS * max(agree, 0.0)) ** 2 if np.isfinite(agree) else 0.0
    return weights


def _tension(cells: Tensor) -> Tensor:
    """How the mean squared difference of neighbours, summed over the axes, changes with the cells."""
    pull = torch.zeros_like(cells)
    for axis in (1, 2, 3):
        size = cells.shape[axis] - 1
        if size:
            step = cells.diff(dim=axis)
            step *= 2 / step.numel()
            pull.narrow(axis, 1, size).add_(step)
            pull.narrow(axis, 0, size).sub_(step)
    return pull


def index_map(affine: NDArray[np.floating]) -> Callable[[Tensor], Tensor]:
    """``(N, 3)`` to ``(N, 3)`` by an affine ``(4, 4)``."""
    matrix = torch.from_numpy(affine).float()
    return lambda index: index @ matrix[:3, :3].T + matrix[:3, 3]
