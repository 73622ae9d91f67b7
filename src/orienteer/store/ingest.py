"""From a folder of scans to a store: plan what to read, read it in parallel, then write the manifest once.

Nothing a reader sees changes until the manifest is renamed into place: new voxels go to new files, and what
a killed run has finished stands in a journal. Only then are arrays deleted that the manifest does not name.
"""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from orienteer.atomic import sweep
from orienteer.errors import StoreError
from orienteer.scans import Finding, lay_out
from orienteer.scans.findings import finding
from orienteer.store.columns import without_private
from orienteer.store.existing import Existing, look_at_store
from orienteer.store.integrity import ARRAYS, damaged_arrays, intact
from orienteer.store.journal import Journal
from orienteer.store.lock import only_one
from orienteer.store.manifest import Manifest, Names, ScanEntry
from orienteer.store.people import Place, name_people
from orienteer.store.plan import Plan, make_plan, nothing_usable
from orienteer.store.prepare import Outcome
from orienteer.store.private import PRIVATE, Private, write_private
from orienteer.store.quarantine import LeftOut, conditions_of, copy_conditions, left_out, write_quarantine
from orienteer.store.result import IngestResult
from orienteer.store.sources import SourceRecord
from orienteer.store.store import COPY, MANIFEST, mend_manifest, write_manifest
from orienteer.store.table import Row, read_table
from orienteer.store.workers import prepare_all

