"""Stores with a known fault that the verdict must find."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

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
            for face in (slice(0, SHELL), slice(-SHELL, None)):
                where: list[slice] = [slice(None)] * 4
                where[axis + 1] = face
                box[tuple(where)] = stored[axis]
        return box


def _box(whole: NDArray[np.int16], low: Triple | None, size: int | Triple | None) -> NDArray[np.int16]:
    first = np.zeros(3, dtype=int) if low is None else np.asarray(low)
    count = np.array(whole.shape[1:]) - first if size is None else np.broadcast_to(np.asarray(size), (3,))
    region = tuple(slice(int(a), int(a + n)) for a, n in zip(first, count, strict=True))
    return whole[(slice(None), *region)]
