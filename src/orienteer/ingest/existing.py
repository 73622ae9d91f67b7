"""What a store holds before an ingest, by the names of the user's files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orienteer.atomic import is_leftover
from orienteer.errors import StoreError
from orienteer.folders import ARRAYS
from orienteer.ingest.pseudonyms import Naming, Pseudonyms, own_name
from orienteer.ingest.quarantine import QUARANTINE, Quarantine, read_quarantine
from orienteer.store.integrity import damaged_arrays
from orienteer.store.journal import JOURNAL, IngestJournal
from orienteer.store.lock import lock_name
from orienteer.store.manifest import Manifest, Names, ScanEntry
from orienteer.store.manifest_file import COPY, MANIFEST, SCANS, read_manifest
from orienteer.store.private import EARLIER, PEOPLE, PRIVATE, Private, read_private
from orienteer.store.sources import SourceRecord

OWN = {MANIFEST, COPY, PRIVATE, EARLIER, PEOPLE, QUARANTINE, JOURNAL, lock_name("ingest"), ARRAYS}


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


@dataclass(frozen=True)
class Existing:
    """What is in the store before the ingest.

    Attributes:
        manifest: None while there is none.
        private: what the private file says, or a new one.
        stored: scans by name: the manifest's, and those a killed run had finished.
        naming: what scans and subjects are called in the store.
        quarantine: what earlier runs left out.
    """

    manifest: Manifest | None
    private: Private
    stored: Mapping[str, Stored]
    naming: Naming
    quarantine: Quarantine

    @property
    def published(self) -> dict[str, Stored]:
        """The scans of the manifest, in its order."""
        return {name: stored for name, stored in self.stored.items() if stored.subject}


def look_at_store(store: Path, names: Names) -> Existing:
    """What is at ``store``; nothing is written.

    Raises:
        StoreError: a file or a folder of something else is in the way, a store of another version, or one that
            calls its scans otherwise.
    """
    if store.exists() and not store.is_dir():
        raise StoreError(f"{store} is a file", cure="name a folder for the store")
    if not (store / MANIFEST).exists():
        foreign = (
            sorted(p.name for p in store.iterdir() if not (p.name in OWN or p.match(SCANS) or is_leftover(p)))
            if store.exists()
            else []
        )
        if foreign:
            raise StoreError(
                f"{store} is not empty and is no store: it holds {', '.join(foreign[:3])}",
                cure="name a new or empty folder; nothing was changed",
            )
    manifest = read_manifest(store) if (store / MANIFEST).exists() else None
    finished, private = IngestJournal(store).read(), read_private(store)
    _check_names(store, manifest, private, names, begun=manifest is not None or bool(finished))
    if private is None or private.names != names:
        private = Private.fresh(names)
    scans = {entry.id: (entry, private.scans.get(entry.id)) for entry in manifest.scans} if manifest else {}
    # By id in the store; what a killed run has finished is newer than the manifest.
    newest = {**scans, **finished}
    own = {scan: (record.name if record else "") or scan for scan, (_, record) in newest.items()}
    subjects = {own[scan]: _subject(*pair) for scan, pair in scans.items()}
    return Existing(
        manifest=manifest,
        private=private,
        stored={own[scan]: Stored(*pair, subjects.get(own[scan])) for scan, pair in newest.items()},
        naming=_naming(private, own),
        quarantine=read_quarantine(store),
    )


def _naming(private: Private, own: Mapping[str, str]) -> Naming:
    if private.names == "kept":
        return own_name
    # All pseudonyms ever given count, also those of another store whose private file was copied here.
    return Pseudonyms(private.key, {scan: r.name for scan, r in private.scans.items()} | dict(own) | private.people)


def _subject(entry: ScanEntry, record: SourceRecord | None) -> Subject:
    return Subject((record.person if record else "") or entry.person, entry.split, entry.table)


def _check_names(
    store: Path, manifest: Manifest | None, private: Private | None, wanted: Names, *, begun: bool
) -> None:
    names = manifest.names if manifest else private.names if private else "kept"
    if begun and names != wanted:
        raise StoreError(
            f"{store} {'keeps' if names == 'kept' else 'does not keep'} the names of files and subjects,"
            f" this ingest {'would not' if names == 'kept' else 'would'}",
            cure=f"{'add' if names == 'kept' else 'leave out'} --keep-names, or ingest into another folder",
        )
    if manifest and names == "pseudonyms" and (private is None or not private.key):
        raise StoreError(
            f"{store} came without its {PRIVATE}, so its scans cannot be told from new ones",
            cure=f"put {PRIVATE} back, or ingest into a new folder",
        )


def discard_damaged(store: Path, before: Existing, *, labels: bool) -> tuple[str, ...]:
    """Delete arrays that no longer hold what was written, so that the plan makes them anew; one line each.

    Raises:
        StoreError: labels would be lost, because this ingest was not told where they are.
    """
    own = {stored.entry.content: name for name, stored in before.stored.items()}
    entries = [stored.entry for stored in before.stored.values()]
    found = [(own[entry.content], entry, damage) for entry, damage in damaged_arrays(store, entries)]
    for name, entry, damage in found:
        if entry.labelled and not labels:
            raise StoreError(f"{name}: {damage.message}", cure="ingest with --labels again, so that none are lost")
    for _, _, damage in found:
        damage.path.unlink(missing_ok=True)
    return tuple(f"{name}: {damage.message}; not used any more" for name, _, damage in found)
