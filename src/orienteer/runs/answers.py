"""A folder of answers about scans: what was asked, and what is known of every scan so far.

Each answer is a line in a journal beside the record, so that a kill costs only the scan in work and ten thousand scans
cost no more each than ten; the same question goes on where it ended. The record is written whole at the end.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np

from orienteer.atomic import make_folder, write_json
from orienteer.console import Bar
from orienteer.errors import RunError, ScanError
from orienteer.folders import Folder
from orienteer.geometry import Volume
from orienteer.journal import Journal
from orienteer.memory import ran_out
from orienteer.scans.findings import Finding
from orienteer.scans.source import Source
from orienteer.scans.stamp import stamp_of
from orienteer.seal import SEAL, seal_of, sealed, unsealed
from orienteer.store.lock import only_one

T = TypeVar("T")

METHOD = 3
"""Counted up whenever the same question would get other answers, so that old ones are not taken for new."""
Answer = dict[str, Any]
"""What is known of one scan, as JSON: ``warnings``, and what the command says of it."""


@dataclass
class Answers:
    """The record of a folder of answers.

    Attributes:
        path: the record.
        asked: what was asked, in figures alone; two questions that differ must differ here.
        about: what else to write of it.
        scans: id to answer.
        left_out: id to what was wrong with the scan, in this call.
        writing: names of files that the scan in work may have written.
        named: id to the files of all scans that were asked about in this call.
    """

    path: Path
    asked: Mapping[str, Any]
    about: Mapping[str, Any]
    scans: dict[str, Answer] = field(default_factory=dict)
    left_out: dict[str, ScanError] = field(default_factory=dict)
    writing: list[str] = field(default_factory=list)
    named: dict[str, Source] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def claimed(
        cls,
        folder: Path,
        kind: Folder,
        asked: Mapping[str, Any],
        about: Mapping[str, Any],
        *,
        command: str,
        table: str,
        overwrite: bool,
    ) -> Iterator[Self]:
        """Go on with what this question left in a folder, or begin; until the end no other process answers into it.

        Args:
            folder: of the answers; files of others in it are never touched.
            kind: whose marker is the record.
            asked: what is asked.
            about: what else to write.
            command: that asks.
            table: name of the table that will be written beside the record.
            overwrite: replace answers to another question.

        Raises:
            RunError: answers to another question, a damaged record, or a file of somebody else's, are in the way.
            StoreError: another process answers into this folder.
            OrienteerError: the disk refuses.
        """
        make_folder(folder)
        with only_one(folder, command):
            answers = cls(folder / kind.marker, json.loads(json.dumps({"method": METHOD, **asked})), about)
            answers._take_over(table, overwrite=overwrite)
            yield answers

    def _take_over(self, table: str, *, overwrite: bool) -> None:
        folder = self.path.parent
        before = self._before()
        taken = next((path for path in (folder / table, self.journal.path) if path.exists()), None)
        if not self.path.exists() and taken is not None:
            raise RunError(f"{taken} is in the way", cure="name another folder")
        if self.path.exists() and before is None:
            raise RunError(f"{self.path} is damaged, or was edited", cure="name another folder; nothing was changed")
        if before is not None and before.asked == self.asked and not overwrite:
            self.scans = before.scans
            _delete(folder, before.writing)
        elif before is not None and overwrite:
            named = [name for answer in before.scans.values() for name in answer["files"]]
            _delete(folder, [*named, *before.writing, table])
            self.journal.remove()
        elif before is not None:
            raise RunError(
                f"{folder} holds answers to another question: of another run, exemplar, place or setting",
                cure="add --overwrite, or name another folder",
            )
        self.write()

    def _before(self) -> "Answers | None":
        """What an earlier call left; None where there is no record, or none that can be believed."""
        try:
            record = json.loads(self.path.read_text(encoding="utf-8"))
            if SEAL not in record:
                return None
            record = unsealed(record)
            before = Answers(self.path, record["asked"], {}, dict(record["scans"]), writing=record["writing"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        for line in self.journal.read():
            if line.get("of") != before._question:
                continue
            before.writing = line.get("writing", [])
            before.scans |= {line["scan"]: line["answer"]} if "scan" in line else {}
        return before

    @property
    def _question(self) -> str:
        """A digest of what is asked, in each line of the journal: a line of another question is not believed."""
        return seal_of({"asked": self.asked})

    @property
    def answered(self) -> dict[str, Answer]:
        """What is known, by id in order: of earlier calls, too, but of no scan that was left out in this one."""
        return {name: self.scans[name] for name in sorted(self.scans) if name not in self.left_out}

    @property
    def journal(self) -> Journal:
        """What became of scans since the record was written."""
        return Journal(self.path.with_suffix(".journal"))

    def targets(self, *names: str) -> list[Path]:
        """All files that the scan in work will write; told in the record first, so that a kill leaves none unknown.

        Raises:
            ScanError: somebody else's file of one of these names is there.
        """
        paths = [self.path.parent / name for name in names]
        if taken := self._foreign(names):
            raise ScanError(f"{taken} {self._unknown}", code="duplicate-id", cure="name another folder")
        self.writing = list(names)
        self.journal.append({"of": self._question, "writing": self.writing})
        return paths

    def refuse(self, names: Iterable[str]) -> None:
        """Refuse, before long work, files in the way that this record does not know.

        Raises:
            RunError: it names one.
        """
        if taken := self._foreign(names):
            raise RunError(f"{taken} {self._unknown}", cure="move it away, or name another folder")

    @property
    def _unknown(self) -> str:
        return f"is in the way, and {self.path.name} does not say what it is of"

    def _foreign(self, names: Iterable[str]) -> Path | None:
        own = {file for answer in self.scans.values() for file in answer["files"]}
        paths = (self.path.parent / name for name in names if name not in own)
        return next((path for path in paths if path.exists()), None)

    def collect(
        self,
        sources: Iterable[Source],
        read: Callable[[Source], T],
        one: Callable[[str, T], Answer],
        *,
        what: str,
        shown: bool,
    ) -> None:
        """Answer every scan that was not; one that cannot be read is left out and the others go on.

        Args:
            sources: the scans.
            read: reads one, in a thread, while the one before it is answered.
            one: a scan's id and what was read to what is known of it; it asks for its ``targets`` before it writes.
            what: for the progress bar.
            shown: whether there is one.
        """
        self.named = named_apart(sources)
        with Bar(what, len(self.named), shown=shown) as bar:
            try:
                for name, source, reading in self._ahead(read):
                    self._answer(name, source, reading, one)
                    bar.advance(name)
            finally:
                self.write()

    def _ahead(self, read: Callable[[Source], T]) -> Iterator[tuple[str, Source, "Future[tuple[str, T] | None]"]]:
        """Every scan, and its stamp and what is being read of it; None of one that was answered before."""
        with ThreadPoolExecutor(1) as pool:
            waiting: list[tuple[str, Source, Future[tuple[str, T] | None]]] = []
            for name, source in self.named.items():
                waiting.append((name, source, pool.submit(self._unless_kept, name, source, read)))
                if len(waiting) > 1:
                    yield waiting.pop(0)
            yield from waiting

    def _unless_kept(self, name: str, source: Source, read: Callable[[Source], T]) -> tuple[str, T] | None:
        stamp = stamp_of(source)
        return None if self._is_kept(name, stamp) else (stamp, read(source))

    def _answer(
        self, name: str, source: Source, reading: "Future[tuple[str, T] | None]", one: Callable[[str, T], Answer]
    ) -> None:
        try:
            if (found := reading.result()) is None:
                return
            stamp, scan = found
            answer = one(name, scan)
            if stamp_of(source) != stamp:
                raise ScanError(
                    f"{source.relative}: it changed while it was read", code="unreadable", cure="run the command again"
                )
            self.scans[name] = {"stamp": stamp, "files": self.writing, **answer}
            self.journal.append({"of": self._question, "scan": name, "answer": self.scans[name]})
        except (ScanError, OSError, RuntimeError, MemoryError) as error:
            self.left_out[name] = reason(source, error)
            _delete(self.path.parent, self.writing)
        self.writing = []

    def _is_kept(self, name: str, stamp: str) -> bool:
        """Whether an earlier call answered this scan.

        Raises:
            ScanError: it answered another scan of that name.
        """
        answer = self.scans.get(name) if stamp else None  # without a stamp it cannot be read
        if answer is None or not all(_holds_something(self.path.parent / file) for file in answer["files"]):
            return False
        if answer["stamp"] != stamp:
            raise ScanError(
                f"another scan with the id {name} was answered in {self.path.parent}",
                code="duplicate-id",
                cure="name another folder, or add --overwrite",
            )
        return True

    @property
    def warnings(self) -> dict[str, tuple[Finding, ...]]:
        """Id to what is odd about the scan."""
        return {name: tuple(Finding(**each) for each in of["warnings"]) for name, of in self.answered.items()}

    def write(self) -> None:
        """Write the record; the journal says no more than it then.

        Raises:
            OrienteerError: the disk refuses.
        """
        table = {"v": 1, **self.about, "asked": self.asked, "scans": self.scans, "writing": self.writing}
        table["left_out"] = {name: error.message for name, error in self.left_out.items()}
        write_json(self.path, sealed(table))
        self.journal.remove()


def fingerprint(volume: Volume) -> str:
    """SHA-256 of voxels and of where they lie; two scans of the same voxels in other places differ."""
    place = f"{volume.array.dtype} {volume.array.shape} {np.round(volume.affine, 4).tolist()}"
    return hashlib.sha256(place.encode() + volume.array.tobytes()).hexdigest()


def named_apart(sources: Iterable[Source]) -> dict[str, Source]:
    """Scans by id; the second of one id by its path."""
    named: dict[str, Source] = {}
    taken: set[str] = set()
    for source in sources:
        other = source.relative.replace("/", "_")
        names = chain((source.id, other), (f"{other}_{number}" for number in count(2)))
        name = next(each for each in names if each.casefold() not in taken)
        taken.add(name.casefold())
        named[name] = source
    return named


def reason(source: Source, error: Exception) -> ScanError:
    """What is wrong with one scan.

    Raises:
        Exception: the error itself, where it is not about the scan.
    """
    if isinstance(error, ScanError):
        return error
    if ran_out(error):
        return ScanError(f"{source.relative}: does not fit into memory", code="out-of-memory", cure="close programs")
    if isinstance(error, OSError):
        return ScanError(f"{source.relative}: cannot be read: {error.strerror}", code="unreadable", cure="look at it")
    raise error


def _holds_something(file: Path) -> bool:
    """Whether a file is there and not empty, as a copy that failed leaves it."""
    return file.exists() and file.stat().st_size > 0


def _delete(folder: Path, names: Iterable[object]) -> None:
    """Delete files of an earlier answer: beside a new one they would be taken for its own."""
    for name in names:
        path = folder / str(name)
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            path.unlink(missing_ok=True)
