"""From a folder of scans to a store: plan what is to be read, read it in parallel, then write the manifest once.

Nothing a reader sees changes until the manifest is renamed into place: new voxels go to new files, and what a killed
run has finished stands in a journal. Only then are arrays that no manifest names any more deleted.
"""

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from orienteer.errors import StoreError
from orienteer.scans import Finding
from orienteer.store.atomic import write_json
from orienteer.store.lock import only_one
from orienteer.store.manifest import Manifest, ScanEntry
from orienteer.store.people import name_people
from orienteer.store.plan import Plan, look_at_store, make_plan
from orienteer.store.prepare import Outcome
from orienteer.store.result import IngestResult
from orienteer.store.sources import Journal, SourceRecord, write_sources
from orienteer.store.store import ARRAYS, MANIFEST
from orienteer.store.table import read_table
from orienteer.store.workers import prepare_all


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
    progress: bool = True,
) -> IngestResult:
    """Bring every scan below ``scans`` onto one grid and into ``store``; a second run does only what changed.

    From a script, call it below ``if __name__ == "__main__":``, because workers are started as new processes.

    Args:
        scans: folder of NIfTI, NRRD, MetaImage and DICOM scans, mixed.
        store: new or empty folder, or an existing store.
        spacing: mm per voxel on every axis; by default the median of the scans', or the store's.
        labels: folder whose files have the scans' paths or names.
        table: TSV or CSV with a column ``id``, and where known ``person`` and ``split``; other columns are kept.
        workers: processes; by default one a core.
        prune: take scans out of the store whose files are gone.
        min_extent: leave out scans shorter than this along an axis, mm.
        progress: draw a progress bar on stderr.

    Raises:
        OrienteerError: no scan could be used, the table contradicts itself, the store is of another version or in
            use, or the disk refuses. The store is then as it was before.
    """
    begun = time.perf_counter()
    scans, store = Path(scans), Path(store)
    rows = read_table(Path(table)) if table else None
    existing = look_at_store(store)
    plan_for = {"spacing": spacing, "labels": Path(labels) if labels else None, "min_extent": min_extent}
    plan = make_plan(scans, store, existing, **plan_for)  # type: ignore[arg-type]
    _make_folder(store)
    with only_one(store):
        # Another ingest may have ended between the first look and the lock.
        existing = look_at_store(store)
        done, findings, failed = _work(store, plan, workers, progress)
        kept, failed = dict(plan.kept), {**plan.failed, **failed}
        if not prune:
            stay = [s for s in plan.removed if s not in kept]
            kept |= {s: (existing.entries[s], existing.records[s]) for s in stay if s in existing.records}
        for scan_id in set(failed) & set(existing.entries):
            # A file that went bad does not cost what was read from it before.
            if scan_id in existing.records:
                kept.setdefault(scan_id, (existing.entries[scan_id], existing.records[scan_id]))
        made, copies = _without_copies(kept, done)
        failed |= copies
        if not made:
            raise _nothing_left(failed)
        entries, notes = name_people([entry for entry, _ in made.values()], rows, existing.manifest)
        manifest = Manifest.of(entries, plan.parameters)
        write_sources(store, {scan_id: record for scan_id, (_, record) in made.items()})
        write_json(store / MANIFEST, manifest.model_dump(mode="json"))
        Journal(store).remove()
        _sweep(store, manifest)
    before = {entry.id for entry in existing.manifest.scans} if existing.manifest else set()
    return IngestResult(
        store=store,
        manifest=manifest,
        added=tuple(sorted(set(done) & set(made) - before)),
        updated=tuple(sorted(set(done) & set(made) & before)),
        kept=tuple(sorted(set(made) - set(done))),
        removed=plan.removed,
        pruned=prune,
        failed=failed,
        findings=findings,
        notes=notes,
        seconds=time.perf_counter() - begun,
        bytes=sum(array.bytes for entry in entries for array in entry.arrays.values()),
    )


Made = dict[str, tuple[ScanEntry, SourceRecord]]
Findings = dict[str, tuple[Finding, ...]]


def _work(store: Path, plan: Plan, workers: int | None, progress: bool) -> tuple[Made, Findings, Findings]:
    journal, made, findings, failed = Journal(store), {}, {}, {}
    for outcome in _shown(prepare_all(plan.jobs, workers), len(plan.jobs), progress):
        if outcome.stop:
            message, cure = outcome.stop
            raise StoreError(
                message, cure=f"{cure}; then run the same ingest again, what is finished is kept"
            )
        if outcome.entry and outcome.record:
            journal.append(outcome.entry, outcome.record)
            made[outcome.id] = (outcome.entry, outcome.record)
            if outcome.findings:
                findings[outcome.id] = outcome.findings
        else:
            failed[outcome.id] = outcome.findings
    return made, dict(sorted(findings.items())), dict(sorted(failed.items()))


def _shown(outcomes: Iterator[Outcome], total: int, progress: bool) -> Iterator[Outcome]:
    columns = (
        TextColumn("reading scans"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with Progress(
        *columns, console=Console(stderr=True), disable=not progress or not total, transient=True
    ) as bar:
        task = bar.add_task("", total=total, last="")
        for outcome in outcomes:
            bar.update(task, advance=1, last=outcome.id)
            yield outcome


def _without_copies(kept: Mapping[str, tuple[ScanEntry, SourceRecord]], done: Made) -> tuple[Made, Findings]:
    """One scan of each content: that already in the store, else the first by id. A copy would cross the splits."""
    owner: dict[str, str] = {}
    made: Made = {}
    copies: Findings = {}
    ordered = [(s, kept[s]) for s in sorted(kept)] + [(s, done[s]) for s in sorted(done)]
    for scan_id, (entry, record) in ordered:
        image = entry.arrays["image"].sha256
        first = owner.setdefault(image, scan_id)
        if first == scan_id:
            made[scan_id] = (entry, record)
        else:
            message = f"holds the same voxels as {first}, which is kept"
            copies[scan_id] = (Finding("identical-content", "error", message, "remove one of the two files"),)
    return made, copies


def _make_folder(store: Path) -> None:
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot make {store}: {error.strerror}", cure="choose a folder you may write to"
        ) from None


def _sweep(store: Path, manifest: Manifest) -> None:
    """Delete arrays that no scan names: replaced, pruned, or half-written by a killed run."""
    used = {entry.content[:20] for entry in manifest.scans}
    for folder in (store / ARRAYS).iterdir():
        if folder.name not in used:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            for part in folder.glob(".*.part"):
                part.unlink(missing_ok=True)


def _nothing_left(failed: Mapping[str, Iterable[Finding]]) -> StoreError:
    causes = [
        f"{scan_id}: {f.message}" for scan_id, found in failed.items() for f in found if f.level == "error"
    ]
    more = f" (and {len(causes) - 3} more)" if len(causes) > 3 else ""
    return StoreError(
        f"no scan could be used; {'; '.join(causes[:3])}{more}", cure="see `orienteer check SCANS`"
    )
