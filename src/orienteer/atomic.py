"""Atomic writing: to a temporary file in the same folder, then fsync and rename."""

import errno
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from orienteer.errors import OrienteerError

T = TypeVar("T")

PART = ".part"
"""Extension of temporary files, whose names begin with a dot."""
OWNER = 0o600
"""Mode of files that name files or people, which may be patients: only the owner reads them."""

SHOWN = 40
"""Characters of a file's name in that of its temporary file, which must not be too long where the file's is not."""


def write_with(path: Path, write: Callable[[Path], None], *, mode: int = 0o644) -> None:
    """Let ``write`` fill a temporary file in the same folder, flush it to disk, then rename it to ``path``.

    Raises:
        OrienteerError: the disk is full, read-only or fails; the earlier file at ``path`` is unchanged.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:SHOWN]}.", suffix=PART)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _refused("write", path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write ``data`` atomically."""
    write_with(path, lambda part: _fill(part, data), mode=mode)


def write_text(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write ``text`` as UTF-8, atomically."""
    write_bytes(path, text.encode(), mode=mode)


def write_json(path: Path, value: Any, *, mode: int = 0o644) -> None:
    """Write ``value`` as indented JSON, atomically and piece by piece: its text is never held as a whole.

    Raises:
        ValueError: NaN or infinity, which are not JSON.
        OrienteerError: as ``write_with``.
    """

    def fill(part: Path) -> None:
        with part.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(json.JSONEncoder(indent=2, allow_nan=False).iterencode(value))
            stream.write("\n")

    write_with(path, fill, mode=mode)


class MadeOneByOne(list):
    """A list for ``write_json`` whose values are made when they are written.

    Args:
        make: one value of what it is given.
        given: what the values are made of.
    """

    def __init__(self, make: Callable[[T], Any], given: Sequence[T]) -> None:
        super().__init__()
        self._make, self._given = make, given

    def __iter__(self) -> Iterator[Any]:
        return map(self._make, self._given)

    def __len__(self) -> int:
        return len(self._given)


def make_folder(folder: Path) -> None:
    """Make a folder and those that it lies in, where they are not there yet.

    Raises:
        OrienteerError: a file is in the way, or the place is closed or full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused("make", folder, error) from None


def refuse_place(path: Path) -> None:
    """Refuse, before long work, a place below a file or in a closed folder, where its result could not be written.

    Raises:
        OrienteerError: as ``write_with`` would at the end.
    """
    folder = next(parent for parent in path.absolute().parents if os.path.exists(parent))  # noqa: PTH110 (never raises)
    if not folder.is_dir():
        raise _refused("write", path, NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refused("write", path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def is_leftover(path: Path) -> bool:
    """Whether ``path`` is a temporary file, perhaps left by a killed process."""
    return path.name.startswith(".") and path.name.endswith(PART)


def sweep(folder: Path) -> None:
    """Delete temporary files that killed processes left in ``folder``; no other process may be writing there."""
    if folder.is_dir():
        for path in folder.iterdir():
            if is_leftover(path) and path.is_file():
                path.unlink(missing_ok=True)


def _refused(what: str, path: Path, error: OSError) -> OrienteerError:
    return OrienteerError(f"cannot {what} {path}: {error.strerror or error}", cure=_cure(path, error))


def _cure(path: Path, error: OSError) -> str:
    if isinstance(error, IsADirectoryError) and path.is_dir():
        return f"{path} is a folder; name a file"
    if isinstance(error, FileExistsError | NotADirectoryError):
        for folder in (path, *path.parents):
            if folder.is_file():
                return f"{folder} is a file; name a folder"
    if isinstance(error, PermissionError):
        return "choose a folder you may write to"
    return "free some space or choose a writable folder"


def _fill(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _sync_folder(folder: Path) -> None:
    # The rename must reach the disk as well; not every system can open a folder for that.
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
