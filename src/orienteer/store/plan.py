"""What an ingest has to do: which scans are new, changed, unchanged, gone or in each other's way."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orienteer.errors import StoreError
from orienteer.scans import Finding, Source, discover, inspect
from orienteer.store.lock import LOCK
from orienteer.store.manifest import Manifest, Parameters, ScanEntry
from orienteer.store.prepare import Job
from orienteer.store.sources import SOURCES, Journal, SourceRecord, read_sources
from orienteer.store.store import ARRAYS, JOURNAL, MANIFEST, array_path, read_manifest
from orienteer.store.table import base_name

OWN = {MANIFEST, SOURCES, JOURNAL, LOCK, ARRAYS}


@dataclass(frozen=True)
class Existing:
    """What is in the store before the ingest: its manifest's scans, and those a killed run had finished."""

    manifest: Manifest | None
    entries: Mapping[str, ScanEntry]
    records: Mapping[str, SourceRecord]


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        parameters: what the voxels will depend on.
        jobs: scans to read.
        kept: entries that stay, with what they were made from.
        removed: ids in the store without a file among the scans.
        failed: scans that will not be read, and why.
    """

    parameters: Parameters
    jobs: tuple[Job, ...]
    kept: Mapping[str, tuple[ScanEntry, SourceRecord]]
    removed: tuple[str, ...]
    failed: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)


def look_at_store(store: Path) -> Existing:
    """What is at ``store``; nothing is written.

    Raises:
        StoreError: a file or a folder of something else is in the way, or a store of another version.
    """
    if store.exists() and not store.is_dir():
        raise StoreError(f"{store} is a file", cure="name a folder for the store")
    if not (store / MANIFEST).exists():
        foreign = sorted(p.name for p in store.iterdir() if p.name not in OWN) if store.exists() else []
        if foreign:
            raise StoreError(
                f"{store} is not empty and is no store: it holds {', '.join(foreign[:3])}",
                cure="name a new or empty folder; nothing was changed",
            )
    manifest = read_manifest(store) if (store / MANIFEST).exists() else None
    finished = Journal(store).read()
    entries = {entry.id: entry for entry in manifest.scans} if manifest else {}
    records = read_sources(store)
    return Existing(
        manifest=manifest,
        entries={**entries, **{scan_id: entry for scan_id, (entry, _) in finished.items()}},
        records={**records, **{scan_id: record for scan_id, (_, record) in finished.items()}},
    )


def make_plan(
    scans: Path,
    store: Path,
    existing: Existing,
    *,
    spacing: float | None,
    labels: Path | None,
    min_extent: float | None,
) -> Plan:
    """Compare the scans with the store.

    Raises:
        OrienteerError: there are no scans, or the spacing contradicts the store's.
    """
    sources = discover(scans, exclude=[store, *([labels] if labels else [])])
    parameters = Parameters(spacing=_spacing(sources, existing.manifest, spacing))
    label_of = _label_sources(labels, sources)
    jobs, kept, failed = [], {}, {}
    unique: dict[str, Source] = {}
    for source in sources:
        first = unique.setdefault(source.id, source)
        if first is not source:
            failed[f"{source.id} ({source.relative})"] = (_duplicate(source, first.relative),)
    for scan_id, source in unique.items():
        entry, record = existing.entries.get(scan_id), existing.records.get(scan_id)
        label = label_of.get(scan_id)
        now = record.again(source.paths, label.paths if label else (), parameters.method) if record else None
        if entry and now and entry.spacing == parameters.spacing and _intact(store, entry):
            kept[scan_id] = (entry, now)
        elif entry and record and not now and record.elsewhere(source.paths):
            failed[scan_id] = (_duplicate(source, "a scan ingested from another folder"),)
        else:
            jobs.append(Job(source, label, parameters, min_extent, store))
    manifest_ids = {entry.id for entry in existing.manifest.scans} if existing.manifest else set()
    removed = tuple(sorted(manifest_ids - set(unique)))
    return Plan(parameters, tuple(jobs), kept, removed, failed)


def _spacing(sources: Sequence[Source], manifest: Manifest | None, wanted: float | None) -> float:
    if wanted is not None and not 0.05 <= wanted <= 50:
        raise StoreError(f"a spacing of {wanted} mm is not possible", cure="choose between 0.05 and 50 mm")
    if manifest:
        if wanted is not None and wanted != manifest.spacing:
            raise StoreError(
                f"the store has a spacing of {manifest.spacing:g} mm, asked for are {wanted:g} mm",
                cure="leave out --spacing, or ingest into another folder",
            )
        return manifest.spacing
    if wanted is not None:
        return wanted
    looks = [inspect(source, voxels=False) for source in sources]
    # A thick-slice scan counts by the side of the cube that has its voxel's volume.
    sides = [math.prod(info.spacing) ** (1 / 3) for info in looks if info.usable]
    if not sides:
        first = looks[0].findings[0]
        raise StoreError(
            f"none of the {len(looks)} scans can be read; {looks[0].id}: {first.message}", cure=first.cure
        )
    return round(statistics.median(sides), 2)


def _label_sources(folder: Path | None, sources: Sequence[Source]) -> dict[str, Source]:
    """Labels by scan id: the same path below the labels' folder, else the same file name where only one has it."""
    if folder is None:
        return {}
    found = discover(folder)
    by_id = {label.id: label for label in found}
    by_name: dict[str, list[Source]] = {}
    for label in found:
        by_name.setdefault(base_name(label.id), []).append(label)
    chosen = {}
    for source in sources:
        same = by_name.get(base_name(source.id), [])
        label = by_id.get(source.id) or (same[0] if len(same) == 1 else None)
        if label:
            chosen[source.id] = label
    return chosen


def _intact(store: Path, entry: ScanEntry) -> bool:
    """Whether all arrays are there in their full length; their voxels are `Store.verify`'s business."""
    for kind, written in entry.arrays.items():
        path = array_path(store, entry.content, kind)
        if not path.is_file() or path.stat().st_size != written.bytes:
            return False
    return True


def _duplicate(source: Source, other: str) -> Finding:
    return Finding(
        "duplicate-id",
        "error",
        f"{source.relative} has the same id as {other}",
        "rename one of the two files",
    )
