"""What an ingest has finished so far: a killed one does nothing twice."""

from pathlib import Path

from orienteer.errors import OrienteerError
from orienteer.journal import Journal
from orienteer.store.manifest import ScanEntry
from orienteer.store.private import MODE
from orienteer.store.sources import SourceRecord

JOURNAL = "ingest.journal"


class IngestJournal:
    """Scans finished by an ingest that has not ended; a scan whose line was damaged is read once more."""

    def __init__(self, store: Path) -> None:
        self.lines = Journal(store / JOURNAL, MODE)

    def read(self) -> dict[str, tuple[ScanEntry, SourceRecord]]:
        """Finished scans by their ids in the store."""
        finished = {}
        for line in self.lines.read():
            try:
                entry = ScanEntry.build(line["entry"])
                finished[entry.id] = (entry, SourceRecord.build(line["source"]))
            except (ValueError, KeyError, TypeError, OrienteerError):
                continue
        return finished

    def append(self, entry: ScanEntry, record: SourceRecord) -> None:
        """Add one finished scan.

        Raises:
            OrienteerError: the disk is full or refuses.
        """
        self.lines.append({"entry": entry.model_dump(mode="json"), "source": record.model_dump(mode="json")})
