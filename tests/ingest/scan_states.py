"""Scans as the last stages of an ingest get them, without files."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from orienteer.ingest.existing import Existing, Subject
from orienteer.ingest.finished import Finished
from orienteer.ingest.options import IngestOptions
from orienteer.ingest.pseudonyms import own_name
from orienteer.ingest.quarantine import Quarantine
from orienteer.ingest.state import Context, ScanState
from orienteer.ingest.subjects import assign_subjects
from orienteer.ingest.summary import notes_on_subjects
from orienteer.ingest.table import Row, Table
from orienteer.scans.layouts.lay_out import LaidOut
from orienteer.store.manifest import ArrayFile, ScanEntry
from orienteer.store.manifest import Parameters as StoreParameters
from orienteer.store.private import Private
from orienteer.store.sources import SourceRecord

NO_LAYOUT: Mapping[str, Subject] = {}


def entry(name: str, image: str = "") -> ScanEntry:
    """What a store would hold; scans with one ``image`` have the same voxels."""
    return ScanEntry(
        id=name,
        person="",
        split="",
        channels=1,
        shape=(1, 1, 1),
        spacing=1.0,
        affine=(),
        intensity=(),
        foreground_low=(0, 0, 0),
        foreground_high=(1, 1, 1),
        content="0",
        arrays={"image": ArrayFile(bytes=1, sha256=image or name)},
    )


def finished(name: str, image: str = "") -> Finished:
    """That, as the stages hold it."""
    return Finished.of(entry(name, image), SourceRecord(files=(), method=1))


def context(rows: Mapping[str, Row] | None) -> Context:
    """An ingest into a new store with this table."""
    return Context(
        store=Path("store"),
        options=IngestOptions(keep_names=True),
        table=Table() if rows is None else Table(Path("t.tsv"), rows),
        found=LaidOut(()),
        before=Existing(None, Private(), {}, own_name, Quarantine()),
        parameters=StoreParameters(spacing=1.0),
    )


def assigned(
    names: Iterable[str],
    rows: Mapping[str, Row] | None,
    before: Mapping[str, Subject],
    layout: Mapping[str, Subject] = NO_LAYOUT,
) -> tuple[dict[str, Subject], list[str]]:
    """Who is on each scan that the store will hold, and the notes."""
    given = context(rows)
    states = [ScanState(n, finished=finished(n), earlier=before.get(n), from_layout=layout.get(n)) for n in names]
    states = assign_subjects(states, given)
    return {state.name: state.subject for state in states}, notes_on_subjects(states, given)
