"""One scan on its way through an ingest; every stage fills in what it finds out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self

from orienteer.ingest.existing import NOBODY, Existing, Stored, Subject
from orienteer.ingest.options import IngestOptions
from orienteer.ingest.quarantine import LeftOut, left_out
from orienteer.ingest.table import Row, Table
from orienteer.scans import Finding, LaidOut, Source
from orienteer.store.manifest import Parameters, ScanEntry
from orienteer.store.sources import SourceRecord

Status = Literal["found", "new", "changed", "unchanged", "left out", "quarantined", "copy", "gone", "lost"]
"""``found`` until it is planned; ``new`` and ``changed`` scans are read. ``quarantined``: left out by an earlier run,
and as it was. ``copy``: left out for another scan with the same voxels. ``gone``: stored, without a file among the
scans. ``lost``: gone, and its stored voxels are damaged.
"""


@dataclass(frozen=True)
class ScanState:
    """What is known of one scan, and what is to become of it.

    Attributes:
        name: what its files are called, by which the user knows it.
        status: what has been decided.
        source: its files, and that of its labels; None where the store has the scan and no file was found.
        stored: what the store has of it.
        earlier: who was on it before this ingest; of a renamed scan, what the store said under its old name.
        from_layout: who is on it by the folder's layout.
        scan_id: what the store will call it; empty unless it is read.
        conditions: what, besides its files, decides whether it can be used; empty unless it is read.
        entry: what the store will hold; None as long as it is not read, and where it is left out for good.
        record: what ``entry`` was made from.
        findings: what is worth knowing of it now that it has been read.
        left_out: why, as the next run is to know it. A scan may be left out and stay as it was stored.
        row: of the user's table.
        subject: who is on it.
    """

    name: str
    status: Status = "found"
    source: Source | None = None
    stored: Stored | None = None
    earlier: Subject | None = None
    from_layout: Subject | None = None
    scan_id: str = ""
    conditions: Mapping[str, str] = field(default_factory=dict)
    entry: ScanEntry | None = None
    record: SourceRecord | None = None
    findings: tuple[Finding, ...] = ()
    left_out: LeftOut | None = None
    row: Row | None = None
    subject: Subject = NOBODY

    @property
    def voxels(self) -> str:
        """Checksum of the image that the store will hold; empty without one."""
        return self.entry.arrays["image"].sha256 if self.entry else ""

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
        """The scan without an entry, and with the reasons.

        Args:
            why: at least one of them is an error.
            status: if not simply ``left out``.
            record: the files that could not be used; None to try them again each time.
            conditions: what the verdict rests on besides the files.
        """
        return replace(self, status=status, entry=None, record=None, left_out=left_out(why, record, conditions or {}))


@dataclass(frozen=True)
class Context:
    """One ingest, apart from its scans; the same from the first stage to the last.

    Attributes:
        store: the folder.
        options: what the user chose.
        table: the user's table.
        found: what lies below the folder of scans.
        before: what the store held.
        parameters: what the voxels will depend on.
    """

    store: Path
    options: IngestOptions
    table: Table
    found: LaidOut
    before: Existing
    parameters: Parameters
