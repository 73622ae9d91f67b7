"""Placements: how the K views of a sample lie relative to each other. One function each, and a registry.

Places are drawn in the frame the network sees and then mapped into the scan, so a grid stays a grid when the scan is
turned. Every view draws from a counted stream of its own.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from orienteer.errors import ConfigError
from orienteer.sampling.region import Places, Room
from orienteer.sampling.settings import ViewSettings

Name = Literal["free", "overlapping", "grid", "neighbours"]
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
        place: ``(room, settings, streams)`` to ``(K, 3)`` centres in voxels; None where they do not fit turned.
        refuse: raises ConfigError when a scan of that shape cannot hold the views even unturned.
    """

    place: Callable[[Room, ViewSettings, Streams], Places | None]
    refuse: Callable[[str, tuple[int, int, int], ViewSettings], None]


def free(room: Room, settings: ViewSettings, streams: Streams) -> Places | None:
    """Each view by itself, uniformly over the scan."""
    low, high = room.centre_range()
    if (low > high).any():
        return None
    return np.stack([_anywhere(room, streams(view), low, high) for view in range(settings.count)])


def overlapping(room: Room, settings: ViewSettings, streams: Streams) -> Places | None:
    """The first view anywhere, the others so near that every two of them share the asked-for part of their volume."""
    low, high = room.centre_range()
    if (low > high).any():
        return None
    share, size = settings.overlapping.share, room.size
    inverse = np.linalg.inv(room.linear)
    # Two cubes shifted along one axis only may be this far apart.
    reach = np.abs(room.linear) @ np.full(3, np.floor((1 - share) * size))
    placed = [_anywhere(room, streams(0), low, high)]

    def candidates(random: np.random.Generator) -> Iterator[Places]:
        first, around = placed[0], np.stack(placed)
        nearest, farthest = np.maximum(low, first - reach), np.minimum(high, first + reach)
        if room.is_aligned:  # stay on the first view's voxels
            nearest, farthest = first + np.ceil(nearest - first), first + np.floor(farthest - first)
        for _ in range(TRIES):
            centre = room.between(random, nearest, farthest)
            if (overlap((around - centre) @ inverse.T, size) >= share).all():
                yield centre
        yield first  # all the others overlap it enough

    for view in range(1, settings.count):
        chosen = room.on_body(candidates(streams(view)))
        assert chosen is not None
        placed.append(chosen)
    return np.stack(placed)


def grid(room: Room, settings: ViewSettings, streams: Streams) -> Places | None:
    """Random crops inside a cube first, the 2 x 2 x 2 contiguous base crops that fill the cube after them."""
    size = room.size
    low, high = room.centre_range(2 * size)
    if (low > high).any():
        return None
    randoms = settings.count - len(BASE)
    layouts = BASE * size @ room.linear.T
    # The streams of the random crops are their own; the grid's is the first base crop's.
    stream = streams(randoms)
    base = room.on_body(room.between(stream, low, high) + layouts for _ in range(TRIES))
    assert base is not None
    cube = base.mean(axis=0)

    def inside(random: np.random.Generator) -> Iterator[Places]:
        for _ in range(TRIES):
            steps = random.integers(0, size + 1, size=3) if room.is_aligned else random.random(3) * size
            yield cube + room.linear @ (steps - size / 2)

    crops = [room.on_body(inside(streams(view))) for view in range(randoms)]
    return np.stack([*(crop for crop in crops if crop is not None), *base])


def neighbours(room: Room, settings: ViewSettings, streams: Streams) -> Places | None:
    """A centre, then neighbours in distinct directions of the 3 x 3 x 3 grid around it, those that fit in the scan."""
    low, high = room.centre_range()
    if (low > high).any():
        return None
    pitch, jitter, wanted = room.size + settings.neighbours.gap, settings.neighbours.jitter, settings.count - 1
    steps = pitch * DIRECTIONS @ room.linear.T
    slack = np.abs(room.linear) @ np.full(3, float(jitter))
    random = [streams(view) for view in range(settings.count)]

    def candidates() -> Iterator[Places]:
        for last in [False] * TRIES + [room.is_aligned]:
            centre = _roomiest(room, random[0], low, high, settings) if last else room.between(random[0], low, high)
            around = centre + steps
            fits = np.flatnonzero(((around - slack >= low - 1e-9) & (around + slack <= high + 1e-9)).all(axis=1))
            if len(fits) < wanted:
                continue
            order = random[0].permutation(fits)
            # Directions with body come first; among them, as among the others, every one is equally likely.
            order = order[np.argsort([room.body(around[n]) < room.min_foreground for n in order], kind="stable")]
            moved = [_jitter(room, random[view + 1], jitter) for view in range(wanted)]
            yield np.stack([centre, *(around[n] + shift for n, shift in zip(order, moved, strict=False))])

    return room.on_body(candidates())


def overlap(shifts: NDArray[np.float64], size: float) -> NDArray[np.float64]:
    """Share of its volume that a cube of edge ``size`` has in common with its copies, ``(..., 3)`` shifts away."""
    shared: NDArray[np.float64] = np.prod(np.clip(1 - np.abs(shifts) / size, 0, None), axis=-1)
    return shared


def _anywhere(room: Room, random: np.random.Generator, low: Places, high: Places) -> Places:
    place = room.on_body(room.between(random, low, high) for _ in range(TRIES))
    assert place is not None
    return place


def _jitter(room: Room, random: np.random.Generator, most: int) -> Places:
    shift = random.integers(-most, most + 1, size=3) if room.is_aligned else random.uniform(-most, most, size=3)
    return np.asarray(room.linear @ shift, dtype=np.float64)


def _roomiest(room: Room, random: np.random.Generator, low: Places, high: Places, settings: ViewSettings) -> Places:
    """A centre around which as many neighbours fit as the scan allows: along each axis both, one, or none."""
    pitch, jitter = settings.size + settings.neighbours.gap, settings.neighbours.jitter
    below, above = low + jitter, high - jitter  # neighbours beside the centre are moved along every axis
    for axis, cells in enumerate(_cells_along(room.shape, settings)):
        lower = cells == 3 or (cells == 2 and random.random() < 0.5)
        upper = cells == 3 or (cells == 2 and not lower)
        below[axis] += pitch * lower
        above[axis] -= pitch * upper
    return room.between(random, below, np.maximum(below, above))


def _cells_along(shape: tuple[int, int, int], settings: ViewSettings) -> list[int]:
    """How many cells of the 3 x 3 x 3 grid fit along each axis of an unturned scan, 0 to 3."""
    pitch, jitter = settings.size + settings.neighbours.gap, settings.neighbours.jitter
    spare = np.array(shape) - settings.size - 2 * jitter
    return [int(min(3, 1 + room // pitch)) if room >= 0 else 0 for room in spare]


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
    "free": Placement(free, _needs_one),
    "overlapping": Placement(overlapping, _needs_one),
    "grid": Placement(grid, _needs_grid),
    "neighbours": Placement(neighbours, _needs_neighbours),
}
