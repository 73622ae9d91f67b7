"""What an ingest has finished so far: a killed one does nothing twice."""

import json
import os
from pathlib import Path

from orienteer.errors import OrienteerError, StoreError
from orienteer.seal import sealed, unsealed
from orienteer.store.manifest import ScanEntry
from orienteer.store.private import MODE
from orienteer.store.sources import SourceRecord

JOURNAL = "ingest.journal"


class Journal:
    """Scans finished by an ingest that has not ended; what a killed run has done is not done twice.

    One line a scan, flushed to disk. A line cut by the kill, or damaged since, is ignored:
    its scan is read once more.
    """

    def __init__(self, store: Path) -> None:
        self.path = store / JOURNAL

    def read(self) -> dict[str, tuple[ScanEntry, SourceRecord]]:
        """Finished scans by their ids in the store."""
        finished = {}
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return {}
        for line in lines:
            try:
                values = unsealed(json.loads(line))
                entry = ScanEntry.build(values["entry"])
                finished[entry.id] = (entry, SourceRecord.build(values["source"]))
            except (ValueError, KeyError, TypeError, RecursionError, OrienteerError):
                continue
        return finished

    def append(self, entry: ScanEntry, record: SourceRecord) -> None:
        """Add one finished scan.

        Raises:
            StoreError: the disk is full or refuses.
        """
        line = json.dumps(sealed({"entry": entry.model_dump(mode="json"), "source": record.model_dump(mode="json")}))
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, MODE)
            with open(handle, "ab") as stream:  # noqa: PTH123  (a handle, for its mode)
                # The leading newline closes a line that a kill may have cut.
                stream.write(f"\n{line}\n".encode())
                stream.flush()
                os.fsync(handle)
        except OSError as error:
            raise StoreError(
                f"cannot write {self.path}: {error.strerror}",
                cure="free some space, then run the same ingest again",
            ) from None

    def remove(self) -> None:
        """The manifest now says it all."""
        self.path.unlink(missing_ok=True)
