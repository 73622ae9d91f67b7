"""A folder of answers about scans: what was asked, and what is known of every scan so far.

Each answer is a line in a journal beside the record, so that a kill costs only the scan in work and ten thousand scans
cost no more each than ten; the same question goes on where it ended. The record is written whole at the end.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
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
from orienteer.store.lock import only_one

T = TypeVar("T")
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
    def claim(
        cls,
        folder: Path,
        kind: Folder,
        asked: Mapping[str, Any],
        about: Mapping[str, Any],
        *,
        table: str,
        overwrite: bool,
    ) -> Self:
        """Go on with what this question left in a folder, or begin.

        Args:
            folder: of the answers; files of others in it are never touched.
            kind: whose marker is the record.
            asked: what is asked.
            about: what else to write.
            table: name of the table that will be written beside the record.
            overwrite: replace answers to another question.

        Raises:
            RunError: answers to another question, or a file of that name, are in the way.
            OrienteerError: the disk refuses.
        """
        answers = cls(folder / kind.marker, json.loads(json.dumps(asked)), about)
        before = _read(answers.path, answers.journal)
        if not answers.path.exists() and (folder / table).exists():
            raise RunError(f"{folder / table} is in the way", cure="name another folder")
        if before.get("asked") == answers.asked and not overwrite:
            answers.scans = dict(before["scans"])
            _delete(folder, before["writing"])
        elif overwrite or not answers.path.exists():
            make_folder(folder)
            named = [name for answer in before.get("scans", {}).values() for name in answer["files"]]
            _delete(folder, [*named, *before.get("writing", ()), table] if before else ())
            answers.journal.remove()
        else:
            raise RunError(
                f"{folder} holds answers to another question", cure="add --overwrite, or name another folder"
            )
        answers.write()
        return answers

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
        self.journal.append({"writing": self.writing})
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
        what: tuple[str, str],
        shown: bool,
    ) -> None:
        """Answer every scan that was not; one that cannot be read is left out and the others go on.

        Args:
            sources: the scans.
            read: reads one, in a thread, while the one before it is answered.
            one: a scan's id and what was read to what is known of it; it asks for its ``targets`` before it writes.
            what: the command, and what it is doing, for the progress bar.
            shown: whether there is one.

        Raises:
            StoreError: another process answers into this folder.
        """
        self.named = named_apart(sources)
        with only_one(self.path.parent, what[0]), Bar(what[1], len(self.named), shown=shown) as bar:
            try:
                for name, source, reading in self._ahead(read):
                    self._answer(name, source, reading, one)
                    bar.advance(name)
            finally:
                self.write()

    def _ahead(self, read: Callable[[Source], T]) -> Iterator[tuple[str, Source, "Future[T | None]"]]:
        """Every scan, and what is being read of it; None of one that was answered before."""
        with ThreadPoolExecutor(1) as pool:
            waiting: list[tuple[str, Source, Future[T | None]]] = []
            for name, source in self.named.items():
                waiting.append((name, source, pool.submit(self._unless_kept, name, source, read)))
                if len(waiting) > 1:
                    yield waiting.pop(0)
            yield from waiting

    def _unless_kept(self, name: str, source: Source, read: Callable[[Source], T]) -> T | None:
        return None if self._is_kept(name, source) else read(source)

    def _answer(self, name: str, source: Source, reading: "Future[T | None]", one: Callable[[str, T], Answer]) -> None:
        try:
            if (scan := reading.result()) is None:
                return
            answer = one(name, scan)
            self.scans[name] = {"stamp": stamp_of(source), "files": self.writing, **answer}
            self.journal.append({"scan": name, "answer": self.scans[name]})
        except (ScanError, OSError, RuntimeError, MemoryError) as error:
            self.left_out[name] = reason(source, error)
            _delete(self.path.parent, self.writing)
        self.writing = []

    def _is_kept(self, name: str, source: Source) -> bool:
        """Whether an earlier call answered this scan.

        Raises:
            ScanError: it answered another scan of that name.
        """
        answer = self.scans.get(name)
        if answer is None or not all((self.path.parent / file).exists() for file in answer["files"]):
            return False
        if answer["stamp"] != stamp_of(source):
            raise ScanError(
                f"another scan with the id {name} was answered in {self.path.parent}",
                code="duplicate-id",
                cure="name another folder, or add --overwrite",
            )
        return True

    @property
    def warnings(self) -> dict[str, tuple[Finding, ...]]:
        """Id to what is odd about the scan."""
        return {name: tuple(Finding(**each) for each in of["warnings"]) for name, of in self.scans.items()}

    def write(self) -> None:
        """Write the record; the journal says no more than it then.

        Raises:
            OrienteerError: the disk refuses.
        """
        table = {"v": 1, **self.about, "asked": self.asked, "scans": self.scans, "writing": self.writing}
        table["left_out"] = {name: error.message for name, error in self.left_out.items()}
        write_json(self.path, table)
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
        name = source.id if source.id.casefold() not in taken else source.relative.replace("/", "_")
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


def _read(path: Path, journal: Journal) -> dict[str, Any]:
    """The record that is there, and what happened since; empty where none can be read."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        scans = record["scans"]
        for line in journal.read():
            record["writing"] = line.get("writing", [])
            scans |= {line["scan"]: line["answer"]} if "scan" in line else {}
        whole = isinstance(record["writing"], list) and all({"stamp", "files"} <= s.keys() for s in scans.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return record if whole else {}


def _delete(folder: Path, names: Iterable[object]) -> None:
    """Delete files of an earlier answer: beside a new one they would be taken for its own."""
    for name in names:
        path = folder / str(name)
        if path.resolve().is_relative_to(folder.resolve()):
            path.unlink(missing_ok=True)
