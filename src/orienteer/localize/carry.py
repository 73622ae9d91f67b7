"""The labels of one scan carried to another, and how far each structure can be trusted there."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from orienteer.geometry import Volume
from orienteer.geometry.resample import Grid
from orienteer.localize.correspond import Correspondence, Prepared, both_ways, one_thread_each
from orienteer.localize.interpolate import Corners
from orienteer.localize.reach import is_held, lies_in

CHUNK = 20_000
"""Voxels carried together."""
FOLLOWED = 1000
"""Voxels of a structure that are followed there and back, at most."""


@dataclass(frozen=True)
class Trust:
    """How far one structure can be trusted in one scan.

    Attributes:
        value: its label.
        voxels: that it has in the scan.
        returned: Dice of the structure in the exemplar and of what comes back there from the scan, over what the scan
            holds of it; 0 where it holds nothing.
        cycle_mm: how far from their start its voxels come back, mean.
    """

    value: int
    voxels: int
    returned: float
    cycle_mm: float

    @property
    def dice(self) -> float:
        """Dice to expect against a person's labels: the square of what returned, as measured (docs/log.md)."""
        return self.returned**2

    def to_json(self) -> dict[str, Any]:
        """Numbers, rounded."""
        return {
            "value": self.value,
            "voxels": self.voxels,
            "returned": round(self.returned, 4),
            "predicted_dice": round(self.dice, 4),
            "cycle_mm": round(self.cycle_mm, 2),
        }

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Self:
        """What ``to_json`` wrote."""
        return cls(table["value"], table["voxels"], table["returned"], table["cycle_mm"])


def carried(
    labels: Volume, exemplar: Prepared, scan: Prepared, grid: Grid, body: Volume
) -> tuple[NDArray[np.int16], list[Trust]]:
    """An exemplar's labels on a scan's own grid.

    Args:
        labels: ``(1, X, Y, Z)`` values of 0 and more, of the exemplar.
        exemplar: made ready by a model.
        scan: made ready by the same model.
        grid: of the scan, as its file has it.
        body: ``(1, D, H, W)``, True where the scan's body is; air has no counterpart in the exemplar, so nothing is
            labelled there.

    Returns:
        ``(X, Y, Z)`` values, and the trust of each structure that the exemplar has, in order of value.
    """
    there, back = both_ways(exemplar, scan)
    found = np.zeros(grid.shape, dtype=np.int16)
    part = _reach(scan, grid)
    view = found[part]
    start = np.array([each.start for each in part])

    def named(voxels: NDArray[np.int_]) -> tuple[NDArray[np.int16]]:
        index = np.stack(np.unravel_index(voxels, view.shape), axis=1)
        world = apply_affine(grid.affine, index + start)
        values = np.zeros(len(world), dtype=np.int16)
        inside = _is_in(body, world)
        values[inside] = values_at(labels, back(world[inside]))
        return (values,)

    view[:] = _in_parts(named, np.arange(view.size))[0].reshape(view.shape)
    return found, _trust(labels, Volume(found[None], grid.affine), scan.volume, there, back)


def _in_parts(function: Callable[[NDArray], tuple[NDArray, ...]], given: NDArray) -> tuple[NDArray, ...]:
    """What a function gives for each row, worked out in parts side by side."""
    parts = np.array_split(given, max(1, -(-len(given) // CHUNK)))
    with one_thread_each(), ThreadPoolExecutor(2) as pool:
        return tuple(np.concatenate(each) for each in zip(*pool.map(function, parts), strict=True))


def _reach(scan: Prepared, grid: Grid) -> tuple[slice, slice, slice]:
    """The part of a grid that holds the scan's body."""
    level = scan.levels[-1]
    corners = apply_affine(level.affine, np.array(list(np.ndindex(2, 2, 2))) * (np.array(level.shape) - 1.0))
    index = apply_affine(np.linalg.inv(grid.affine), corners)
    low = np.clip(np.floor(index.min(0)), 0, grid.shape).astype(int)
    high = np.clip(np.ceil(index.max(0)) + 1, 0, grid.shape).astype(int)
    r, a, s = (slice(int(first), int(last)) for first, last in zip(low, high, strict=True))
    return r, a, s


def _is_in(body: Volume, world: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the voxel of a body that is nearest to each world position ``(N, 3)`` is set; outside, not."""
    index = np.rint(apply_affine(np.linalg.inv(body.affine), world)).astype(int)
    held = ((index >= 0) & (index < body.shape)).all(1)
    held[held] = body.array[0][tuple(index[held].T)] > 0
    return np.asarray(held)


def values_at(labels: Volume, world: NDArray[np.float64]) -> NDArray[np.int16]:
    """Labels ``(1, X, Y, Z)`` at world positions ``(N, 3)``: of the eight voxels around, the value with most weight.

    Outside, 0.
    """
    index = apply_affine(np.linalg.inv(labels.affine), world)
    corners = Corners.around(torch.from_numpy(index).float(), labels.shape)
    around = labels.array.reshape(-1)[corners.rows.numpy()]
    found: NDArray[np.int16] = around[:, 0].astype(np.int16)
    mixed = np.flatnonzero((around != around[:, :1]).any(1))
    values, weights = around[mixed], corners.weights.numpy()[mixed]
    each = np.einsum("nij,nj->ni", values[:, :, None] == values[:, None, :], weights)
    found[mixed] = values[np.arange(len(mixed)), each.argmax(1)]
    return np.where(lies_in(world, labels), found, 0).astype(np.int16)


def _trust(labels: Volume, found: Volume, scan: Volume, there: Correspondence, back: Correspondence) -> list[Trust]:
    """Of every structure of the exemplar; voxels of others may come back as its own, and count against it."""
    own = labels.array[0]
    index = np.argwhere(own > 0)
    values = own[tuple(index.T)]
    count = np.bincount(values)
    some = _evenly(values, count)
    values, world = values[some], apply_affine(labels.affine, index[some])
    weight = (count / np.maximum(np.bincount(values), 1))[values]

    def followed(place: NDArray[np.float64]) -> tuple[NDArray, ...]:
        reached = there(place)
        away = np.linalg.norm(back(reached) - place, axis=1)
        return away, is_held(reached, away, scan), values_at(found, reached)

    away, held, again = _in_parts(followed, world)
    again = np.where(again < len(count), again, 0)

    def voxels(of: NDArray, which: NDArray[np.bool_]) -> NDArray:
        return np.bincount(of[which], weights=weight[which], minlength=len(count))

    same = voxels(values, held & (again == values))
    sizes = voxels(values, held) + voxels(again, held)
    far = np.bincount(values, weights=away * weight)
    size = np.bincount(found.array.reshape(-1), minlength=len(count))
    return [
        Trust(int(v), int(size[v]), float(2 * same[v] / max(1.0, sizes[v])), float(far[v] / count[v]))
        for v in np.flatnonzero(count)
    ]


def _evenly(values: NDArray[np.integer], count: NDArray[np.int_]) -> NDArray[np.int_]:
    """Which voxels to follow: of each structure every n-th, at most ``FOLLOWED``."""
    order = np.argsort(values, kind="stable")
    rank = np.arange(len(values)) - (np.cumsum(count) - count)[values[order]]
    chosen: NDArray[np.int_] = order[rank % -(-count // FOLLOWED)[values[order]] == 0]
    return chosen
