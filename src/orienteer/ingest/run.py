"""From a folder of scans to a store: find, plan, read, assign subjects, drop copies, publish.

Each stage takes the list of scans and returns it with what it found out. Readers see nothing of it until ``publish``
renames the manifest into place: new voxels go to new files, and finished scans are journalled, so that a killed run
goes on where it was. Only then are arrays deleted that the manifest does not name.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from orienteer.atomic import make_folder
from orienteer.errors import OrienteerError, StoreError
from orienteer.folders import Folder, in_order, scans_in, to_make
from orienteer.ingest.columns import storable_table
from orienteer.ingest.copies import drop_copies, follow_renames
from orienteer.ingest.existing import discard_damaged, look_at_store
from orienteer.ingest.find import choose_parameters, find, list_scans
from orienteer.ingest.options import IngestOptions
from orienteer.ingest.plan import plan
from orienteer.ingest.publish import publish
from orienteer.ingest.questions import ask
from orienteer.ingest.read import read
from orienteer.ingest.result import IngestResult
from orienteer.ingest.state import Context
from orienteer.ingest.subjects import assign_subjects
from orienteer.ingest.summary import notes_on_labels, notes_on_reading, summarise
from orienteer.store.journal import IngestJournal
from orienteer.store.lock import only_one
from orienteer.store.manifest_file import MANIFEST, mend_manifest

DEFAULTS = IngestOptions()


def ingest(scans: Path | str, store: Path | str, options: IngestOptions = DEFAULTS) -> IngestResult:
    """Bring every scan below ``scans`` onto one grid and into ``store``; a second run does only what changed.

    Args:
        scans: folder of NIfTI, NRRD, MetaImage and DICOM scans, mixed.
        store: new or empty folder, or an existing store.
        options: spacing, labels, table of subjects, and all else that may be chosen.

    Raises:
        OrienteerError: no scan could be used, the table contradicts itself, nothing in the table or among the
            labels is about any scan, the store is of another version or in use, or the disk refuses. The store is
            then as it was before.
    """
    begun, scans, store = time.perf_counter(), Path(scans), Path(store)
    in_order("orienteer ingest {} {}", scans_in(scans), to_make(store, Folder.STORE))
    if options.cluster:  # whose workers know no paths that are relative to our current folder
        labels = Path(options.labels).absolute() if options.labels else None
        scans, store, options = scans.absolute(), store.absolute(), replace(options, labels=labels)
    table = storable_table(options)
    notes = mend_manifest(store)
    found = find(scans, store, options, table, look_at_store(store, options.names))
    with _alone_in(store):
        before = look_at_store(store, options.names)
        if options.verify:
            notes += discard_damaged(store, before, labels=bool(options.labels))
        states = list_scans(found.sources, before)
        notes = (*notes, *found.notes, *notes_on_labels(states, options), *notes_on_reading(states))
        parameters, why = choose_parameters(states, before.manifest, options)
        notes = (*notes, *[why] * bool(why))
        context = Context(store, options, table, found, before, parameters)
        for stage in (plan, read, follow_renames, assign_subjects, drop_copies):
            states = stage(states, context)
        manifest = publish(states, context)
        questions, answer = ask(states, context)
    return summarise(states, context, manifest, notes, questions, answer, time.perf_counter() - begun)


@contextmanager
def _alone_in(store: Path) -> Iterator[None]:
    """Make the store's folder, for one ingest at a time; it is removed again if this one fails."""
    made = not store.exists()
    try:
        make_folder(store)
    except OrienteerError as error:
        raise StoreError(error.message, cure=error.cure) from None
    with only_one(store, "ingest"):
        try:
            yield
        finally:
            if made and not (store / MANIFEST).exists() and not IngestJournal(store).lines.path.exists():
                shutil.rmtree(store, ignore_errors=True)
