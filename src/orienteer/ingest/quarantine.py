"""What an ingest left out, and why: the next run repeats it, and only reads what was corrected since."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from pathlib import Path

from pydantic import Field

from orienteer import __version__
from orienteer.atomic import write_json
from orienteer.config import Config
from orienteer.errors import OrienteerError
from orienteer.ingest.finished import Finished
from orienteer.scans.catalogue import Level
from orienteer.scans.findings import Finding
from orienteer.scans.source import Skipped, Source
from orienteer.store.manifest import Parameters
from orienteer.store.private import MODE
from orienteer.store.sources import SourceRecord

QUARANTINE = "quarantine.json"
BY_CHANCE = frozenset({"worker-died", "out-of-memory"})
"""Findings about the machine: the same file may do at the next try."""


class Told(Config):
    """A finding as it is written: private, because a cause may name a file."""

    code: str
    level: Level
    cause: str
    cure: str


class LeftOut(Config):
    """One scan that is not in the store, or no longer the file the store was made from."""

    findings: tuple[Told, ...]
    source: SourceRecord | None = None
    """The files as they were; None where they could not even be read, so that they are tried each time."""
    conditions: dict[str, str] = Field(default_factory=dict)
    """What the decision depends on besides the files: if one differs, the scan is read again."""

    @property
    def as_findings(self) -> tuple[Finding, ...]:
        """The findings as they were told first."""
        return tuple(Finding(f.code, f.level, f.cause, f.cure) for f in self.findings)

    def still(self, source: Source, conditions: Mapping[str, str]) -> bool:
        """Whether reading the files again would tell the same."""
        if self.source is None or self.conditions != dict(conditions):
            return False
        return self.source.again(source.paths, (), self.source.method) is not None


class Quarantine(Config):
    """``STORE/quarantine.json``."""

    schema_version: int = 1
    scans: dict[str, LeftOut] = Field(default_factory=dict)
    """By the name of the files."""
    skipped: dict[str, str] = Field(default_factory=dict)
    """Code of every file and folder that was skipped, by its path below the scans' folder."""


def left_out(findings: Iterable[Finding], record: SourceRecord | None, conditions: Mapping[str, str]) -> LeftOut:
    """An entry of the list.

    Args:
        findings: at least one of them is an error.
        record: the files that could not be used; None to try them again each time.
        conditions: what the decision depends on besides the files.
    """
    told = tuple(Told(code=f.code, level=f.level, cause=f.message, cure=f.cure) for f in findings)
    lasting = record if record and not BY_CHANCE & {f.code for f in told} else None
    # Labels come and go without making a bad scan better.
    source = lasting.model_copy(update={"labels": ()}) if lasting else None
    return LeftOut(findings=told, source=source, conditions=dict(conditions))


def conditions_of(source: Source, parameters: Parameters, min_extent: float | None) -> dict[str, str]:
    """Everything besides the files that decides whether a scan can be used."""
    apart = ("paths", "root", "labels", "subject", "split", "patient")
    reading = {field.name: repr(getattr(source, field.name)) for field in fields(source) if field.name not in apart}
    return {
        "orienteer": __version__,
        "parameters": parameters.model_dump_json(),
        "min_extent": str(min_extent),
        "reading": hashlib.sha256(json.dumps(reading).encode()).hexdigest(),
    }


def copy_conditions(kept: str, finished: Finished | None, table: str) -> dict[str, str]:
    """A copy is left out only for what it is a copy of, and while the table gives the two to two people."""
    return {"copy_of": kept, "content": finished.entry.content if finished else "", "table": table}


def read_quarantine(store: Path) -> Quarantine:
    """The list; an empty one where there is none, or a damaged one: that costs reading bad files once more."""
    path = store / QUARANTINE
    try:
        return Quarantine.build(json.loads(path.read_text(encoding="utf-8")), origin=str(path))
    except (OSError, ValueError, RecursionError, OrienteerError):
        return Quarantine()


def write_quarantine(store: Path, scans: Mapping[str, LeftOut], skipped: Collection[Skipped]) -> None:
    """Write the list, readable by the owner alone; with nothing to say there is no file.

    Raises:
        OrienteerError: the disk is full or refuses.
    """
    ordered = {name: scans[name] for name in sorted(scans)}
    if not ordered and not skipped:
        (store / QUARANTINE).unlink(missing_ok=True)
        return
    document = Quarantine(scans=ordered, skipped={skip.relative: skip.code for skip in skipped})
    write_json(store / QUARANTINE, document.model_dump(mode="json"), mode=MODE)
