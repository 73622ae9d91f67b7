"""Values between voxels, and box means; single threads of plain loops in memory's order, since whole scans wait."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag

CORNERS = torch.tensor(list(itertools.product(range(2), repeat=3)))
"""Of the cube of eight voxels around a position."""


Ends = tuple[Tensor, Tensor]
"""``(N,)`` at the lower and at the upper end of an axis of that cube."""


@dataclass(frozen=True, eq=False)
class Corners:
    """The eight voxels around each of N positions; a position beyond an edge takes the edge's values.

    Attributes:
        rows: ``(N, 8)`` rows of a table ``(D * H * W, C)``.
        weights: ``(N, 8)`` trilinear.
        slopes: three of ``(N, 8)``, the weights' derivatives along each axis; empty where none were asked for.
    """

    rows: Int[Tensor, "N 8"]
    weights: Float[Tensor, "N 8"]
    slopes: tuple[Tensor, ...] = ()

    @classmethod
    def around(cls, index: Tensor, shape: Sequence[int], *, slopes: bool = False) -> "Corners":
        """Of positions ``(N, 3)`` in voxels of a grid ``(D, H, W)``."""
        last = torch.tensor(shape, dtype=torch.float32) - 1
        within = torch.minimum(index.clamp(min=0), last)
        low = torch.minimum(within.floor(), (last - 1).clamp(min=0))
        part = within - low
        steps = torch.tensor([shape[1] * shape[2], shape[2], 1])
        rows = (low.long() @ steps)[:, None] + (CORNERS * (last > 0)) @ steps
        along = [(1 - part[:, axis], part[:, axis]) for axis in range(3)]
        weights = _product(*along)
        if not slopes:
            return cls(rows, weights)
        moving = ((index > 0) & (index < last)).float()
        steep = [(-moving[:, axis], moving[:, axis]) for axis in range(3)]
        over = [_product(*(steep[n] if n == axis else along[n] for n in range(3))) for axis in range(3)]
        return cls(rows, weights, tuple(over))

    def values(self, table: Tensor) -> Tensor:
        """``(N, C)`` of a table ``(D * H * W, C)``."""
        return embedding_bag(self.rows, table, per_sample_weights=self.weights, mode="sum")

    def derivatives(self, table: Tensor) -> list[Tensor]:
        """Three of ``(N, C)``, a voxel along each axis."""
        return [embedding_bag(self.rows, table, per_sample_weights=each, mode="sum") for each in self.slopes]

    def spread(self, values: Tensor, rows: int) -> Tensor:
        """``(C, rows)``: values ``(N, C)`` given back to the corners they would be taken from."""
        found, at = torch.zeros(values.shape[1], rows), self.rows.flatten()
        for total, channel in zip(found, values.T, strict=True):
            total.index_add_(0, at, (self.weights * channel[:, None]).flatten())
        return found


def _product(one: Ends, two: Ends, three: Ends) -> Tensor:
    """``(N, 8)`` of factors at both ends of each axis, in the order of ``CORNERS``."""
    flat = [a * b for a in one for b in two]
    return torch.stack([each * c for each in flat for c in three]).T.contiguous()


def as_table(array: Tensor) -> Tensor:
    """``(D * H * W, C)``, a voxel's channels side by side, of ``(C, D, H, W)``."""
    return array.flatten(1).T.contiguous()


def sampled(array: Tensor, index: Tensor) -> Tensor:
    """``(N, C)`` values of ``(C, D, H, W)`` at positions ``(N, 3)`` in voxels."""
    return Corners.around(index, array.shape[1:]).values(as_table(array))


def grid_of(shape: Sequence[int]) -> Tensor:
    """``(D * H * W, 3)`` the index of every voxel."""
    return torch.cartesian_prod(*(torch.arange(n, dtype=torch.float32) for n in shape)).reshape(-1, 3)


def within(index: Tensor, low: Tensor | float, high: Tensor) -> Tensor:
    """``(N, 1)`` 1 where ``(N, 3)`` lies between voxels, to half a voxel beyond, else 0."""
    return ((index > low - 0.5) & (index < high + 0.5)).all(1, keepdim=True).float()


def box_mean_(array: Tensor) -> Tensor:
    """In place, the mean of each voxel of ``(..., D, H, W)`` and its 26 neighbours; the edge goes on beyond itself.

    Running sums, one volume after another so that each stays in the cache: a twentieth of the time of ``conv3d``.
    """
    spare = torch.empty(array.shape[-3:])
    for each in array.view(-1, *spare.shape):
        for axis, one, sums in ((0, each, spare), (1, spare, each), (2, each, spare)):
            size = one.shape[axis]
            sums.copy_(one)
            sums.narrow(axis, 1, size - 1).add_(one.narrow(axis, 0, size - 1))
            sums.narrow(axis, 0, size - 1).add_(one.narrow(axis, 1, size - 1))
            sums.narrow(axis, 0, 1).add_(one.narrow(axis, 0, 1))
            sums.narrow(axis, size - 1, 1).add_(one.narrow(axis, size - 1, 1))
        torch.mul(spare, 1 / 27, out=each)
    return array
