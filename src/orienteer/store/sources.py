"""Which files a store was made from: private, so that a second run does only what changed."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from pydantic import Field

from orienteer.atomic import write_json
from orienteer.config import Config
from orienteer.errors import OrienteerError, StoreError
from orienteer.store.manifest import ScanEntry
from orienteer.store.store import JOURNAL

SOURCES = "sources.json"
PRIVATE = 0o600
"""Paths may name patients; only the owner reads them."""


class FileStamp(Config):
    """One file as it was when it was read."""

    path: str
    size: int
    modified: int
    """ns"""
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """Stamp ``path`` by reading it once.

        Raises:
            OSError: the file cannot be read.
        """
        before = path.stat()
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        return cls(path=str(path.absolute()), size=before.st_size, modified=before.st_mtime_ns, sha256=content)

    def again(self, path: Path) -> "FileStamp | None":
        """The stamp of ``path`` now if it holds what was read, else None; read only where the time differs.

        Raises:
            OSError: the file cannot be read.
        """
        now = path.stat()
        if now.st_size != self.size:
            return None
        if now.st_mtime_ns == self.modified and str(path.absolute()) == self.path:
            return self
        stamp = FileStamp.of(path)
        return stamp if stamp.sha256 == self.sha256 else None


class SourceRecord(Config):
    """What one stored scan was made from."""

    files: tuple[FileStamp, ...]
    labels: tuple[FileStamp, ...] = ()
    method: int

    @classmethod
    def of(cls, files: Sequence[Path], labels: Sequence[Path], method: int) -> Self:
        """Stamp all files by reading them.

        Raises:
            OSError: one cannot be read.
        """
        stamps = (tuple(FileStamp.of(path) for path in paths) for paths in (files, labels))
        return cls(files=next(stamps), labels=next(stamps), method=method)

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
        return SourceRecord(files=now, labels=now_labels, method=method)

    def elsewhere(self, files: Sequence[Path]) -> bool:
        """Whether the scan was made from other files, which are all still there."""
        paths = [Path(stamp.path) for stamp in self.files]
        return not set(paths) & {path.absolute() for path in files} and all(path.exists() for path in paths)


class Journal:
    """Scans finished by an ingest that has not ended; what a killed run has done is not done twice.

    One line a scan, flushed to disk. A last line cut by the kill is ignored.
    """

    def __init__(self, store: Path) -> None:
        self.path = store / JOURNAL

    def read(self) -> dict[str, tuple[ScanEntry, SourceRecord]]:
        """Finished scans by id."""
        finished = {}
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return {}
        for line in lines:
            try:
                values = json.loads(line)
                entry = ScanEntry.build(values["entry"])
                finished[entry.id] = (entry, SourceRecord.build(values["source"]))
            except (ValueError, KeyError, TypeError, OrienteerError):
                continue
        return finished

    def append(self, entry: ScanEntry, record: SourceRecord) -> None:
        """Add one finished scan.

        Raises:
            StoreError: the disk is full or refuses.
        """
        line = json.dumps({"entry": entry.model_dump(mode="json"), "source": record.model_dump(mode="json")})
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE)
            with open(handle, "ab") as stream:  # noqa: PTH123  (a handle, for its mode)
                # The leading newline closes a line that a kill may have cut.
                stream.write(f"\n{line}\n".encode())
                stream.flush()
                os.fsync(handle)
        except OSError as error:
            raise StoreError(
                f"cannot write {self.path}: {error.strerror}",
                cure="free some space, then run the same ingest again",
            ) from None

    def remove(self) -> None:
        """The manifest now says it all."""
        self.path.unlink(missing_ok=True)


class _Sources(Config):
    scans: dict[str, SourceRecord] = Field(default_factory=dict)


def read_sources(store: Path) -> dict[str, SourceRecord]:
    """Records by scan id; empty where there is no file.

    Raises:
        StoreError: the file is damaged.
    """
    path = store / SOURCES
    try:
        return _Sources.build(json.loads(path.read_text(encoding="utf-8")), origin=str(path)).scans
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, OrienteerError):
        raise StoreError(f"{path} is damaged", cure="delete it; every scan is then read once more") from None


def write_sources(store: Path, records: Mapping[str, SourceRecord]) -> None:
    """Write all records, readable by the owner alone.

    Raises:
        OrienteerError: the disk is full or refuses.
    """
    scans = {scan_id: records[scan_id].model_dump(mode="json") for scan_id in sorted(records)}
    write_json(store / SOURCES, {"scans": scans}, mode=PRIVATE)


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
