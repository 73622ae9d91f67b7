"""Plan: which scans are new, changed or unchanged, and which would only be refused once more."""

from collections.abc import Mapping
from dataclasses import replace

from orienteer.ingest.finished import Finished
from orienteer.ingest.labels import LABELS_METHOD, may_differ, meaning_of_labels
from orienteer.ingest.quarantine import conditions_of, copy_conditions
from orienteer.ingest.state import Context, ScanState
from orienteer.scans.findings import finding
from orienteer.scans.source import Source
from orienteer.store.integrity import intact
from orienteer.store.manifest import ScanEntry
from orienteer.store.sources import SourceRecord


def plan(states: list[ScanState], context: Context) -> list[ScanState]:
    """Compare every scan that was found with the store, then with the list of what was left out."""
    states = [_compare(state, context) for state in states]
    if context.options.retry:
        return states
    unchanged = {state.name: state.finished for state in states if state.status == "unchanged"}
    return [_unless_quarantined(state, context, unchanged) if state.is_read else state for state in states]


def _compare(state: ScanState, context: Context) -> ScanState:
    source, stored, parameters = state.source, state.stored, context.parameters
    if state.status != "found" or source is None:
        return state
    now = _record_now(state, source, context)
    refused = any(fault.level == "error" for fault in source.faults)
    if stored and now and not refused and _fits(stored.entry, source, context):
        meaning = meaning_of_labels(source.labels if stored.entry.labelled else None)
        entry = stored.entry.model_copy(update={"channel_names": source.channel_names, **meaning})
        return replace(state, status="unchanged", finished=Finished.of(entry, now))
    if stored and stored.record and not now and stored.record.elsewhere(source.paths):
        message = f"{source.relative} has the id of a scan ingested from another folder"
        return state.leave_out(finding("duplicate-id", message))
    return replace(
        state,
        status="changed" if stored and stored.subject else "new",
        scan_id=context.before.naming("scan", state.name),
        conditions=conditions_of(source, parameters, context.options.min_extent),
    )


def _fits(entry: ScanEntry, source: Source, context: Context) -> bool:
    same = entry.spacing == context.parameters.spacing and entry.channels == source.channels[0]
    return same and intact(context.store, entry)


def _record_now(state: ScanState, source: Source, context: Context) -> SourceRecord | None:
    """The record as of now if the files are those the scan was made from.

    Where no folder of labels is named, those of an earlier run stay.
    """
    record = state.stored.record if state.stored else None
    method = context.parameters.method
    if record is None or state.stored is None or record.reading != source.reading:
        return None
    if record.intensities != str(context.parameters.convention):  # of a killed ingest that was asked otherwise
        return None
    if source.labels and record.ignored != source.labels.ignored:
        return None
    if source.labels and may_differ(source.labels, state.stored.entry, record.labels_method):
        return None
    record = record.model_copy(update={"labels_method": LABELS_METHOD} if source.labels else {})
    if context.options.labels or source.labels:
        return record.again(source.paths, source.labels.paths if source.labels else (), method)
    now = record.model_copy(update={"labels": ()}).again(source.paths, (), method)
    return now.model_copy(update={"labels": record.labels}) if now else None


def _unless_quarantined(state: ScanState, context: Context, unchanged: Mapping[str, Finished | None]) -> ScanState:
    """Left out again where reading would only tell once more what is already known."""
    known = context.before.quarantine.scans.get(state.name)
    if known is None or state.source is None:
        return state
    now = dict(state.conditions)
    if original := known.conditions.get("copy_of"):
        now |= copy_conditions(original, unchanged.get(original), context.table.digest)
    if not known.still(state.source, now):
        return state
    return replace(state, status="quarantined", left_out=known, conditions={})
