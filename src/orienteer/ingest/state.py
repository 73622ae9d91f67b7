"""One scan on its way through an ingest; every stage fills in what it finds out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from orienteer.ingest.quarantine import LeftOut, left_out
from orienteer.ingest.table import Row
from orienteer.scans import Finding, Source
from orienteer.store.manifest import ScanEntry
from orienteer.store.sources import SourceRecord

Status = Literal["found", "new", "changed", "unchanged", "left out", "quarantined", "copy", "gone", "lost"]
"""``found`` until it is planned; ``new`` and ``changed`` scans are read. ``quarantined``: left out by an earlier run,
and as it was. ``copy``: left out for another scan with the same voxels. ``gone``: stored, without a file among the
scans. ``lost``: gone, and its stored voxels are damaged.
"""


@dataclass(frozen=True)
class Subject:
    """Who is on a scan, and what else is known of it besides its voxels.

    Attributes:
        id: by the user's own names, never a pseudonym.
        split: empty where nobody has said.
        table: further columns of the user's table.
    """

    id: str
    split: str = ""
    table: Mapping[str, str] = field(default_factory=dict)


NOBODY = Subject("")


@dataclass(frozen=True)
class Stored:
    """A scan as the store has it when an ingest begins.

    Attributes:
        entry: of the manifest, or of the journal of a killed run, which is newer.
        record: what it was made from; None where the private file does not say.
        subject: None of a scan that a killed run had finished and no manifest names.
    """

    entry: ScanEntry
    record: SourceRecord | None
    subject: Subject | None

    @property
    def voxels(self) -> str:
        """Checksum of the image."""
        return self.entry.arrays["image"].sha256


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
