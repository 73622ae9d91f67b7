"""What an ingest has to do: which scans are new, changed, unchanged, gone or in each other's way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orienteer.errors import StoreError
from orienteer.scans import Finding, Source, inspect
from orienteer.scans.among import cohort_spacing
from orienteer.scans.findings import finding
from orienteer.store.existing import Existing
from orienteer.store.labels import labels_of
from orienteer.store.manifest import Manifest, Parameters, ScanEntry
from orienteer.store.prepare import Job
from orienteer.store.result import some
from orienteer.store.sources import SourceRecord
from orienteer.store.store import array_path


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        parameters: what the voxels will depend on.
        jobs: scans to read.
        kept: entries that stay, with what they were made from, by name.
        removed: names of stored scans without a file among the scans.
        failed: scans that will not be read, and why.
        notes: what is worth knowing about the labels.
    """

    parameters: Parameters
    jobs: tuple[Job, ...]
    kept: Mapping[str, tuple[ScanEntry, SourceRecord]]
    removed: tuple[str, ...]
    failed: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def make_plan(
    sources: Sequence[Source],
    store: Path,
    existing: Existing,
    *,
    spacing: float | None,
    labels: Path | None,
    min_extent: float | None,
) -> Plan:
    """Compare the scans with the store.

    Raises:
        StoreError: no scan can be read, or the spacing contradicts the store's.
    """
    parameters = Parameters(spacing=_spacing(sources, existing.manifest, spacing))
    label_of = labels_of(labels, sources)
    unique, failed = _unique(sources)
    jobs, kept = [], {}
    for name, source in unique.items():
        entry, record = existing.entries.get(name), existing.records.get(name)
        label = label_of.get(name)
        now = _unchanged(record, source, label, labels is not None, parameters) if record else None
        if entry and now and entry.spacing == parameters.spacing and intact(store, entry):
            kept[name] = (entry, now)
        elif entry and record and not now and record.elsewhere(source.paths):
            other = "a scan ingested from another folder"
            failed[name] = (finding("duplicate-id", f"{source.relative} has the id of {other}"),)
        else:
            scan_id = existing.naming.scan(name)
            jobs.append(Job(source, label, parameters, min_extent, store, scan_id, existing.names))
    bare = sorted(set(unique) - set(label_of))
    notes = (f"no labels for {len(bare)} of {len(unique)} scans: {some(bare)}",) if labels and bare else ()
    removed = tuple(sorted(set(existing.places) - set(unique)))
    return Plan(parameters, tuple(jobs), kept, removed, failed, notes)


def intact(store: Path, entry: ScanEntry) -> bool:
    """Whether all arrays are there in their full length; their voxels are `Store.verify`'s business."""
    for kind, written in entry.arrays.items():
        path = array_path(store, entry.content, kind)
        if not path.is_file() or path.stat().st_size != written.bytes:
            return False
    return True


def _unique(sources: Sequence[Source]) -> tuple[dict[str, Source], dict[str, tuple[Finding, ...]]]:
    """One source an id, compared without case: the store may move to a disk that does not tell case apart."""
    first: dict[str, Source] = {}
    failed: dict[str, tuple[Finding, ...]] = {}
    for source in sources:
        owner = first.setdefault(source.id.casefold(), source)
        if owner is not source:
            message = f"{owner.relative} has the id {source.id} as well, and is kept"
            failed[f"{source.id} ({source.relative})"] = (finding("duplicate-id", message),)
    return {source.id: source for source in first.values()}, failed


def _unchanged(
    record: SourceRecord, source: Source, label: Source | None, labels_given: bool, parameters: Parameters
) -> SourceRecord | None:
    """The record as of now if the files are those the scan was made from.

    Where no folder of labels is named, those of an earlier run stay.
    """
    if labels_given:
        return record.again(source.paths, label.paths if label else (), parameters.method)
    now = record.model_copy(update={"labels": ()}).again(source.paths, (), parameters.method)
    return now.model_copy(update={"labels": record.labels}) if now else None


def _spacing(sources: Sequence[Source], manifest: Manifest | None, wanted: float | None) -> float:
    if wanted is not None and not 0.05 <= wanted <= 50:
        raise StoreError(f"a spacing of {wanted:g} mm", cure="give --spacing in mm, for example 1.5")
    if manifest:
        if wanted is not None and wanted != manifest.spacing:
            raise StoreError(
                f"the store has a spacing of {manifest.spacing:g} mm, asked for are {wanted:g} mm",
                cure="leave out --spacing, or ingest into another folder",
            )
        return manifest.spacing
    if wanted is not None:
        return wanted
    infos = [inspect(source, voxels=False) for source in sources]
    median = cohort_spacing(infos)
    if median is None:
        raise nothing_usable({info.id: info.findings for info in infos})
    return max(median, 0.05)


def nothing_usable(failed: Mapping[str, Sequence[Finding]]) -> StoreError:
    """The error when no scan is left, with the first causes."""
    causes = [f"{name}: {f.message}" for name, found in failed.items() for f in found if f.level == "error"]
    more = f" (and {len(causes) - 3} more)" if len(causes) > 3 else ""
    return StoreError(
        f"no scan could be used; {'; '.join(causes[:3])}{more}",
        cure="`orienteer check SCANS` names every cause and its cure",
    )
