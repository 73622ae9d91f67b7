"""Which files a scan was made from, as they were then: a second run reads only what changed."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from orienteer.config import Config
from orienteer.scans.stamp import data_files


class FileStamp(Config):
    """One file as it was when it was read, with the files beside it where it is a header alone."""

    path: str
    size: int
    """Bytes of all of them."""
    modified: int
    """Time of modification, ns; of several files a digest of which were modified when."""
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """Stamp ``path`` by reading it once.

        Raises:
            OSError: the file cannot be read.
        """
        files = (path, *data_files(path))
        size, modified = _size_and_time(files)
        contents = []
        for file in files:
            with file.open("rb") as stream:
                contents.append(hashlib.file_digest(stream, "sha256"))
        content = contents[0] if len(files) == 1 else hashlib.sha256(b"".join(each.digest() for each in contents))
        return cls(path=str(path.absolute()), size=size, modified=modified, sha256=content.hexdigest())

    def again(self, path: Path) -> "FileStamp | None":
        """The stamp of ``path`` now if it holds what was read, else None; read only where the time differs.

        Raises:
            OSError: the file cannot be read.
        """
        size, modified = _size_and_time((path, *data_files(path)))
        if size != self.size:
            return None
        if modified == self.modified and str(path.absolute()) == self.path:
            return self
        stamp = FileStamp.of(path)
        return stamp if stamp.sha256 == self.sha256 else None


class SourceRecord(Config):
    """What one stored scan was made from. Private: it may name a patient."""

    name: str = ""
    """What the scan's files are called: path below the folder of scans, without extension, `/` as `__`."""
    person: str = ""
    """Who the user's table says it shows, else the name."""
    files: tuple[FileStamp, ...]
    labels: tuple[FileStamp, ...] = ()
    ignored: tuple[int, ...] = ()
    """Label values that were read as voxels nobody has looked at."""
    labels_method: int = 1
    """Counted up whenever labels that were refused would now be taken."""
    reading: int = 1
    """How files of its format were read then; counted up by a format whose files give other voxels."""
    intensities: str = "window"
    """By which convention its windows were chosen, as ``--intensities`` takes it."""
    grid: str = ""
    """Digest of shape and affine, where these are this person's own."""
    method: int

    @classmethod
    def of(cls, files: Sequence[Path], labels: Sequence[Path], method: int, *, name: str = "") -> Self:
        """Stamp all files by reading them.

        Raises:
            OSError: one cannot be read.
        """
        stamps = (tuple(FileStamp.of(path) for path in paths) for paths in (files, labels))
        return cls(name=name, files=next(stamps), labels=next(stamps), method=method)

    def again(self, files: Sequence[Path], labels: Sequence[Path], method: int) -> "SourceRecord | None":
        """The record as of now if reading these files again would give the same voxels, else None."""
        if method != self.method:
            return None
        try:
            now, now_labels = _again(self.files, files), _again(self.labels, labels)
        except OSError:
            return None
        if now is None or now_labels is None:
            return None
        return self.model_copy(update={"files": now, "labels": now_labels})

    def elsewhere(self, files: Sequence[Path]) -> bool:
        """Whether the scan was made from other files, which are all still there."""
        paths = [Path(stamp.path) for stamp in self.files]
        return not set(paths) & {path.absolute() for path in files} and all(path.exists() for path in paths)


def _again(stamps: Sequence[FileStamp], paths: Sequence[Path]) -> tuple[FileStamp, ...] | None:
    if len(stamps) != len(paths):
        return None
    now = []
    for stamp, path in zip(stamps, paths, strict=True):
        current = stamp.again(path)
        if current is None:
            return None
        now.append(current)
    return tuple(now)


def _size_and_time(files: Sequence[Path]) -> tuple[int, int]:
    found = [file.stat() for file in files]
    size = sum(each.st_size for each in found)
    if len(found) == 1:
        return size, found[0].st_mtime_ns
    # Slices that exchanged their names are all as old as before.
    told = [(file.name, each.st_ino, each.st_mtime_ns) for file, each in zip(files, found, strict=True)]
    return size, int.from_bytes(hashlib.sha256(repr(told).encode()).digest()[:6])
