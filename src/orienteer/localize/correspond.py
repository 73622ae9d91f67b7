"""Where the anatomy of one scan lies in another: the position field says roughly where, likeness settles it.

The field of the one scan is sought in the field of the other, which finds a start for every voxel at once; then
displacements are chosen that make what both look like agree and neighbours move alike: first among whole cells by
coupled convex optimisation, then continuously, at the run's spacing and at half of it.

Source of the coarse step: Siebert, Hansen and Heinrich, "ConvexAdam", IEEE TMI 2025 (there from an affine start).
"""

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from jaxtyping import Float
from nibabel.affines import apply_affine, from_matvec
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree
from torch import Tensor
from torch.nn.functional import avg_pool3d, pad

from orienteer.errors import ScanError
from orienteer.geometry import Volume
from orienteer.geometry.resample import Grid
from orienteer.localize.context import self_similarity
from orienteer.localize.field import position_field
from orienteer.localize.interpolate import box_mean_, grid_of, sampled, within
from orienteer.localize.level import Level, around_body
from orienteer.localize.refine import Displacement, index_map, refined
from orienteer.pretext.model import SpatialModel
from orienteer.store.intensity import BODY_ABOVE

FEWEST = 4
"""Voxels along an axis below which a scan is not held against another."""
NEWTON = 8
"""Steps by which the field is inverted; its Jacobian is near the identity."""
CALM = 3.0
"""Standard deviation, voxels, by which the field's answer is smoothed within the body."""
MATCHES, ROUNDS = 3000, 8
"""Voxels that the affine part of the field's answer rests on, and times it is weighed anew."""
ASTRAY = 12.0
"""How far, mm, a voxel may depart from the affine part before the field's answer for it counts little."""
CELL, REACH = 2, 2
"""Voxels of a cell, and cells searched to either side, in the coarse step."""
COUPLING = (0.003, 0.03, 0.3, 1.0)
"""How strongly a cell is held to its neighbours, in turn."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A scan, ready to be held against others.

    Attributes:
        volume: on the run's grid and in window units.
        context: ``(12, D, H, W)``.
        field: ``(3, d, h, w)`` mm, of the part that holds the body.
        stride: voxels per cell of the field.
        first: ``(3,)`` voxel of the scan at which the field begins.
        levels: what it looks like, coarse to fine.
    """

    volume: Volume
    context: Float[Tensor, "12 D H W"]
    field: Float[Tensor, "3 d h w"]
    stride: int
    first: Tensor
    levels: tuple[Level, ...]

    @classmethod
    def of(cls, model: SpatialModel, volume: Volume, finer: Volume | None = None, *, view: int) -> "Prepared":
        """Ask a model about a scan; with one thread for the network, whose last digits depend on their number.

        Args:
            model: in evaluation mode.
            volume: on the run's grid and in window units.
            finer: the same at half the spacing; without it, positions are as coarse as the run.
            view: edge of the views the model learned from, voxels.

        Raises:
            ScanError: it is too thin to be held against another.
            ConfigError: the model learned no task that places single voxels.
        """
        if min(volume.shape) < FEWEST:
            raise ScanError(
                f"too thin to be compared: {' x '.join(map(str, volume.shape))} voxels on the run's grid",
                code="too-small",
                cure="give a scan that shows more of the body",
            )
        with one_thread_each(), ThreadPoolExecutor(1) as pool:
            levels = pool.submit(_levels, volume, finer)
            part = around_body(volume)  # windows of air would be asked as well, and spoil those beside them
            first = np.array([line.start for line in part])
            held = Volume(volume.array[(slice(None), *part)], volume.affine @ from_matvec(np.eye(3), first))
            found = position_field(model, held, view=view)
            return cls._of_parts(volume, torch.from_numpy(found.array), found.stride, first, levels.result())

    @classmethod
    def by_field(cls, volume: Volume, field: Tensor, stride: int, finer: Volume | None = None) -> "Prepared":
        """With a position field of the whole scan that is known."""
        return cls._of_parts(volume, field, stride, np.zeros(3, dtype=int), _levels(volume, finer))

    @classmethod
    def _of_parts(
        cls, volume: Volume, field: Tensor, stride: int, first: NDArray[np.int_], levels: tuple[Level, ...]
    ) -> "Prepared":
        context = self_similarity(torch.from_numpy(np.ascontiguousarray(volume.array)))
        return cls(volume, context, field, stride, torch.from_numpy(first).float(), levels)

    @property
    def grid(self) -> Grid:
        """Of the scan, at the run's spacing."""
        return Grid(self.volume.shape, self.volume.affine)

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        tensors = (self.context, self.field, *(part for level in self.levels for part in (level.looks, level.body)))
        return int(self.volume.array.nbytes) + sum(tensor.nbytes for tensor in tensors)

    @property
    def middle(self) -> Tensor:
        """``(3,)`` the body's middle, voxels; the scan's where there is no body."""
        level = self.levels[0]
        if not len(level.body):
            return (torch.tensor(self.volume.shape) - 1) / 2
        return (level.body.double().mean(0) - level.low).float()

    def from_body(self, world: NDArray[np.float64]) -> float:
        """How far, mm, the nearest of some world positions ``(N, 3)`` lies from the body."""
        level = self.levels[0]
        if not len(level.body):
            return float("inf")
        body = apply_affine(level.affine, level.body.numpy())
        return float(KDTree(body).query(world)[0].min())

    def positions(self, index: Tensor) -> Tensor:
        """``(N, 3)`` mm by the field at voxels ``(N, 3)``; beyond it, as at its edge."""
        return sampled(self.field, (index - self.first - (self.stride - 1) / 2) / self.stride)


