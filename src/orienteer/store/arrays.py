"""Voxels on disk: chunked Blosc2 arrays, of which a small box can be read without the rest."""

import functools
import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orienteer.atomic import write_bytes
from orienteer.errors import StoreError

BLOCK = (16, 32, 32)
"""Voxels along a block's sides: what one random crop decompresses around itself."""
CHUNK = 64
"""Voxels along a chunk's side; sixteen blocks share one entry of the index."""

RECIPES = (b"LazyArray", b"proxy-source", b"b2o")
LONGEST_HEADER = 1 << 16

CURE = "run `orienteer ingest` again: it finds what is damaged and makes that anew"


def write_array(path: Path, array: NDArray) -> int:
    """Write ``array`` ``(C, D, H, W)`` atomically; returns the file's length, which the voxels alone decide.

    Raises:
        OrienteerError: the disk is full or refuses.
    """
    import blosc2

    chunks = (1, *(min(CHUNK, n) for n in array.shape[1:]))
    packed = blosc2.asarray(
        np.ascontiguousarray(array),
        chunks=chunks,
        blocks=(1, *map(min, BLOCK, chunks[1:])),
        # One thread: the bytes do not depend on the machine, and workers already use every core.
        cparams=blosc2.CParams(
            # As measured (docs/log.md): read in less than half the time of LZ4 with bits shuffled, and no larger.
            codec=blosc2.Codec.LZ4HC,
            clevel=5,
            filters=[blosc2.Filter.SHUFFLE],
            typesize=array.itemsize,
            nthreads=1,
        ),
    )
    data: bytes = packed.to_cframe()
    write_bytes(path, data)
    return len(data)


def read_box(path: Path, expected: int, low: NDArray, high: NDArray) -> NDArray:
    """``array[:, low:high]`` of the array at ``path``.

    Args:
        path: a file written by ``write_array``.
        expected: its length in bytes, from the manifest.
        low: ``(3,)`` first voxel.
        high: ``(3,)`` one past the last.

    Raises:
        StoreError: the file is missing, cut or damaged.
    """
    try:
        return _cut(path, _opened(str(path), expected, os.getpid(), threading.get_ident()), low, high)
    except StoreError:
        # The file may have been made anew since it was opened.
        _opened.cache_clear()
        return _cut(path, open_array(path, expected), low, high)


def _cut(path: Path, array: Any, low: NDArray, high: NDArray) -> NDArray:
    if len(array.shape) != 4 or any(high > array.shape[1:]):
        raise StoreError(f"{path} is damaged: its shape {array.shape} is not the manifest's", cure=CURE)
    try:
        box: NDArray = array[(slice(None), *map(slice, low, high))]
    except Exception as error:  # blosc2 raises RuntimeError, ValueError or its own, by what is damaged
        raise StoreError(f"{path} is damaged: {error}", cure=CURE) from None
    return box


def digest(array: NDArray) -> str:
    """SHA-256 of type, shape and voxels; independent of compression."""
    total = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def open_array(path: Path, expected: int) -> Any:
    """The array as blosc2 sees it, for reading only.

    Raises:
        StoreError: the file is missing, cut or damaged.
    """
    import blosc2  # here, as it takes 40 MB, which who only looks at a manifest does without

    try:
        size = path.stat().st_size
    except OSError as error:
        raise StoreError(f"cannot open {path}: {error.strerror}", cure=CURE) from None
    if size != expected:
        raise StoreError(f"{path} is damaged: {size:,} bytes where {expected:,} were written", cure=CURE)
    _refuse_recipes(path)
    try:
        return blosc2.open(str(path), mode="r", dparams=blosc2.DParams(nthreads=1))
    except Exception as error:
        raise StoreError(f"{path} is damaged: {error}", cure=CURE) from None


def _refuse_recipes(path: Path) -> None:
    """Blosc2 can store code instead of voxels, and some versions run it when the file is opened.

    Raises:
        StoreError: the file says it is such a recipe, or a reference to another file.
    """
    with path.open("rb") as stream:
        start = stream.read(LONGEST_HEADER)
    # A frame says its header's length, big-endian, from byte 11; names of what it holds stand within.
    header = start[: int.from_bytes(start[11:15])]
    if any(name in header for name in RECIPES):
        raise StoreError(f"{path} is no array of voxels", cure=f"find out where it came from; then {CURE}")


@functools.lru_cache(maxsize=512)
def _opened(path: str, expected: int, process: int, thread: int) -> Any:
    # Keyed by process and thread: a handle is never shared over a fork, nor read by two threads at once.
    return open_array(Path(path), expected)
