"""One ingest at a time on a store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from orienteer.errors import StoreError

LOCK = ".ingest.lock"


@contextmanager
def only_one(store: Path) -> Iterator[None]:
    """Hold the store's lock. The system drops it with the process, so a killed ingest leaves none behind.

    Raises:
        StoreError: another process holds it, or the folder cannot be written.
    """
    lock = FileLock(store / LOCK, mode=0o644)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(f"another ingest is writing to {store}", cure="wait for it to end, or stop it") from None
    except OSError as error:
        raise StoreError(
            f"cannot write to {store}: {error.strerror or os.strerror(error.errno or 0)}",
            cure="choose a folder you may write to, on a disk with space left",
        ) from None
    try:
        yield
    finally:
        lock.release()
