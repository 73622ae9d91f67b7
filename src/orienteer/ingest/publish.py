"""Publish: rename the manifest into place, and only then delete what it does not name."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from orienteer.atomic import sweep
from orienteer.folders import ARRAYS
from orienteer.ingest.existing import Subject
from orienteer.ingest.finished import Finished
from orienteer.ingest.quarantine import LeftOut, write_quarantine
from orienteer.ingest.result import nothing_usable
from orienteer.ingest.state import Context, ScanState
from orienteer.store.journal import IngestJournal
from orienteer.store.manifest import Manifest, ScanEntry
from orienteer.store.manifest_file import write_manifest
from orienteer.store.private import Private, write_private


def publish(states: Sequence[ScanState], context: Context) -> Manifest:
    """Write the store's files, in an order in which a kill between any two does no harm.

    Raises:
        OrienteerError: no scan is left, or the disk refuses.
    """
    states = sorted(states, key=lambda state: state.name)
    if not any(state.finished for state in states):
        raise nothing_usable({state.name: state.left_out.as_findings for state in states if state.left_out})
    write_private(context.store, _private(states, context))
    manifest = _manifest(states, context)
    write_manifest(context.store, manifest)
    IngestJournal(context.store).lines.remove()
    _sweep(context.store, manifest)
    write_quarantine(context.store, _still_out(states, context), context.found.skipped)
    return manifest


def _private(states: Sequence[ScanState], context: Context) -> Private:
    """What only the owner may read."""
    before, records, people = context.before, {}, {}
    for state in states:
        if state.finished is None:
            continue
        person = before.naming("person", state.subject.id)
        said = {"name": state.name, "person": state.subject.id}
        records[state.finished.id] = state.finished.record.model_copy(update=said)
        if context.options.names == "pseudonyms":
            people[person] = state.subject.id
    return before.private.model_copy(update={"scans": records, "people": people})


def _manifest(states: Sequence[ScanState], context: Context) -> Manifest:
    """What everybody may read."""
    finished = sorted(
        ((state.finished, state.subject) for state in states if state.finished), key=lambda each: each[0].id
    )
    entries = (_entry(scan, subject, context) for scan, subject in finished)
    return Manifest.of(entries, context.parameters, context.options.names)


def _entry(scan: Finished, subject: Subject, context: Context) -> ScanEntry:
    person = context.before.naming("person", subject.id)
    return scan.entry.model_copy(update={"person": person, "split": subject.split, "table": dict(subject.table)})


def _still_out(states: Sequence[ScanState], context: Context) -> dict[str, LeftOut]:
    """The list as it is now; scans of other folders stay on it as long as their files exist."""
    here = {state.name for state in states if state.source}
    elsewhere = {
        name: known
        for name, known in context.before.quarantine.scans.items()
        if name not in here and known.source and all(Path(stamp.path).exists() for stamp in known.source.files)
    }
    return elsewhere | {state.name: state.left_out for state in states if state.left_out and state.status != "lost"}


def _sweep(store: Path, manifest: Manifest) -> None:
    """Delete arrays that no scan names: replaced, pruned, or half-written by a killed run."""
    used = {content[:20] for content in manifest.scans.column("content")}
    for folder in (store / ARRAYS).iterdir():
        if folder.name not in used:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            for part in folder.glob(".*.part"):
                part.unlink(missing_ok=True)
    sweep(store)
