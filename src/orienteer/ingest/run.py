"""From a folder of scans to a store: plan what to read, read it in parallel, then write the manifest once.

Nothing a reader sees changes until the manifest is renamed into place: new voxels go to new files, and what
a killed run has finished stands in a journal. Only then are arrays deleted that the manifest does not name.
"""

import time
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from orienteer.errors import StoreError
from orienteer.ingest.columns import without_private
from orienteer.ingest.existing import look_at_store
from orienteer.ingest.labels import labels_of
from orienteer.ingest.people import Place
from orienteer.ingest.plan import make_plan, nothing_usable
from orienteer.ingest.quarantine import write_quarantine
from orienteer.ingest.result import IngestResult
from orienteer.ingest.settle import lost, named, settle, staying, still_out
from orienteer.ingest.table import Row, check_about, read_table
from orienteer.ingest.upkeep import discard_damaged, folder, mended, sweep_arrays
from orienteer.ingest.work import carry_out
from orienteer.scans import lay_out
from orienteer.store.journal import Journal
from orienteer.store.lock import only_one
from orienteer.store.manifest import Names
from orienteer.store.private import write_private
from orienteer.store.store import write_manifest


def ingest(
    scans: Path | str,
    store: Path | str,
    *,
    spacing: float | None = None,
    labels: Path | str | None = None,
    table: Path | str | None = None,
    workers: int | None = None,
    prune: bool = False,
    min_extent: float | None = None,
    keep_names: bool = False,
    verify: bool = True,
    columns: Sequence[str] | None = None,
    retry: bool = False,
    layout: str = "auto",
    channels: Sequence[str] = (),
    progress: bool = True,
) -> IngestResult:
    """Bring every scan below ``scans`` onto one grid and into ``store``; a second run does only what changed.

    From a script, call it below ``if __name__ == "__main__":``, because workers are started as new processes.

    Args:
        scans: folder of NIfTI, NRRD, MetaImage and DICOM scans, mixed.
        store: new or empty folder, or an existing store.
        spacing: mm per voxel on every axis; by default the median of the scans', or the store's.
        labels: folder whose files have the scans' paths or names.
        table: TSV or CSV with a column ``id``, where known ``person`` and ``split``; of the other columns
            numbers and categories are kept, but nothing that could tell who somebody is.
        workers: processes; by default one a core.
        prune: take scans out of the store whose files are gone.
        min_extent: leave out scans shorter than this along an axis, mm.
        keep_names: call scans and people as the files and the table do, and keep every column. For public data
            only: by default they get pseudonyms, and the way back lies in the store's private file alone.
        verify: compare what is stored already with its checksums, and make anew what is damaged.
        columns: keep just these further columns of the table, which you declare safe.
        retry: read again also what an earlier run left out and nobody has mended since.
        layout: how the folder is laid out; by default what it says of itself. People, labels and scans kept for
            testing are taken from it unless ``labels`` or ``table`` say otherwise.
        channels: names of the sequences that make one scan together, in order.
        progress: draw a progress bar on stderr.

    Raises:
        OrienteerError: no scan could be used, the table contradicts itself, nothing in the table or among the
            labels is about any scan, the store is of another version or in use, or the disk refuses. The store is
            then as it was before.
    """
    begun = time.perf_counter()
    scans, store = Path(scans), Path(store)
    labels = Path(labels) if labels else None
    if workers is not None and workers < 1:
        raise StoreError(f"{workers} workers", cure="give --workers 1 or more")
    rows, dropped = _rows(Path(table) if table else None, columns, keep_names=keep_names)
    names: Names = "kept" if keep_names else "pseudonyms"
    repaired = mended(store)
    stored = look_at_store(store, names).places
    found = lay_out(scans, exclude=[store, *([labels] if labels else [])], layout=layout, channels=channels)
    said = {s.id: Place(s.person or s.id, s.split) for s in found.sources if s.person or s.split}
    if table and rows is not None:
        # Scans of an earlier folder stay in the store, and the table may be about those.
        check_about(Path(table), rows, sorted({*stored, *(source.id for source in found.sources)}))
    label_of = labels_of(labels, found.sources) if labels else None
    digest = sha256(Path(table).read_bytes()).hexdigest() if table else ""
    with folder(store), only_one(store, "ingest"):
        before = look_at_store(store, names)
        repaired += discard_damaged(store, before, labels=labels is not None) if verify else ()
        plan = make_plan(
            found.sources,
            store,
            before,
            spacing=spacing,
            labels=label_of,
            min_extent=min_extent,
            retry=retry,
            table=digest,
        )
        if names == "pseudonyms" and before.manifest is None:
            # Before the first scan is journalled: a run that goes on after a kill must give the same pseudonyms.
            write_private(store, before.private)
        work = carry_out(store, plan, workers, progress)
        failed = {**plan.failed, **work.failed}
        kept = {**staying(store, plan, before, failed, prune=prune), **plan.kept}
        made = {**work.made, **kept}
        places, copies, notes = settle(made, kept, rows, before, failed, said, plan.removed)
        failed = dict(
            sorted(
                {
                    **failed,
                    **{name: why for name, (_, why) in copies.items()},
                    **lost(before, places, plan, prune=prune),
                }.items()
            )
        )
        if not places:
            raise nothing_usable(failed)
        manifest, private = named({name: made[name] for name in places}, places, before, plan)
        write_private(store, private)
        write_manifest(store, manifest)
        Journal(store).remove()
        sweep_arrays(store, manifest)
        write_quarantine(store, still_out(plan, work, copies, made, before, digest), found.skipped)
    now, read_now = set(places), set(places) & set(work.made)
    return IngestResult(
        store=store,
        manifest=manifest,
        added=tuple(sorted(read_now - set(before.places))),
        updated=tuple(sorted(read_now & set(before.places))),
        kept=tuple(sorted(now - read_now)),
        removed=plan.removed,
        pruned=prune,
        failed=failed,
        quarantined=tuple(sorted(plan.quarantined)),
        skipped=found.skipped,
        layouts=found.layouts,
        findings=work.findings,
        notes=(*repaired, *plan.notes, *notes, *dropped),
        seconds=time.perf_counter() - begun,
        bytes=sum(array.bytes for entry in manifest.scans for array in entry.arrays.values()),
    )


def _rows(
    table: Path | None, columns: Sequence[str] | None, *, keep_names: bool
) -> tuple[dict[str, Row] | None, tuple[str, ...]]:
    """The table's rows with the columns that may be stored, and what is said of the others."""
    if table is None:
        if columns is not None:
            raise StoreError("--columns names columns of a table", cure="give the table with --table")
        return None, ()
    rows = read_table(table)
    return (rows, ()) if keep_names and columns is None else without_private(rows, table, columns)
