"""Stores that views are cut from."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from orienteer.store import Store
from orienteer.store.manifest import FOREGROUND_CELL, Intensity, Manifest, Parameters, ScanEntry
from orienteer.testing.phantom import phantom_store, store_of

LANDMARK = np.array([20.0, 23.0, 21.0])
"""Voxel of the bright blob in the scan of ``landmark_store``."""


@dataclass(frozen=True)
class MemoryStore(Store):
    """A store of arrays in memory: as quick as Hypothesis needs it, with the real bounds check."""

    arrays: tuple[NDArray[np.int16], ...] = ()
    occupied: tuple[NDArray[np.bool_], ...] = ()

    def _box(self, kind: str, entry: ScanEntry, low, size) -> NDArray:
        number = self.ids().index(entry.id)
        if kind == "foreground":
            return self.occupied[number][None]
        full = np.array(entry.shape)
        first = np.zeros(3, int) if low is None else np.asarray(low)
        count = full - first if size is None else np.broadcast_to(size, (3,))
        assert (first >= 0).all() and (count >= 1).all() and (first + count <= full).all(), "reads outside the scan"
        return self.arrays[number][(slice(None), *map(slice, first, first + count))]


@pytest.fixture(scope="session")
def memory_store() -> Callable[..., MemoryStore]:
    """Makes a store of one array per scan, stored values -1000 to 1000 meaning -1 to 1; all of it body by default."""

    def make(
        *arrays: NDArray,
        spacing: float = 2.0,
        occupied: NDArray[np.bool_] | None = None,
        channels: bool = False,
        cell: int = FOREGROUND_CELL,
    ) -> MemoryStore:
        arrays = tuple(array if channels else array[None] for array in arrays)
        window = Intensity(slope=1.0, intercept=0.0, low=-1000.0, high=1000.0)
        entries = [
            ScanEntry(
                id=f"scan_{number}",
                person=f"person_{number}",
                split="train",
                channels=len(array),
                shape=array.shape[1:],
                spacing=spacing,
                affine=tuple(map(tuple, np.diag([spacing, spacing, spacing, 1.0]).tolist())),
                intensity=(window,) * len(array),
                foreground_low=(0, 0, 0),
                foreground_high=array.shape[1:],
                content=str(number),
            )
            for number, array in enumerate(arrays)
        ]
        cells = [np.ones([-(-n // cell) for n in array.shape[1:]], bool) for array in arrays]
        return MemoryStore(
            Path("memory"),
            Manifest.of(entries, Parameters(spacing=spacing, foreground_cell=cell), "kept"),
            arrays=arrays,
            occupied=tuple(cells) if occupied is None else (occupied,),
        )

    return make


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Eight phantoms in a real store; nobody may change it."""
    return Store.open(phantom_store(tmp_path_factory.mktemp("views")))


@pytest.fixture(scope="session")
def landmark_store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One dull body with one bright blob at ``LANDMARK``, 3 mm, in a real store."""
    shape = (42, 46, 44)
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    blob = np.exp(-(((grid - LANDMARK) / 1.2) ** 2).sum(-1) / 2)
    body = (np.abs(grid - (np.array(shape) - 1) / 2) < np.array(shape) / 2 - 2).all(-1)
    # A darker end of the body widens the intensity window, so that little of the blob is clipped.
    tissue = np.where(grid[..., 2] > 36, 400, 600 + 250 * blob)
    array = np.where(body, tissue, 0).astype(np.int16)
    return Store.open(store_of(tmp_path_factory.mktemp("landmark"), {"landmark": array}, spacing=3.0))
