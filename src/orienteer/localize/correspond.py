"""Which voxel of another scan shows the same anatomy: the position field says roughly where, likeness settles it.

The field of the one scan is sought in the field of the other, which finds a start for every voxel at once; then
displacements are chosen that make the self-similarity context of both agree and neighbours move alike: first among
whole cells by coupled convex optimisation, then continuously.

Source of the refinement: Siebert, Hansen and Heinrich, "ConvexAdam", IEEE TMI 2025 (there from an affine start).
"""

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn.functional import avg_pool3d, grid_sample, interpolate, pad

from orienteer.geometry import Volume
from orienteer.localize.context import self_similarity
from orienteer.localize.field import position_field
from orienteer.pretext.model import SpatialModel
from orienteer.store.intensity import FLOOR

NEWTON = 8
"""Steps by which the field is inverted; its Jacobian is near the identity."""
CALM = 3.0
"""Standard deviation, voxels, by which the field's answer is smoothed within the body."""
MATCHES, ROUNDS = 3000, 8
"""Voxels that the affine part of the field's answer rests on, and times it is weighed anew."""
ASTRAY = 12.0
"""How far, mm, a voxel may depart from the affine part before the field's answer for it counts little."""
AIR = 0.05
"""Above the window's lower end by this, a voxel counts as body."""
CELL, REACH = 2, 2
"""Voxels of a cell, and cells searched to either side, in the coarse step."""
COUPLING = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""How strongly a cell is held to its neighbours, in turn."""
STEPS, RATE, STIFFNESS, LIKENESS = 32, 0.3, 0.31, 12.0
"""Of the continuous step: iterations, learning rate in voxels, and the weights of smoothness and likeness."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A scan, ready to be held against others.

    Attributes:
        volume: on the run's grid and in window units.
        context: ``(12, D, H, W)``.
        field: ``(3, d, h, w)`` mm.
        stride: voxels per cell of the field.
    """

    volume: Volume
    context: Float[Tensor, "12 D H W"]
    field: Float[Tensor, "3 d h w"]
    stride: int

    @classmethod
    def of(cls, model: SpatialModel, volume: Volume, *, view: int) -> "Prepared":
        """Ask a model about a scan.

        Raises:
            ConfigError: the model learned no task that places single voxels.
        """
        found = position_field(model, volume, view=view)
        context = self_similarity(torch.from_numpy(np.ascontiguousarray(volume.array)))
        return cls(volume, context, torch.from_numpy(found.array), found.stride)

    def positions(self, index: Tensor) -> Tensor:
        """``(N, 3)`` mm by the field at voxels ``(N, 3)``."""
        return _at(self.field, (index - (self.stride - 1) / 2) / self.stride)


@dataclass(frozen=True, eq=False)
class Correspondence:
    """From the voxels of one scan to those of another.

    Attributes:
        there: ``(3, D, H, W)`` voxel of the other scan for each of the one; it may lie outside the other's grid.
    """

    there: Float[Tensor, "3 D H W"]

    def __call__(self, index: NDArray[np.float64]) -> NDArray[np.float64]:
        """Voxels ``(N, 3)`` of the one scan, fractions allowed, to those of the other."""
        found: NDArray[np.float64] = _at(self.there, torch.from_numpy(index).float()).numpy().astype(np.float64)
        return found


def correspond(one: Prepared, other: Prepared) -> Correspondence:
    """Where every voxel of one scan lies in another.

    Args:
        one: of one model.
        other: of the same model and spacing.
    """
    there = _start(one, other)
    there = _coarse(one.context, other.context, there)
    return Correspondence(_fine(one.context, other.context, there))


def _start(one: Prepared, other: Prepared) -> Tensor:
    """By the fields alone, calmed: air has no position, and takes that of the body near it."""
    shape = one.volume.shape
    here = _grid(shape).reshape(3, -1).T
    spacing = float(one.volume.spacing[0])
    wanted, last = one.positions(here), torch.tensor(other.volume.shape, dtype=torch.float32) - 1
    there = here
    for _ in range(NEWTON):
        within = torch.minimum(there.clamp(min=0), last)  # beyond the edge the last slope goes on
        there = within + (wanted - other.positions(within)) / spacing
    body = torch.from_numpy((one.volume.array > FLOOR + AIR).any(0)).flatten().float()
    ones = torch.cat([here, torch.ones(len(here), 1)], 1).double()
    whole = (ones @ _affine(ones, there.double(), body)).float()
    off = there - whole
    weight = (body * _trust(off, ASTRAY / spacing) + 1e-4).reshape(shape)
    spread = [_calm(each * weight) for each in off.T.reshape(3, *shape)]
    return whole.T.reshape(3, *shape) + torch.stack(spread) / _calm(weight).clamp(min=1e-6)


def _calm(array: Tensor) -> Tensor:
    """``(D, H, W)`` blurred; nothing lies beyond the edges."""
    return torch.from_numpy(gaussian_filter(array.numpy(), CALM, mode="constant", truncate=3.0))


def _affine(ones: Tensor, there: Tensor, body: Tensor) -> Tensor:
    """``(4, 3)`` the affine map that most of the body follows; float64, so that it is the same every time."""
    chosen = body.nonzero()[:, 0]
    chosen = chosen[:: max(1, len(chosen) // MATCHES)]
    if len(chosen) < 4:
        return torch.eye(4, dtype=torch.float64)[:, :3]
    a, b, weight = ones[chosen], there[chosen], torch.ones(len(chosen), 1, dtype=torch.float64)
    for _ in range(ROUNDS):
        found: Tensor = torch.linalg.lstsq(a * weight.sqrt(), b * weight.sqrt()).solution
        off = b - a @ found
        middle = off.norm(dim=1).median().clamp(min=0.5)
        weight = _trust(off, float(2 * middle))[:, None]
    return found


def _trust(off: Tensor, width: float) -> Tensor:
    """``(N,)`` near 1 for small vectors ``(N, 3)``, vanishing for those far beyond ``width``."""
    trust: Tensor = (1 + (off / width).square().sum(-1)) ** -2
    return trust


def _coarse(one: Tensor, other: Tensor, there: Tensor) -> Tensor:
    """The best of whole cells around, neighbours alike."""
    moved, known = _warped(other, there), _inside(there, other.shape[1:])
    a, b, sure = (avg_pool3d(each[None], CELL, CELL)[0] for each in (one, moved, known))
    shape, steps = a.shape[1:], torch.tensor(list(itertools.product(range(-REACH, REACH + 1), repeat=3)))
    beyond, held = (pad(each[None], (REACH,) * 6, mode="replicate")[0] for each in (b, sure))
    # A step out of the scan costs as much as none: free, it would draw everything outside.
    still, begun = ((a - b) ** 2).sum(0), sure[0]
    cost = torch.empty(len(steps), *shape)
    for number, step in enumerate(steps.tolist()):
        r, f, s = (slice(REACH + n, REACH + n + size) for n, size in zip(step, shape, strict=True))
        apart = ((a - beyond[:, r, f, s]) ** 2).sum(0)
        cost[number] = begun * torch.lerp(still, apart, held[0, r, f, s])
    flat = avg_pool3d(pad(cost[None], (1,) * 6, mode="replicate"), 3, 1)[0].flatten(1)
    choices = steps.float()
    far = (choices**2).sum(-1, keepdim=True)
    chosen = _smooth(choices[flat.argmin(0)].T.reshape(3, *shape))
    for coupling in COUPLING:
        coupled = flat + coupling * (far - 2 * choices @ chosen.flatten(1))
        chosen = _smooth(choices[coupled.argmin(0)].T.reshape(3, *shape))
    step = interpolate(chosen[None] * CELL, size=one.shape[1:], mode="trilinear")[0]
    return _warped(there, _grid(one.shape[1:]) + step)


def _fine(one: Tensor, other: Tensor, there: Tensor) -> Tensor:
    """Continuous displacements on cells of two voxels; each iteration looks at every other voxel along each axis."""
    shape, grid = one.shape[1:], _grid(one.shape[1:])
    known = _inside(there, other.shape[1:])
    cells = avg_pool3d((there - grid)[None], 2, 2, ceil_mode=True, count_include_pad=False)[0]
    cells.requires_grad_(True)
    optimiser = torch.optim.Adam([cells], lr=RATE)
    offsets = list(itertools.product(range(2), repeat=3))
    with torch.enable_grad():
        for number in range(STEPS):
            r, a, s = offsets[number * 5 % 8]
            part = (slice(None), slice(r, None, 2), slice(a, None, 2), slice(s, None, 2))
            calm = _smooth(_smooth(cells))
            moved = grid + interpolate(calm[None], size=shape, mode="trilinear")[0]
            apart = ((one[part] - _warped(other, moved[part])) ** 2 * known[part]).mean()
            loss = LIKENESS * apart + STIFFNESS * sum((calm.diff(dim=axis) ** 2).mean() for axis in (1, 2, 3))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    calm = _smooth(_smooth(cells.detach()))
    return grid + interpolate(calm[None], size=shape, mode="trilinear")[0]


def _grid(shape: tuple[int, ...] | torch.Size) -> Tensor:
    """``(3, D, H, W)`` the index of every voxel."""
    return torch.stack(torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in shape), indexing="ij"))


def _at(array: Tensor, index: Tensor) -> Tensor:
    """``(N, C)`` values of ``(C, D, H, W)`` at ``(N, 3)``; beyond the edge those of the edge."""
    return _warped(array, index.T[:, :, None, None])[:, :, 0, 0].T


def _warped(array: Tensor, there: Tensor) -> Tensor:
    """``(C, d, h, w)`` values of ``(C, D, H, W)`` at voxels ``(3, d, h, w)``."""
    last = (torch.tensor(array.shape[1:], dtype=torch.float32) - 1).clamp(min=1)[:, None, None, None]
    grid = (2 * there / last - 1).flip(0).permute(1, 2, 3, 0)
    return grid_sample(array[None], grid[None], align_corners=True, padding_mode="border")[0]


def _inside(there: Tensor, shape: torch.Size) -> Tensor:
    """``(1, D, H, W)`` 1 where a position lies in a grid, else 0."""
    last = torch.tensor(shape, dtype=torch.float32)[:, None, None, None] - 0.5
    return ((there > -0.5) & (there < last)).all(0, keepdim=True).float()


def _smooth(array: Tensor) -> Tensor:
    """The mean of each voxel and its neighbours."""
    return avg_pool3d(pad(array[None], (1,) * 6, mode="replicate"), 3, 1)[0]
