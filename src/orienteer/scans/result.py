"""All that a check found, as one frozen value."""

from dataclasses import dataclass
from pathlib import Path

from orienteer.scans.layouts.layout import DatasetSummary
from orienteer.scans.people import Question
from orienteer.scans.schema import RecordedEstimate, RecordedTraining
from orienteer.scans.source import ScanInfo, Skipped


@dataclass(frozen=True, eq=False)
class CheckResult:
    """All that a check found.

    Attributes:
        root: the folder that was searched.
        scans: in the order of their paths, usable or not.
        skipped: files and folders that are no scans of their own.
        estimate: of an ingest; None when nothing is usable.
        seconds: what the check took.
        layouts: what the folder was recognised as.
        notes: what is worth knowing of labels.
        questions: usable scans that may be of one person.
        table: of subjects, found beside the scans.
        people: the table to fill in that was written.
        training: what a pretraining would be like; None where no step was timed.
        why: the reason for the proposed spacing; empty where it was given.
    """

    root: Path
    scans: tuple[ScanInfo, ...]
    skipped: tuple[Skipped, ...]
    estimate: RecordedEstimate | None
    seconds: float
    layouts: tuple[DatasetSummary, ...] = ()
    notes: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    table: Path | None = None
    people: Path | None = None
    training: RecordedTraining | None = None
    why: str = ""

    @property
    def usable(self) -> tuple[ScanInfo, ...]:
        """The scans an ingest would store."""
        return tuple(scan for scan in self.scans if scan.usable)

    @property
    def labelled(self) -> int:
        """How many of these have labels that an ingest would store."""
        return sum(scan.labelled for scan in self.usable)