@dataclass(frozen=True, eq=False)
class Correspondence:
    """From the anatomy of one scan to where it is in another.

    Attributes:
        displacement: between the voxels of the finest level.
        one: ``(4, 4)`` voxel index to world RAS mm, of the one scan's.
        other: of the other's.
    """

    displacement: Displacement
    one: NDArray[np.float64]
    other: NDArray[np.float64]

    def __call__(self, world: NDArray[np.float64]) -> NDArray[np.float64]:
        """World positions ``(N, 3)``, RAS mm, of the one scan to those of the other; they may lie outside it."""
        index = index_map(np.linalg.inv(self.one))(torch.from_numpy(world).float())
        found: NDArray[np.float64] = index_map(self.other)(self.displacement(index)).numpy().astype(np.float64)
        return found


def _levels(volume: Volume, finer: Volume | None) -> tuple[Level, ...]:
    return tuple(Level.of(each) for each in (volume, finer) if each is not None)


def correspond(one: Prepared, other: Prepared) -> Correspondence:
    """Where every place of one scan lies in another.

    Args:
        one: of one model.
        other: of the same model and spacing.
    """
    last = _coarse(one.context, other.context, _start(one, other))
    ends = (one.volume.affine, other.volume.affine)
    for here, next_ in zip(one.levels, other.levels, strict=False):
        into = index_map(np.linalg.inv(ends[0]) @ here.affine)
        out = index_map(np.linalg.inv(next_.affine) @ ends[1])
        last = refined(here, next_, _chain(into, last, out))
        ends = (here.affine, next_.affine)
    return Correspondence(last, *ends)


