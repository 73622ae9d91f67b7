"""Publish: rename the manifest into place, and only then delete what it does not name."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from orienteer.atomic import sweep
from orienteer.folders import ARRAYS
from orienteer.ingest.quarantine import LeftOut, write_quarantine
from orienteer.ingest.result import nothing_usable
from orienteer.ingest.state import Context, ScanState
from orienteer.store.journal import IngestJournal
from orienteer.store.manifest import Manifest
from orienteer.store.manifest_file import write_manifest
from orienteer.store.private import Private, write_private


def publish(states: Sequence[ScanState], context: Context) -> Manifest:
    """Write the store's files, in an order in which a kill between any two does no harm.

    Raises:
        OrienteerError: no scan is left, or the disk refuses.
    """
    states = sorted(states, key=lambda state: state.name)
    if not any(state.entry for state in states):
        raise nothing_usable({state.name: state.left_out.as_findings for state in states if state.left_out})
    manifest, private = _named(states, context)
    write_private(context.store, private)
    write_manifest(context.store, manifest)
    IngestJournal(context.store).lines.remove()
    _sweep(context.store, manifest)
    write_quarantine(context.store, _still_out(states, context), context.found.skipped)
    return manifest


def _named(states: Sequence[ScanState], context: Context) -> tuple[Manifest, Private]:
    """What everybody may read, and what only the owner may."""
    before, entries, records, people = context.before, [], {}, {}
    for state in states:
        entry, record, subject = state.entry, state.record, state.subject
        if entry is None or record is None:
            continue
        person = before.naming("person", subject.id)
        said = {"person": person, "split": subject.split, "table": dict(subject.table)}
        entries.append(entry.model_copy(update=said))
        records[entry.id] = record.model_copy(update={"name": state.name, "person": subject.id})
        if context.options.names == "pseudonyms":
            people[person] = subject.id
    private = before.private.model_copy(update={"scans": records, "people": people})
    return Manifest.of(entries, context.parameters, context.options.names), private


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
