"""What an ingest has made of a scan, held small: with ten thousand scans, built entries alone would take 100 MB."""

from dataclasses import dataclass
from typing import Self

from orienteer.store.manifest import ScanEntry
from orienteer.store.sources import SourceRecord


@dataclass(frozen=True, slots=True)
class Finished:
    """A scan that the store will hold, as JSON; an entry and a record are built each time they are asked for.

    Attributes:
        id: in the store.
        voxels: checksum of the image.
        grid: digest of shape and affine, where these are the person's own.
    """

    id: str
    voxels: str
    grid: str
    _entry: bytes
    _record: bytes

    @classmethod
    def of(cls, entry: ScanEntry, record: SourceRecord) -> Self:
        """What the store will hold of a scan, and what that was made from."""
        texts = (each.model_dump_json().encode() for each in (entry, record))
        return cls(entry.id, entry.voxels, record.grid, *texts)

    @property
    def entry(self) -> ScanEntry:
        """What the store will hold."""
        return ScanEntry.model_validate_json(self._entry)

    @property
    def record(self) -> SourceRecord:
        """What it was made from."""
        return SourceRecord.model_validate_json(self._record)
