"""One writer at a time on a folder: one ingest on a store, one benchmark on its cells."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from orienteer.errors import StoreError


def lock_name(what: str) -> str:
    """File name of a lock."""
    return f".{what}.lock"


@contextmanager
def only_one(folder: Path, what: str, *, stays: bool = True) -> Iterator[None]:
    """Hold the lock of a folder for ``what``, e.g. ``ingest``.

    The system drops it with the process, so a killed one leaves none behind.

    Args:
        folder: what is written to.
        what: by which command.
        stays: leave the lock's empty file there, in a folder that is Orienteer's own.

    Raises:
        StoreError: another process holds it, or the folder cannot be written.
    """
    lock = FileLock(folder / lock_name(what), mode=0o644)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(f"another {what} is writing to {folder}", cure="wait for it to end, or stop it") from None
    except OSError as error:
        raise StoreError(
            f"cannot write to {folder}: {error.strerror or os.strerror(error.errno or 0)}",
            cure="choose a folder you may write to, on a disk with space left",
        ) from None
    try:
        yield
    finally:
        if not stays:
            with suppress(OSError):
                Path(lock.lock_file).unlink()
        lock.release()
