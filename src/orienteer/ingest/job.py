"""What travels to a process that prepares one scan, and what comes back."""

from dataclasses import dataclass
from pathlib import Path

from orienteer.scans.findings import Finding
from orienteer.scans.source import Source
from orienteer.store.manifest import Names, Parameters, ScanEntry
from orienteer.store.sources import SourceRecord


@dataclass(frozen=True)
class Job:
    """One scan to prepare; travels to the worker."""

    source: Source
    parameters: Parameters
    min_extent: float | None
    store: Path
    id: str
    """What the scan is called in the store."""
    names: Names


@dataclass(frozen=True)
class Outcome:
    """What became of a job; travels back. Person and split are still empty: they depend on the other scans.

    Attributes:
        id: the scan's, as its files are called.
        entry: None when the scan was left out.
        record: what it was made from, or what could not be used; None where the files could not be read.
        findings: why it was left out, or what is worth knowing.
        stop: the disk refused; no other scan would fare better.
    """

    id: str
    entry: ScanEntry | None = None
    record: SourceRecord | None = None
    findings: tuple[Finding, ...] = ()
    stop: tuple[str, str] | None = None
