"""Read: new and changed scans, in parallel; finished ones survive a kill."""

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from functools import partial

from orienteer.console import Bar
from orienteer.errors import StoreError
from orienteer.ingest.finished import Finished
from orienteer.ingest.job import Job, Outcome
from orienteer.ingest.options import IngestOptions
from orienteer.ingest.state import Context, ScanState
from orienteer.ingest.workers import prepare_all, prepare_on
from orienteer.scans.findings import finding
from orienteer.scans.source import Source
from orienteer.store.integrity import intact
from orienteer.store.journal import IngestJournal
from orienteer.store.private import write_private
from orienteer.store.sources import SourceRecord


def read(states: list[ScanState], context: Context) -> list[ScanState]:
    """Prepare new and changed scans; finished ones are journalled, so a kill only costs those in progress.

    A scan whose file is gone or became unusable stays as it is stored, if its arrays are intact.

    Raises:
        StoreError: the disk refuses.
        OrienteerError: the cluster is not there, or no worker of it can help.
    """
    before, options = context.before, context.options
    if options.names == "pseudonyms" and before.manifest is None:
        # Before the first scan is journalled: a run that goes on after a kill must give the same pseudonyms.
        write_private(context.store, before.private)
    jobs = [_job(state, state.source, context) for state in states if state.source and state.is_read]
    planned = {state.name: state for state in states if state.is_read}
    with (
        Bar("reading scans", len(jobs), shown=options.progress) as bar,
        closing(_prepared(jobs, options, bar)) as prepared,
    ):
        for outcome in prepared:
            bar.advance(outcome.id)
            if outcome.stop:
                raise StoreError(outcome.stop[0], cure=f"{outcome.stop[1]}, then run the same ingest again")
            if outcome.entry and outcome.record:
                IngestJournal(context.store).append(outcome.entry, outcome.record)
            planned[outcome.id] = _with(planned[outcome.id], outcome)
    return [_or_as_stored(planned.get(state.name, state), context) for state in states]


def _prepared(jobs: list[Job], options: IngestOptions, bar: Bar) -> Generator[Outcome, None, None]:
    if options.cluster is None:
        return prepare_all(jobs, options.workers)
    return prepare_on(options.cluster, jobs, options.workers, partial(bar.console.print, markup=False, soft_wrap=True))


def _job(state: ScanState, source: Source, context: Context) -> Job:
    options = context.options
    return Job(source, context.parameters, options.min_extent, context.store, state.scan_id, options.names)


def _with(state: ScanState, outcome: Outcome) -> ScanState:
    if outcome.entry is None or outcome.record is None:
        return state.leave_out(*outcome.findings, record=outcome.record, conditions=state.conditions)
    return replace(state, finished=Finished.of(outcome.entry, outcome.record), findings=outcome.findings)


def _or_as_stored(state: ScanState, context: Context) -> ScanState:
    """The scan as the store has it, where it was not read with success; gone ones only unless they are pruned."""
    stored, gone = state.stored, state.status == "gone"
    if state.finished or stored is None or stored.subject is None or (gone and context.options.prune):
        return state
    if intact(context.store, stored.entry):
        record = stored.record or SourceRecord(files=(), method=0)
        return replace(state, finished=Finished.of(stored.entry, record))
    message = "its stored voxels are damaged, and its file is no longer there"
    return state.leave_out(finding("damaged", message, level="error"), status="lost") if gone else state
