"""Which step of a preparation is wrong: the prepared phantom of a user, held against ours.

The phantom looks different everywhere, so the answer is found by trying: of all ways to turn and mirror the axes and to
order the channels, the one in which the two agree best; then how the grids differ, by how many voxels they are apart,
and how the values are scaled. Each wrong step is named, in the order in which it has to be mended.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, zoom

from orienteer.export.axes import OWN, turned
from orienteer.export.contract import Contract

Array = NDArray[np.float32]

CLOSE = 1e-3
"""Largest mean difference of a right preparation, in half-widths of the intensity window, as all below."""
SHARP = 0.995
"""Correlation of values on one grid below which they were interpolated in another way."""
CUT = 8
"""Voxels at one extreme value, where ours go beyond it, from which they were cut off there."""
EXACT, RESAMPLED, SMOOTHED = 0.02, 0.05, 0.25
"""How far a scale may be from ours: on one grid, on a grid of another spacing, and interpolated in another way."""
LIKE = 0.9
"""Correlation above which two arrays show the same thing in the same pose."""
CODES = "RL", "AP", "SI"
PERCENTILES = 5.0, 2.0, 1.0, 0.5
"""Lower ones of those that whole images are often scaled by; cut off at one, values hold for all the smaller ones."""
MOVES = 4
"""Largest shift that is looked for, voxels."""
KNOWN = 0.5
"""Share of the voxels that two arrays must have in common to be held against each other."""


@dataclass(frozen=True)
class Fault:
    """A wrong step.

    Attributes:
        step: ``shape``, ``channels``, ``axes``, ``spacing``, ``crop``, ``intensities`` or ``interpolation``.
        message: what is there, and what should be.
    """

    step: str
    message: str


def diagnose(theirs: NDArray, ours: Array, contract: Contract) -> list[Fault]:
    """The wrong steps of a preparation of the phantom, in the order in which they are to be mended; none if right.

    Args:
        theirs: what the user's preparation made.
        ours: ``(C, D, H, W)`` as the contract says it, along its axes.
        contract: of the network.
    """
    if theirs.ndim != 4 or theirs.shape[0] != ours.shape[0] or theirs.size == 0:
        wanted = f"(C, D, H, W) with C = {ours.shape[0]}"
        return [Fault("shape", f"an array of shape {theirs.shape}, the contract says {wanted}")]
    with np.errstate(over="ignore"):
        mine = theirs.astype(np.float32)
    if not np.isfinite(mine).all():
        return [Fault("intensities", "values that are not finite")]
    for channel, values in enumerate(mine):
        if values.min() == values.max():
            named = f"channel {channel}: " if len(mine) > 1 else ""
            return [Fault("intensities", f"{named}every voxel is {values.flat[0] + 0:g}, nothing of the scan is left")]
    ours = turned(ours, axes=OWN, of=contract.grid.axes)
    faults: list[Fault] = []
    order, pose = _pose(mine, ours)
    if order != tuple(range(len(order))):
        wanted = _named(tuple(range(len(order))), contract)
        faults.append(Fault("channels", f"channels in the order {_named(order, contract)}, the contract says {wanted}"))
    axes = "".join(CODES[axis][flipped] for axis, flipped in pose)
    if axes != contract.grid.axes:
        faults.append(Fault("axes", f"axes grow towards {axes}, the contract says {contract.grid.axes}"))
    upright = _upright(mine, order, pose)
    scale = np.array(upright.shape[1:]) / np.array(ours.shape[1:])
    wrong = np.abs(np.array(upright.shape[1:]) - np.array(ours.shape[1:])) > 2 * MOVES
    if not wrong.any() and not np.allclose(scale, 1):
        wrong = _stretched(upright, ours, scale)
    if wrong.any():
        found = " x ".join(f"{contract.grid.spacing_mm / one:.3g}" for one in scale)
        faults.append(Fault("spacing", f"voxels of {found} mm, the contract says {contract.grid.spacing_mm:g} mm"))
        upright = np.stack([zoom(each, 1 / scale, order=1, grid_mode=True, mode="nearest") for each in upright])
    shape = upright.shape[1:]
    moved, upright = _moved(upright, ours)
    if any(moved):
        told = ", ".join(f"{n:+d} along {code[0]}" for n, code in zip(moved, CODES, strict=True) if n)
        faults.append(Fault("crop", f"cropped or padded: everything is shifted, in voxels {told}"))
    elif not wrong.any() and shape != ours.shape[1:]:
        faults.append(Fault("crop", f"a grid of {shape} voxels, the contract makes {ours.shape[1:]}"))
    return faults + _intensities(upright, ours, contract, words=_scaling(mine), smoothed=bool(wrong.any()))


def _pose(theirs: Array, ours: Array) -> tuple[tuple[int, ...], tuple[tuple[int, bool], ...]]:
    """The order of channels, and for each axis of ``theirs`` which of ours it is and whether it is mirrored.

    Either the same field of view in other voxels, or the same voxels of a cropped or padded one.
    """
    edge = 24
    step = max(1, min(ours.shape[1:]) // edge)
    small, coarse = _cube(ours, edge), ours[:, ::step, ::step, ::step]
    best, found = -2.0, None
    candidates = _cube(theirs, edge), theirs[:, ::step, ::step, ::step]
    for axes in itertools.permutations(range(3)):
        for flips in itertools.product((False, True), repeat=3):
            whole, voxels = (_posed(image, axes, flips) for image in (small, coarse))
            pairs = [(candidates[0], whole), *_together(candidates[1], voxels)]
            table = np.max([[[_correlation(a, b) for b in right] for a in left] for left, right in pairs], axis=0)
            for order in itertools.permutations(range(len(table))):
                score = float(np.mean([table[n, channel] for n, channel in enumerate(order)]))
                if score > best + 1e-6:
                    best, found = score, (order, tuple(zip(axes, flips, strict=True)))
    assert found is not None
    return found


def _posed(image: Array, axes: tuple[int, ...], flips: tuple[bool, ...]) -> Array:
    """An image with its axes in another order, some mirrored."""
    turned = np.transpose(image, (0, *(1 + axis for axis in axes)))
    return np.flip(turned, tuple(1 + n for n, flipped in enumerate(flips) if flipped))


def _together(theirs: Array, ours: Array) -> Iterator[tuple[Array, Array]]:
    """What two grids of other sizes share where their middles lie together, or their ends along each axis."""
    if theirs.shape == ours.shape:
        return
    for shares in ((0.5, 0.5, 0.5), *itertools.product((0.0, 1.0), repeat=3)):
        low = [round(n * (b - a)) for n, a, b in zip(shares, theirs.shape[1:], ours.shape[1:], strict=True)]
        into, out = _overlap(theirs.shape, ours.shape, low, [0, 0, 0])
        if ours[into].size >= KNOWN * ours.size:
            yield theirs[out], ours[into]


def _upright(theirs: Array, order: tuple[int, ...], pose: tuple[tuple[int, bool], ...]) -> Array:
    """``theirs`` with its channels and axes as ours."""
    mirrored = np.flip(theirs, tuple(1 + n for n, (_, flipped) in enumerate(pose) if flipped))
    axes = np.argsort([axis for axis, _ in pose])
    turned = np.transpose(mirrored, (0, *(1 + axis for axis in axes)))
    return np.ascontiguousarray(turned[np.argsort(order)])


def _stretched(theirs: Array, ours: Array, scale: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether grids of nearly the same size show the whole field of view in other voxels, rather than a crop of it."""
    zoomed = np.stack([zoom(each, 1 / scale, order=1, grid_mode=True, mode="nearest") for each in theirs])
    return np.full(3, _alike(zoomed, ours) > max(_alike(_moved(theirs, ours)[1], ours), LIKE))


