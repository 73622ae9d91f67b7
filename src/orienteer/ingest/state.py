"""One scan on its way through an ingest: each stage returns it with what it found out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self

from orienteer.ingest.existing import NOBODY, Existing, Stored, Subject
from orienteer.ingest.finished import Finished
from orienteer.ingest.options import IngestOptions
from orienteer.ingest.quarantine import LeftOut, left_out
from orienteer.ingest.table import Row, Table
from orienteer.scans.findings import Finding
from orienteer.scans.layouts.lay_out import LaidOut
from orienteer.scans.source import Source
from orienteer.store.manifest import Parameters
from orienteer.store.sources import SourceRecord

Status = Literal["found", "new", "changed", "unchanged", "left out", "quarantined", "copy", "gone", "lost"]
"""``found`` until it is planned; ``new`` and ``changed`` scans are read. ``quarantined``: left out by an earlier run
and the same since. ``copy``: left out because another scan has the same voxels. ``gone``: stored, but its file was not
found. ``lost``: gone, and its stored voxels are damaged.
"""


@dataclass(frozen=True)
class ScanState:
    """What is known of one scan, and what is to become of it.

    Attributes:
        name: what the user's files are called: path below the scans' folder without extension, ``/`` as ``__``.
        status: what has been decided so far.
        source: from ``find``: its files and those of its labels; None where only the store has the scan.
        stored: what the store has of it.
        patient: a digest of the PatientID in its header, see ``patient``; never written.
        earlier: who was on it until now; ``follow_renames`` adds what the store said under another name.
        from_layout: who is on it according to the folder's layout.
        scan_id: from ``plan``, as all that follows only if it is read: its id in the store.
        conditions: what, besides its files, decides whether it can be used.
        finished: from ``read``: what the store will hold; None for a scan that the store will not hold.
        findings: what is worth knowing of it.
        row: from ``assign_subjects``: its row in the user's table.
        subject: who is on it.
        left_out: from any stage: why, as the next run will read it. Such a scan may still stay as it was stored.
    """

    name: str
    status: Status = "found"
    source: Source | None = None
    stored: Stored | None = None
    patient: str = field(default="", repr=False)
    earlier: Subject | None = None
    from_layout: Subject | None = None
    scan_id: str = ""
    conditions: Mapping[str, str] = field(default_factory=dict)
    finished: Finished | None = None
    findings: tuple[Finding, ...] = ()
    row: Row | None = None
    subject: Subject = NOBODY
    left_out: LeftOut | None = None

    @property
    def voxels(self) -> str:
        """Checksum of the image that the store will hold; empty without one."""
        return self.finished.voxels if self.finished else ""

    @property
    def is_read(self) -> bool:
        """Whether this ingest reads its files."""
        return self.status in ("new", "changed")

    def leave_out(
        self,
        *why: Finding,
        status: Status = "left out",
        record: SourceRecord | None = None,
        conditions: Mapping[str, str] | None = None,
    ) -> Self:
        """The scan without what was made of it, and the reasons; see ``left_out``."""
        return replace(self, status=status, finished=None, left_out=left_out(why, record, conditions or {}))


@dataclass(frozen=True)
class Context:
    """What every stage of one ingest may look at; it does not change.

    Attributes:
        store: the folder.
        options: what the user chose.
        table: the user's table.
        found: what lies below the folder of scans.
        before: what the store held.
        parameters: what the voxels depend on.
    """

    store: Path
    options: IngestOptions
    table: Table
    found: LaidOut
    before: Existing
    parameters: Parameters