Made = dict[str, tuple[ScanEntry, SourceRecord]]
Findings = dict[str, tuple[Finding, ...]]
Copies = dict[str, tuple[str, tuple[Finding, ...]]]
"""What each is a copy of, and the finding that says so."""


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
        OrienteerError: no scan could be used, the table contradicts itself, the store is of another version
            or in use, or the disk refuses. The store is then as it was before.
    """
    begun = time.perf_counter()
    scans, store = Path(scans), Path(store)
    labels = Path(labels) if labels else None
    if workers is not None and workers < 1:
        raise StoreError(f"{workers} workers", cure="give --workers 1 or more")
    rows, dropped = _rows(Path(table) if table else None, columns, keep_names=keep_names)
    names: Names = "kept" if keep_names else "pseudonyms"
    mended = _mended(store)
    look_at_store(store, names)
    found = lay_out(scans, exclude=[store, *([labels] if labels else [])], layout=layout, channels=channels)
    said = {s.id: Place(s.person or s.id, s.split) for s in found.sources if s.person or s.split}
    digest = sha256(Path(table).read_bytes()).hexdigest() if table else ""
    with _folder(store), only_one(store, "ingest"):
        before = look_at_store(store, names)
        mended += _discard_damaged(store, before, labels=labels is not None) if verify else ()
        plan = make_plan(
            found.sources,
            store,
            before,
            spacing=spacing,
            labels=labels,
            min_extent=min_extent,
            retry=retry,
            table=digest,
        )
        if names == "pseudonyms" and not (store / PRIVATE).exists():
            # Before the first scan is journalled: a run that goes on after a kill must give the same pseudonyms.
            write_private(store, before.private)
        work = _work(store, plan, workers, progress)
        failed = {**plan.failed, **work.failed}
        kept = {**_stay(store, plan, before, failed, prune=prune), **plan.kept}
        made = {**work.made, **kept}
        places, copies, notes = _settle(made, kept, rows, before, failed, said)
        failed = dict(
            sorted(
                {
                    **failed,
                    **{name: why for name, (_, why) in copies.items()},
                    **_lost(before, places, plan, prune=prune),
                }.items()
            )
        )
        if not places:
            raise nothing_usable(failed)
        manifest, private = _named({name: made[name] for name in places}, places, before, plan)
        write_private(store, private)
        write_manifest(store, manifest)
        Journal(store).remove()
        _sweep(store, manifest)
        write_quarantine(store, _left_out(plan, work, copies, made, before, digest), found.skipped)
    stored, read_now = set(places), set(places) & set(work.made)
    return IngestResult(
        store=store,
        manifest=manifest,
        added=tuple(sorted(read_now - set(before.places))),
        updated=tuple(sorted(read_now & set(before.places))),
        kept=tuple(sorted(stored - read_now)),
        removed=plan.removed,
        pruned=prune,
        failed=failed,
        quarantined=tuple(sorted(plan.quarantined)),
        skipped=found.skipped,
        layouts=found.layouts,
        findings=work.findings,
        notes=(*mended, *plan.notes, *notes, *dropped),
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


@dataclass
class _Work:
    made: Made = field(default_factory=dict)
    findings: Findings = field(default_factory=dict)
    failed: Findings = field(default_factory=dict)
    refused: dict[str, LeftOut] = field(default_factory=dict)


def _work(store: Path, plan: Plan, workers: int | None, progress: bool) -> _Work:
    """Prepare what the plan asks for; finished scans are journalled, so a kill costs only those in work."""
    work, journal = _Work(), Journal(store)
    conditions = {job.source.id: conditions_of(job.source, job.parameters, job.min_extent) for job in plan.jobs}
    with closing(prepare_all(plan.jobs, workers)) as outcomes:
        for outcome in _shown(outcomes, len(plan.jobs), progress):
            if outcome.stop:
                raise StoreError(outcome.stop[0], cure=f"{outcome.stop[1]}, then run the same ingest again")
            if outcome.entry is None or outcome.record is None:
                work.failed[outcome.id] = outcome.findings
                work.refused[outcome.id] = left_out(outcome.findings, outcome.record, conditions[outcome.id])
                continue
            journal.append(outcome.entry, outcome.record)
            work.made[outcome.id] = (outcome.entry, outcome.record)
            if outcome.findings:
                work.findings[outcome.id] = outcome.findings
    work.findings = dict(sorted(work.findings.items()))
    return work


def _stay(store: Path, plan: Plan, before: Existing, failed: Findings, *, prune: bool) -> Made:
    """Scans that stay although they were not found again, or although their file has gone bad since."""
    chosen = (set(before.places) & set(failed)) | (set() if prune else set(plan.removed))
    stay = {}
    for name in chosen:
        entry, record = before.entries[name], before.records.get(name)
        if intact(store, entry):
            stay[name] = (entry, record or SourceRecord(files=(), method=0))
    return stay


def _lost(before: Existing, places: Mapping[str, Place], plan: Plan, *, prune: bool) -> Findings:
    """Scans that were stored, cannot stay, and of which nothing else is said."""
    message = "its stored voxels are damaged, and its file is no longer there"
    gone = [] if prune else [name for name in plan.removed if name not in places]
    return {name: (finding("damaged", message, level="error"),) for name in gone}


def _settle(
    made: Made,
    kept: Made,
    rows: Mapping[str, Row] | None,
    before: Existing,
    failed: Findings,
    said: Mapping[str, Place],
) -> tuple[dict[str, Place], Copies, tuple[str, ...]]:
    """Name the people, then leave out copies: the same voxels under two people would cross the splits."""
    places, notes = name_people(tuple(made), rows, before.places, set(failed) - set(made), said)
    owner: dict[str, str] = {}
    copies: Copies = {}
    for name in sorted(made, key=lambda name: (name not in kept, name)):
        first = owner.setdefault(made[name][0].arrays["image"].sha256, name)
        if places[first].person != places[name].person:
            message = f"holds the same voxels as {first}, which is kept"
            copies[name] = (first, (finding("identical-content", message, level="error"),))
    if copies:
        single = tuple(name for name in made if name not in copies)
        places, notes = name_people(single, rows, before.places, (set(failed) | set(copies)) - set(made), said)
    return places, copies, notes


def _left_out(plan: Plan, work: _Work, copies: Copies, made: Made, before: Existing, table: str) -> dict[str, LeftOut]:
    """The list as it stands now; what lies in another folder of scans stays on it while its files are there."""
    here = {job.source.id for job in plan.jobs} | set(plan.kept) | set(plan.failed)
    stay = {
        name: left
        for name, left in before.quarantine.scans.items()
        if name not in here and left.source and all(Path(stamp.path).exists() for stamp in left.source.files)
    }
    twice = {name: left_out(why, None, {}) for name, why in plan.failed.items()}
    conditions = {job.source.id: conditions_of(job.source, job.parameters, job.min_extent) for job in plan.jobs}
    same = {
        name: left_out(why, made[name][1], conditions.get(name, {}) | copy_conditions(first, made[first][0], table))
        for name, (first, why) in copies.items()
    }
    return {**stay, **twice, **plan.quarantined, **work.refused, **same}


def _named(made: Made, places: Mapping[str, Place], before: Existing, plan: Plan) -> tuple[Manifest, Private]:
    """What everybody may read, and what only the owner may."""
    call, entries, records = before.naming, [], {}
    for name, place in places.items():
        entry, record = made[name]
        said = {"person": call.person(place.person), "split": place.split, "table": dict(place.table)}
        entries.append(entry.model_copy(update=said))
        records[entry.id] = record.model_copy(update={"name": name, "person": place.person})
    people = {call.person(place.person): place.person for place in places.values()}
    private = before.private.model_copy(
        update={"scans": records, "people": people if before.names == "pseudonyms" else {}}
    )
    return Manifest.of(entries, plan.parameters, before.names), private


def _shown(outcomes: Iterator[Outcome], total: int, progress: bool) -> Iterator[Outcome]:
    columns = (
        TextColumn("reading scans"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not progress or not total, transient=True) as bar:
        task = bar.add_task("", total=total, last="")
        for outcome in outcomes:
            bar.update(task, advance=1, last=outcome.id)
            yield outcome


def _mended(store: Path) -> tuple[str, ...]:
    """Put a damaged or lost manifest back from its copy, and say so."""
    if not (store / COPY).is_file():
        return ()
    with only_one(store, "ingest"):
        said = mend_manifest(store)
    return (said,) if said else ()


def _discard_damaged(store: Path, before: Existing, *, labels: bool) -> tuple[str, ...]:
    """Delete arrays that no longer hold what was written, so that the plan makes them anew; one line each.

    Raises:
        StoreError: labels would be lost, because this ingest was not told where they are.
    """
    own = {entry.content: name for name, entry in before.entries.items()}
    found = [(own[entry.content], entry, damage) for entry, damage in damaged_arrays(store, before.entries.values())]
    for name, entry, damage in found:
        if entry.labelled and not labels:
            raise StoreError(f"{name}: {damage.message}", cure="ingest with --labels again, so that none are lost")
    for _, _, damage in found:
        damage.path.unlink(missing_ok=True)
    return tuple(f"{name}: {damage.message}; not used any more" for name, _, damage in found)


@contextmanager
def _folder(store: Path) -> Iterator[None]:
    """Make the store's folder; take it away again if nothing came of it, so that no husk is left."""
    made = not store.exists()
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot make {store}: {error.strerror}", cure="choose a folder you may write to") from None
    try:
        yield
    finally:
        if made and not (store / MANIFEST).exists() and not Journal(store).path.exists():
            shutil.rmtree(store, ignore_errors=True)


def _sweep(store: Path, manifest: Manifest) -> None:
    """Delete arrays that no scan names: replaced, pruned, or half-written by a killed run."""
    used = {entry.content[:20] for entry in manifest.scans}
    for folder in (store / ARRAYS).iterdir():
        if folder.name not in used:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            for part in folder.glob(".*.part"):
                part.unlink(missing_ok=True)
    sweep(store)
