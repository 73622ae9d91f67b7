"""Whether a store's arrays still hold what was written: their length at once, their voxels by reading them."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from orienteer.errors import StoreError
from orienteer.folders import ARRAYS
from orienteer.store.arrays import digest, open_array
from orienteer.store.manifest import Kind, ScanEntry


@dataclass(frozen=True)
class Damage:
    """One array that is not what was written.

    Attributes:
        kind: ``image``, ``labels`` or ``foreground``.
        path: its file.
        message: what is wrong.
    """

    kind: Kind
    path: Path
    message: str


@lru_cache(maxsize=4096)
def array_path(store: Path, content: str, kind: str) -> Path:
    """Files are named by what they hold, so new voxels never overwrite those a manifest still speaks of."""
    return store / ARRAYS / content[:20] / f"{kind}.b2nd"


def intact(store: Path, entry: ScanEntry) -> bool:
    """Whether all arrays are there in their full length; ``damaged_arrays`` compares their voxels."""
    for kind, written in entry.arrays.items():
        path = array_path(store, entry.content, kind)
        if not path.is_file() or path.stat().st_size != written.bytes:
            return False
    return True


def damaged_arrays(store: Path, entries: Iterable[ScanEntry]) -> Iterator[tuple[ScanEntry, Damage]]:
    """Read every array and compare it with its checksum, a few at a time."""
    work = [(entry, kind) for entry in entries for kind in entry.arrays]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for (entry, kind), message in zip(work, pool.map(lambda job: _wrong(store, *job), work), strict=True):
            if message:
                yield entry, Damage(kind, array_path(store, entry.content, kind), message)


def _wrong(store: Path, entry: ScanEntry, kind: Kind) -> str:
    path, written = array_path(store, entry.content, kind), entry.arrays[kind]
    try:
        array = open_array(path, written.bytes)
        # Before anything is allocated: a damaged header may speak of terabytes.
        most = (entry.channels, *entry.shape)
        if len(array.shape) != 4 or any(n > limit for n, limit in zip(array.shape, most, strict=True)):
            return f"{path} is damaged: its shape {array.shape} is not the manifest's"
        return "" if digest(array[...]) == written.sha256 else f"{path} does not hold what was ingested"
    except StoreError as error:
        return error.message
    except Exception as error:  # blosc2 raises RuntimeError, ValueError or its own, by what is damaged
        return f"{path} is damaged: {error}"
