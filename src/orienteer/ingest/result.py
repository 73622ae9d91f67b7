"""What an ingest did, as a value."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orienteer.errors import StoreError
from orienteer.scans.findings import Finding
from orienteer.scans.layouts.layout import DatasetSummary
from orienteer.scans.source import Skipped
from orienteer.store.manifest import Manifest
from orienteer.units import counted as counted
from orienteer.units import some as some

MOST_NAMED = 50
"""Scans that a note on splits names: whoever reads it has to look them up."""


@dataclass(frozen=True)
class IngestResult:
    """What an ingest did, by the names of the user's files, not by pseudonyms; only the manifest is on disk.

    Attributes:
        store: the folder.
        manifest: what it holds now.
        added: scans read for the first time.
        updated: scans read again because their file, labels or the method changed.
        kept: scans left as they were.
        removed: stored scans whose file is no longer there; taken out only when ``pruned``.
        pruned: whether the removed were taken out.
        failed: scans left out, each with findings of which at least one is an error.
        quarantined: those of the failed that were left out before, are as they were, and were not read again.
        skipped: files and folders that are no scans.
        layouts: what the folder was recognised as.
        findings: what is worth knowing about scans that were read.
        notes: what is worth knowing about the table, the labels and the store.
        questions: which scans may be of one person.
        answer: how to answer them.
        table: of subjects, found beside the scans and not used.
        seconds: wall-clock time.
        bytes: of all arrays in the store.
    """

    store: Path
    manifest: Manifest
    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    pruned: bool = False
    failed: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    quarantined: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    layouts: tuple[DatasetSummary, ...] = ()
    findings: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    answer: str = ""
    table: Path | None = None
    seconds: float = 0.0
    bytes: int = 0

    @property
    def labelled(self) -> int:
        """Scans of the store that have labels."""
        return sum(self.manifest.scans.column("labelled"))

    @property
    def splits(self) -> dict[str, tuple[int, int]]:
        """Scans and subjects of each split."""
        split_of, people = (self.manifest.scans.column(name) for name in ("split", "person"))
        scans = Counter(split_of)
        subjects = Counter(split for split, _ in set(zip(split_of, people, strict=True)))
        return {split: (scans[split], subjects[split]) for split in sorted(scans)}


def nothing_usable(failed: Mapping[str, Sequence[Finding]]) -> StoreError:
    """The error when no scan is left, with the first causes."""
    causes = [f"{name}: {f.message}" for name, found in failed.items() for f in found if f.level == "error"]
    more = f" (and {len(causes) - 3} more)" if len(causes) > 3 else ""
    return StoreError(
        f"no scan could be used; {'; '.join(causes[:3])}{more}",
        cure="`orienteer check SCANS` names every cause and its cure",
    )
