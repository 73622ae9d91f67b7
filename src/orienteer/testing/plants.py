"""Stores with a known fault that the verdict must find."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from orienteer.store import Store
from orienteer.store.store import Triple

SHELL = 2
"""Voxels of a box's border that carry the planted code."""


@dataclass(frozen=True)
class ShuffledStore(Store):
    """Every scan's voxels are shuffled once: nothing is left to learn."""

    def read(self, scan_id: str, low: Triple | None = None, size: int | Triple | None = None) -> NDArray[np.int16]:
        """A box of the shuffled scan."""
        return _box(_shuffled(self.path, self.entry(scan_id).content, scan_id), low, size)


@lru_cache(maxsize=64)
def _shuffled(store: Path, content: str, scan_id: str) -> NDArray[np.int16]:
    whole = Store.open(store).read(scan_id)
    flat = np.random.default_rng(int(content[:8], 16)).permutation(whole.reshape(whole.shape[0], -1), axis=1)
    return flat.reshape(whole.shape)


@dataclass(frozen=True)
class PlantedStore(Store):
    """The border of every box encodes its position, as a faulty crop or padding might.

    The inside is unchanged. Each pair of opposite faces holds the box's position along their axis as a grey value, from
    the window's floor at one end of the scan to its top at the other.
    """

    shell: ClassVar[int] = SHELL

    def read(self, scan_id: str, low: Triple | None = None, size: int | Triple | None = None) -> NDArray[np.int16]:
        """A box of the scan with a coded border."""
        box = np.array(Store.read(self, scan_id, low, size))
        entry = self.entry(scan_id)
        window = entry.intensity[0]
        first = np.zeros(3) if low is None else np.asarray(low, dtype=float)
        room = np.maximum(np.array(entry.shape) - np.array(box.shape[1:]), 1)
        grey = window.low + first / room * (window.high - window.low)
        stored = np.rint((grey - window.intercept) / window.slope).astype(np.int16)
        for axis in range(3):
            for face in (slice(0, self.shell), slice(-self.shell, None)):
                where: list[slice] = [slice(None)] * 4
                where[axis + 1] = face
                box[tuple(where)] = stored[axis]
        return box


@dataclass(frozen=True)
class ThinlyPlantedStore(PlantedStore):
    """The code is one voxel thin."""

    shell: ClassVar[int] = 1


@dataclass(frozen=True)
class ShadedStore(Store):
    """No anatomy, only shading: noise that gets brighter from back to front and coarser from foot to head."""

    def read(self, scan_id: str, low: Triple | None = None, size: int | Triple | None = None) -> NDArray[np.int16]:
        """A box of the shaded noise."""
        return _box(_shaded(self.path, self.entry(scan_id).content, scan_id), low, size)


@lru_cache(maxsize=64)
def _shaded(store: Path, content: str, scan_id: str) -> NDArray[np.int16]:
    entry = Store.open(store).entry(scan_id)
    window = entry.intensity[0]
    noise = np.random.default_rng(int(content[:8], 16)).standard_normal((entry.channels, *entry.shape))
    shade = np.linspace(0.1, 0.9, entry.shape[1])[None, None, :, None] + noise * np.linspace(0.01, 0.2, entry.shape[2])
    grey = window.low + np.clip(shade, 0, 1) * (window.high - window.low)
    return np.rint((grey - window.intercept) / window.slope).astype(np.int16)


@dataclass(frozen=True)
class MisplacedStore(Store):
    """Every box is cut somewhere else than was asked: there is anatomy, but it tells nothing about the place."""

    def read(self, scan_id: str, low: Triple | None = None, size: int | Triple | None = None) -> NDArray[np.int16]:
        """A box of the asked size from anywhere."""
        if low is None or size is None:
            return super().read(scan_id, low, size)
        entry, wanted = self.entry(scan_id), np.broadcast_to(np.asarray(size), (3,))
        random = np.random.default_rng([int(entry.content[:8], 16), *np.asarray(low).tolist()])
        return super().read(scan_id, random.integers(0, np.array(entry.shape) - wanted + 1), wanted)


@dataclass(frozen=True)
class LeakingStore(Store):
    """Of everybody who was scanned twice, one visit is trained on and the other is kept apart under another name."""

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """The second visits are the validation scans, the first ones are learned from too."""
        if split not in ("train", "val"):
            return super().ids(split)
        visits: dict[str, list[str]] = {}
        for scan in super().ids():
            visits.setdefault(self.entry(scan).person, []).append(scan)
        twice = [scans for scans in visits.values() if len(scans) > 1]
        apart = {second for _, second, *_ in twice}
        learned = {*super().ids("train"), *(first for first, *_ in twice)}
        return tuple(scan for scan in super().ids() if scan in (apart if split == "val" else learned - apart))

    def column(self, name: str, ids: Sequence[str]) -> list[Any]:
        """Every scan is said to be of a subject of its own, and second visits to be kept apart."""
        if name == "person":
            return list(ids)
        if name == "split":
            apart = set(self.ids("val"))
            return ["val" if scan in apart else "train" for scan in ids]
        return super().column(name, ids)


def _box(whole: NDArray[np.int16], low: Triple | None, size: int | Triple | None) -> NDArray[np.int16]:
    first = np.zeros(3, dtype=int) if low is None else np.asarray(low)
    count = np.array(whole.shape[1:]) - first if size is None else np.broadcast_to(np.asarray(size), (3,))
    region = tuple(slice(int(a), int(a + n)) for a, n in zip(first, count, strict=True))
    return whole[(slice(None), *region)]
