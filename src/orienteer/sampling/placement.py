"""Placements: how the K views of a sample lie relative to each other. One function each, and a registry.

Centres are drawn in the frame the network sees and then mapped into the scan, so a grid stays a grid when the scan is
turned. Every view draws from a counter-based stream of its own.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from orienteer.errors import ConfigError
from orienteer.sampling.region import Centres, Region
from orienteer.sampling.settings import ViewSettings

Name = Literal["free", "overlapping", "grid", "neighbours"]
Shapes = NDArray[np.int64]
"""``(N, 3)`` voxels."""
Streams = Callable[[int], np.random.Generator]
"""A fresh generator for each view of the sample."""

TRIES = 32
BASE: NDArray[np.float64] = np.array(list(itertools.product((-0.5, 0.5), repeat=3)))
"""``(8, 3)`` centres of the 2 x 2 x 2 base crops of a grid, in view edges from the grid's centre."""
DIRECTIONS: NDArray[np.float64] = np.array(
    [step for step in itertools.product((-1.0, 0.0, 1.0), repeat=3) if any(step)]
)
"""``(26, 3)`` steps from the centre of a 3 x 3 x 3 grid to its other cells."""


@dataclass(frozen=True)
class Placement:
    """One way of placing views.

    Attributes:
        draw: ``(region, settings, streams)`` to ``(K, 3)`` centres in voxels; None where they do not fit turned.
        check: raises ConfigError when a scan of that shape cannot hold the views even unturned.
        fits: whether scans of ``(N, 3)`` shapes can; of many at once what ``check`` says of one.
    """

    draw: Callable[[Region, ViewSettings, Streams], Centres | None]
    check: Callable[[str, tuple[int, int, int], ViewSettings], None]
    fits: Callable[[Shapes, ViewSettings], NDArray[np.bool_]]


def free(region: Region, settings: ViewSettings, streams: Streams) -> Centres | None:
    """Each view by itself, uniformly over the scan."""
    low, high = region.centre_range()
    if (low > high).any():
        return None
    return np.stack([_anywhere(region, streams(view), low, high) for view in range(settings.count)])


def overlapping(region: Region, settings: ViewSettings, streams: Streams) -> Centres | None:
    """The first view anywhere, the others so near that every two of them share the asked-for part of their volume."""
    low, high = region.centre_range()
    if (low > high).any():
        return None
    share, size = settings.overlapping.share, region.size
    inverse = np.linalg.inv(region.linear)
    # Two cubes shifted along one axis only may be this far apart.
    reach = np.abs(region.linear) @ np.full(3, np.floor((1 - share) * size))
    placed = [_anywhere(region, streams(0), low, high)]

    def candidates(random: np.random.Generator) -> Iterator[Centres]:
        first, around = placed[0], np.stack(placed)
        nearest, farthest = np.maximum(low, first - reach), np.minimum(high, first + reach)
        if region.is_aligned:  # stay on the first view's voxels
            nearest, farthest = first + np.ceil(nearest - first), first + np.floor(farthest - first)
        for _ in range(TRIES):
            centre = region.between(random, nearest, farthest)
            if (overlap((around - centre) @ inverse.T, size) >= share).all():
                yield centre
        yield first  # all the others overlap it enough

    for view in range(1, settings.count):
        chosen = region.on_body(candidates(streams(view)))
        assert chosen is not None
        placed.append(chosen)
    return np.stack(placed)


def grid(region: Region, settings: ViewSettings, streams: Streams) -> Centres | None:
    """Random crops inside a cube first, the 2 x 2 x 2 contiguous base crops that fill the cube after them."""
    size = region.size
    low, high = region.centre_range(2 * size)
    if (low > high).any():
        return None
    randoms = settings.count - len(BASE)
    layouts = BASE * size @ region.linear.T
    # The streams of the random crops are their own; the grid's is the first base crop's.
    stream = streams(randoms)
    base = region.on_body(region.between(stream, low, high) + layouts for _ in range(TRIES))
    assert base is not None
    cube = base.mean(axis=0)

    def inside(random: np.random.Generator) -> Iterator[Centres]:
        for _ in range(TRIES):
            steps = random.integers(0, size + 1, size=3) if region.is_aligned else random.random(3) * size
            yield cube + region.linear @ (steps - size / 2)

    crops = [region.on_body(inside(streams(view))) for view in range(randoms)]
    return np.stack([*(crop for crop in crops if crop is not None), *base])


def neighbours(region: Region, settings: ViewSettings, streams: Streams) -> Centres | None:
    """A centre, then neighbours in distinct directions of the 3 x 3 x 3 grid around it, those that fit in the scan."""
    low, high = region.centre_range()
    if (low > high).any():
        return None
    pitch, jitter, wanted = region.size + settings.neighbours.gap, settings.neighbours.jitter, settings.count - 1
    steps = pitch * DIRECTIONS @ region.linear.T
    slack = np.abs(region.linear) @ np.full(3, float(jitter))
    random = [streams(view) for view in range(settings.count)]

    def candidates() -> Iterator[Centres]:
        for last in [False] * TRIES + [region.is_aligned]:
            centre = (
                _most_open(region, random[0], low, high, settings) if last else region.between(random[0], low, high)
            )
            around = centre + steps
            fits = np.flatnonzero(((around - slack >= low - 1e-9) & (around + slack <= high + 1e-9)).all(axis=1))
            if len(fits) < wanted:
                continue
            order = random[0].permutation(fits)
            # Directions with body come first; among them, as among the others, every one is equally likely.
            order = order[np.argsort([region.body(around[n]) < region.min_foreground for n in order], kind="stable")]
            moved = [_jitter(region, random[view + 1], jitter) for view in range(wanted)]
            yield np.stack([centre, *(around[n] + shift for n, shift in zip(order, moved, strict=False))])

    return region.on_body(candidates())