def _chain(*maps: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """One after the other."""
    return lambda index: reduce(lambda at, each: each(at), maps, index)


def both_ways(one: Prepared, other: Prepared) -> tuple[Correspondence, Correspondence]:
    """There and back, each in a thread of its own: operations this small gain nothing from several."""
    with one_thread_each(), ThreadPoolExecutor(2) as pool:
        there, back = pool.submit(correspond, one, other), pool.submit(correspond, other, one)
        return there.result(), back.result()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Within, an operation takes one thread, for work that is itself spread over threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _start(one: Prepared, other: Prepared) -> Displacement:
    """By the fields alone, calmed: air has no position, and takes that of the body near it."""
    shape, centres = _cells(one.volume.shape)
    spacing = float(one.volume.spacing[0])
    wanted, last = one.positions(centres), torch.tensor(other.volume.shape, dtype=torch.float32) - 1
    # From one body into the other, wherever they lie in their scans: in air the field is noise.
    there = centres + (other.middle - one.middle)
    for _ in range(NEWTON):
        inside = torch.minimum(there.clamp(min=0), last)  # beyond the edge the last slope goes on
        there = inside + (wanted - other.positions(inside)) / spacing
    body = torch.from_numpy((one.volume.array > BODY_ABOVE).any(0)).float()
    full = avg_pool3d(body[None], CELL, CELL).flatten()
    ones = torch.cat([centres, torch.ones(len(centres), 1)], 1).double()
    whole = (ones @ _affine(ones, there.double(), full)).float()
    off = there - whole
    weight = (full * _trust(off, ASTRAY / spacing) + 1e-4).reshape(shape)
    spread = torch.stack([_calm(each * weight) for each in off.T.reshape(3, *shape)]) / _calm(weight).clamp(min=1e-6)
    return Displacement((whole - centres).T.reshape(3, *shape) + spread, CELL)


def _cells(shape: tuple[int, ...] | torch.Size) -> tuple[tuple[int, int, int], Tensor]:
    """How many cells fit into a grid, and their middles ``(N, 3)`` in its voxels."""
    d, h, w = (size // CELL for size in shape)
    return (d, h, w), CELL * grid_of((d, h, w)) + (CELL - 1) / 2


def _calm(array: Tensor) -> Tensor:
    """``(D, H, W)`` blurred; nothing lies beyond the edges."""
    return torch.from_numpy(gaussian_filter(array.numpy(), CALM / CELL, mode="constant", truncate=3.0))


def _affine(ones: Tensor, there: Tensor, body: Tensor) -> Tensor:
    """``(4, 3)`` the affine map that most of the body follows; float64, so that it is the same every time."""
    chosen = (body > 0.5).nonzero()[:, 0]
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


def _coarse(one: Tensor, other: Tensor, start: Displacement) -> Displacement:
    """The best of whole cells around, neighbours alike."""
    there = start(grid_of(one.shape[1:]))
    known = within(there, 0.0, torch.tensor(other.shape[1:], dtype=torch.float32) - 1)
    moved = torch.cat([sampled(other, there), known], 1).T.reshape(-1, *one.shape[1:])
    a, b = (avg_pool3d(each[None], CELL, CELL)[0] for each in (one, moved))
    shape, steps = a.shape[1:], torch.tensor(list(itertools.product(range(-REACH, REACH + 1), repeat=3)))
    beyond = pad(b[None], (REACH,) * 6, mode="replicate")[0]
    # A step out of the scan costs as much as none: free, it would draw everything outside.
    still, begun = ((a - b[:-1]) ** 2).sum(0), b[-1]
    cost = torch.empty(len(steps), *shape)
    for number, step in enumerate(steps.tolist()):
        r, f, s = (slice(REACH + n, REACH + n + size) for n, size in zip(step, shape, strict=True))
        apart = (a - beyond[:-1, r, f, s]).square_().sum(0)
        cost[number] = begun * torch.lerp(still, apart, beyond[-1, r, f, s])
    flat = box_mean_(cost).flatten(1).T.contiguous()
    choices = steps.float()
    chosen = _mean_choice(flat, choices, shape)
    for coupling in COUPLING:
        held = torch.addmm(coupling * choices.square().sum(1), chosen.flatten(1).T, choices.T, alpha=-2 * coupling)
        chosen = _mean_choice(held.add_(flat), choices, shape)
    centres = _cells(one.shape[1:])[1]
    reached = start(centres + CELL * chosen.flatten(1).T)
    return Displacement((reached - centres).T.reshape(3, *shape), CELL)


def _mean_choice(cost: Tensor, choices: Tensor, shape: torch.Size) -> Tensor:
    """``(3, d, h, w)`` the cheapest choice of every cell, blurred; ``cost`` is ``(d * h * w, choices)``."""
    best = torch.from_numpy(cost.numpy().argmin(1))  # in a third of torch's time
    return box_mean_(choices[best].T.reshape(3, *shape).contiguous())
