"""What an ingest has to do: which scans are new, changed, unchanged, gone or in each other's way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orienteer.errors import StoreError
from orienteer.ingest.existing import Existing
from orienteer.ingest.prepare import Job
from orienteer.ingest.quarantine import LeftOut, conditions_of, copy_conditions
from orienteer.ingest.result import some
from orienteer.scans import Finding, Source, inspect
from orienteer.scans.channels import odd_channels, usual_channels
from orienteer.scans.cohort import cohort_spacing
from orienteer.scans.findings import finding
from orienteer.store.integrity import intact
from orienteer.store.manifest import Manifest, Parameters, ScanEntry
from orienteer.store.sources import SourceRecord


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        parameters: what the voxels will depend on.
        jobs: scans to read.
        kept: entries that stay, with what they were made from, by name.
        removed: names of stored scans without a file among the scans.
        failed: scans that will not be read, and why.
        quarantined: those of them that were left out before and are as they were.
        notes: what is worth knowing about the labels.
    """

    parameters: Parameters
    jobs: tuple[Job, ...]
    kept: Mapping[str, tuple[ScanEntry, SourceRecord]]
    removed: tuple[str, ...]
    failed: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    quarantined: Mapping[str, LeftOut] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def make_plan(
    sources: Sequence[Source],
    store: Path,
    existing: Existing,
    *,
    spacing: float | None,
    labels: Mapping[str, Source] | None,
    min_extent: float | None,
    retry: bool = False,
    table: str = "",
) -> Plan:
    """Compare the scans with the store and with the list of what was left out.

    Args:
        sources: every scan there is.
        store: the folder.
        existing: what it holds.
        spacing: mm; None for the store's, or the scans' median.
        labels: label files by scan; None where the user named no folder of them.
        min_extent: shorter scans are left out, mm.
        retry: read also what was left out before and is as it was.
        table: digest of the user's table.

    Raises:
        StoreError: no scan can be read, or the spacing contradicts the store's.
    """
    unique, failed = _unique(sources)
    odd = _odd(unique, existing.manifest)
    fitting = {name: source for name, source in unique.items() if name not in odd}
    failed |= odd
    parameters = Parameters(spacing=_spacing(tuple(fitting.values()), existing.manifest, spacing))
    label_of = {source.id: source.labels for source in sources if source.labels} | dict(labels or {})
    jobs, kept = [], {}
    for name, source in fitting.items():
        entry, record = existing.entries.get(name), existing.records.get(name)
        label = label_of.get(name)
        told = labels is not None or source.labels is not None
        now = _unchanged(record, source, label, told, parameters) if record else None
        same = entry and entry.spacing == parameters.spacing and entry.channels == source.kind[0]
        if entry and now and same and intact(store, entry):
            kept[name] = (entry.model_copy(update={"channel_names": source.channel_names}), now)
        elif entry and record and not now and record.elsewhere(source.paths):
            other = "a scan ingested from another folder"
            failed[name] = (finding("duplicate-id", f"{source.relative} has the id of {other}"),)
        else:
            scan_id = existing.naming.scan(name)
            jobs.append(Job(source, label, parameters, min_extent, store, scan_id, existing.names))
    bare = sorted(set(fitting) - set(label_of))
    quarantined = {} if retry else _quarantined(jobs, existing, kept, table)
    jobs = [job for job in jobs if job.source.id not in quarantined]
    failed |= {name: left.as_findings for name, left in quarantined.items()}
    notes = (f"no labels for {len(bare)} of {len(fitting)} scans: {some(bare)}",) if labels is not None and bare else ()
    removed = tuple(sorted(set(existing.places) - set(unique)))
    return Plan(parameters, tuple(jobs), kept, removed, failed, quarantined, notes)


def _quarantined(
    jobs: Sequence[Job], existing: Existing, kept: Mapping[str, tuple[ScanEntry, SourceRecord]], table: str
) -> dict[str, LeftOut]:
    """The jobs that would only tell once more what is already known."""
    known = {}
    for job in jobs:
        left = existing.quarantine.scans.get(job.source.id)
        if left is None:
            continue
        now = conditions_of(job.source, job.parameters, job.min_extent)
        if original := left.conditions.get("copy_of"):
            now |= copy_conditions(original, kept[original][0] if original in kept else None, table)
        if left.still(job.source, now):
            known[job.source.id] = left
    return known


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


def _odd(unique: Mapping[str, Source], manifest: Manifest | None) -> dict[str, tuple[Finding, ...]]:
    """Scans with other channels than the store, or than most where there is no store yet; known without reading."""
    kinds = {name: source.kind for name, source in unique.items()}
    usual = manifest.kind if manifest and manifest.scans else usual_channels(kinds.values())
    found = {name: odd_channels(kind, usual) for name, kind in kinds.items()}
    return {name: (odd,) for name, odd in found.items() if odd}


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