def _moved(theirs: Array, ours: Array) -> tuple[tuple[int, ...], Array]:
    """How many voxels ``theirs`` lies away from ours along R, A, S, and ``theirs`` on our grid."""
    low = [(b - a) // 2 for a, b in zip(theirs.shape[1:], ours.shape[1:], strict=True)]
    best, moved = -2.0, [0, 0, 0]
    for move in map(list, itertools.product(range(-MOVES, MOVES + 1), repeat=3)):
        into, out = _overlap(theirs.shape, ours.shape, low, move)
        there, here = theirs[out], ours[into]
        known = here.size >= KNOWN * ours.size
        score = (_correlation(there, here) if known else -1.0) - 1e-5 * sum(map(abs, move))
        if score > best:
            best, moved = score, move
    placed = np.full(ours.shape, np.nan, dtype=np.float32)
    into, out = _overlap(theirs.shape, ours.shape, low, moved)
    placed[into] = theirs[out]
    if theirs.shape == ours.shape:
        return tuple(-n for n in moved), placed
    return tuple(-n - a for a, n in zip(low, moved, strict=True)), placed


def _overlap(
    theirs: tuple[int, ...], ours: tuple[int, ...], low: list[int], move: list[int]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """What two grids share, in ours and in theirs, whose first voxel lies at ``low + move`` of ours."""
    starts = [a + n for a, n in zip(low, move, strict=True)]
    into = [
        slice(max(0, n), max(0, min(size, n + own))) for n, size, own in zip(starts, ours[1:], theirs[1:], strict=True)
    ]
    out = [slice(part.start - n, part.stop - n) for part, n in zip(into, starts, strict=True)]
    return (slice(None), *into), (slice(None), *out)


def _intensities(theirs: Array, ours: Array, contract: Contract, *, words: str, smoothed: bool) -> list[Fault]:
    """What is wrong with values on one grid; ``smoothed`` where another spacing, told already, has changed them."""
    convention, known = contract.parameters.convention, np.isfinite(theirs)
    mine_low, mine_high = theirs[known].min(), theirs[known].max()
    there, here = (convention.to_window(values[known]) for values in (theirs, ours))
    apart = float(np.abs(there - here).mean())
    inner = np.abs(here) < 0.98
    slope, offset = np.polyfit(here[inner], there[inner], 1)
    sharp = _alike(there[inner], here[inner]) > SHARP
    tolerance = SMOOTHED if not sharp else RESAMPLED if smoothed else EXACT
    if abs(slope - 1) < tolerance and abs(offset) < tolerance:
        least, most = contract.intensities.limits
        top = float(np.abs(there).max())
        if top > 1.02 * float(np.abs(here).max()):
            return [Fault("intensities", f"values are not cut off, the contract says at {least:g} and {most:g}")]
        above = np.abs(there[np.abs(here) > 1.05 * top])
        if above.size >= CUT and float(np.median(above)) > 0.999 * top:
            low, high = float(mine_low), float(mine_high)
            told = f"values are cut off at {low:.3g} and {high:.3g}, the contract says at {least:g} and {most:g}"
            return [Fault("intensities", told)]
        if apart <= CLOSE or smoothed:
            return []
        told = f"values differ by {apart:.3f} on average: another interpolation, or another window"
        return [Fault("interpolation", told)]
    offset = convention.factor * offset + convention.shift * (1 - slope)
    told = f"{words}: value = {slope:.3g} x ours {offset:+.3g}, the contract says {convention.words}"
    return [Fault("intensities", told)]


def _scaling(values: NDArray[np.float32]) -> str:
    """What a scale of values looks like."""
    low, high, mean, deviation = float(values.min()), float(values.max()), float(values.mean()), float(values.std())
    body = values[values > low]
    for what, average, spread in (
        ("the whole image", mean, deviation),
        ("what is not lowest", body.mean(), body.std()),
    ):
        if abs(average) < 0.05 and abs(spread - 1) < 0.05:
            return f"scaled to mean 0 and deviation 1 of {what} (z-score)"
    for percent in PERCENTILES:
        ends = np.percentile(values, (percent, 100 - percent))
        if np.ptp(ends) > 0 and any(np.allclose(ends, wanted, atol=0.02) for wanted in ((-1, 1), (0, 1))):
            told = f"percentiles {percent:g} and {100 - percent:g} of the whole image"
            return f"scaled so that {told} are {ends[0]:.0f} and 1"
    if low >= -0.01 and 0.5 < high <= 1.01:
        return "scaled to 0 ... 1"
    if high > 20:
        return f"not scaled, {low:.0f} to {high:.0f}"
    return f"scaled to {low:.2g} ... {high:.2g}"


def _cube(image: Array, edge: int) -> Array:
    """Each channel over the same field of view in ``edge`` cells along every axis."""
    lines = [np.linspace(0, n - 1, edge) for n in image.shape[1:]]
    places = np.stack(np.meshgrid(*lines, indexing="ij"))
    return np.stack([map_coordinates(each, places, order=1) for each in image])


def _alike(one: NDArray, other: NDArray) -> float:
    """Correlation of two arrays where both are known, whatever its sign; -1 where one is constant or little known."""
    known = np.isfinite(one) & np.isfinite(other)
    return _correlation(one[known], other[known]) if known.sum() >= KNOWN * known.size else -1.0


def _correlation(one: NDArray, other: NDArray) -> float:
    """Correlation of two arrays of finite values, whatever its sign; -1 where one is constant."""
    a, b = (one - one.mean()).ravel(), (other - other.mean()).ravel()
    size = float(np.sqrt(a.dot(a) * b.dot(b)))
    return abs(float(a.dot(b))) / size if size > 0 else -1.0


def _named(order: tuple[int, ...], contract: Contract) -> str:
    names = contract.input.channel_names or tuple(map(str, range(len(order))))
    return ", ".join(names[n] for n in order)