def overlap(shifts: NDArray[np.float64], size: float) -> NDArray[np.float64]:
    """Share of its volume that a cube of edge ``size`` has in common with its copies, ``(..., 3)`` shifts away."""
    shared: NDArray[np.float64] = np.prod(np.clip(1 - np.abs(shifts) / size, 0, None), axis=-1)
    return shared


def _anywhere(region: Region, random: np.random.Generator, low: Centres, high: Centres) -> Centres:
    centre = region.on_body(region.between(random, low, high) for _ in range(TRIES))
    assert centre is not None
    return centre


def _jitter(region: Region, random: np.random.Generator, most: int) -> Centres:
    shift = random.integers(-most, most + 1, size=3) if region.is_aligned else random.uniform(-most, most, size=3)
    return np.asarray(region.linear @ shift, dtype=np.float64)


def _most_open(
    region: Region, random: np.random.Generator, low: Centres, high: Centres, settings: ViewSettings
) -> Centres:
    """A centre around which as many neighbours fit as the scan allows: along each axis both, one, or none."""
    pitch, jitter = settings.size + settings.neighbours.gap, settings.neighbours.jitter
    below, above = low + jitter, high - jitter  # neighbours beside the centre are moved along every axis
    for axis, cells in enumerate(_cells_along(region.shape, settings)):
        lower = cells == 3 or (cells == 2 and random.random() < 0.5)
        upper = cells == 3 or (cells == 2 and not lower)
        below[axis] += pitch * lower
        above[axis] -= pitch * upper
    return region.between(random, below, np.maximum(below, above))


def _cells_along(shape: tuple[int, int, int] | Shapes, settings: ViewSettings) -> NDArray[np.int64]:
    """How many cells of the 3 x 3 x 3 grid fit along each axis of an unturned scan, 0 to 3; of one or many."""
    pitch, jitter = settings.size + settings.neighbours.gap, settings.neighbours.jitter
    spare = np.asarray(shape) - settings.size - 2 * jitter
    return np.where(spare >= 0, np.minimum(3, 1 + spare // pitch), 0)


def _one_fits(shapes: Shapes, settings: ViewSettings) -> NDArray[np.bool_]:
    return np.asarray(shapes.min(axis=1) >= settings.size)


def _grid_fits(shapes: Shapes, settings: ViewSettings) -> NDArray[np.bool_]:
    return np.asarray((shapes.min(axis=1) >= 2 * settings.size) & (settings.count > len(BASE)))


def _neighbours_fit(shapes: Shapes, settings: ViewSettings) -> NDArray[np.bool_]:
    found = np.maximum(0, _cells_along(shapes, settings).prod(axis=1) - 1)
    return np.asarray(_one_fits(shapes, settings) & (found >= settings.count - 1))


def _needs_one(scan: str, shape: tuple[int, int, int], settings: ViewSettings) -> None:
    if min(shape) < settings.size:
        raise _too_small(scan, shape, f"a view of {settings.size}", "views.size")


def _needs_grid(scan: str, shape: tuple[int, int, int], settings: ViewSettings) -> None:
    if settings.count <= len(BASE):
        raise ConfigError(
            f"views.count={settings.count} leaves no random crop beside the {len(BASE)} base crops of a grid",
            cure=f"set views.count to {len(BASE)} plus the random crops, e.g. views.count={len(BASE) + 2}",
        )
    if min(shape) < 2 * settings.size:
        raise _too_small(
            scan, shape, f"a grid of 2 x 2 x 2 views of {settings.size}", f"views.size to {min(shape) // 2}"
        )


def _needs_neighbours(scan: str, shape: tuple[int, int, int], settings: ViewSettings) -> None:
    _needs_one(scan, shape, settings)
    gap, jitter = settings.neighbours.gap, settings.neighbours.jitter
    found, wanted = max(0, int(np.prod(_cells_along(shape, settings))) - 1), settings.count - 1
    if found < wanted:
        raise ConfigError(
            f"scan {scan} is {'x'.join(map(str, shape))} voxels: around a view of {settings.size} at most {found} "
            f"neighbours fit ({gap} voxels apart, give or take {jitter}), {wanted} are asked for",
            cure=f"lower views.size (16 or less for small scans), views.neighbours.gap, or views.count to {found + 1}",
        )


def _too_small(scan: str, shape: tuple[int, int, int], what: str, key: str) -> ConfigError:
    return ConfigError(
        f"scan {scan} is {'x'.join(map(str, shape))} voxels, too small for {what}",
        cure=f"lower {key}, or ingest at a finer --spacing",
    )


PLACEMENTS: dict[str, Placement] = {
    "free": Placement(free, _needs_one, _one_fits),
    "overlapping": Placement(overlapping, _needs_one, _one_fits),
    "grid": Placement(grid, _needs_grid, _grid_fits),
    "neighbours": Placement(neighbours, _needs_neighbours, _neighbours_fit),
}
