"""What an ingest tells the user when it has ended."""

import shlex
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from orienteer.ingest.options import IngestOptions
from orienteer.ingest.questions import notes_on_patients
from orienteer.ingest.result import MOST_NAMED, IngestResult, counted, some
from orienteer.ingest.split import SPLITS, split_name
from orienteer.ingest.state import Context, ScanState
from orienteer.ingest.subjects import match_rows
from orienteer.scans.people_table import table_beside
from orienteer.store.manifest import Manifest


def summarise(
    states: Sequence[ScanState],
    context: Context,
    manifest: Manifest,
    notes: Sequence[str],
    questions: tuple[str, ...],
    answer: str,
    seconds: float,
) -> IngestResult:
    """The result, by the names of the files.

    Args:
        states: after the last stage.
        context: of the ingest.
        manifest: what was written.
        notes: on what was damaged in the store, and on labels.
        questions: which scans may be of one person.
        answer: how to answer them.
        seconds: wall-clock time.
    """
    states = sorted(states, key=lambda state: state.name)
    stored = [state for state in states if state.finished]
    return IngestResult(
        store=context.store,
        manifest=manifest,
        added=tuple(state.name for state in stored if state.status == "new"),
        updated=tuple(state.name for state in stored if state.status == "changed"),
        kept=tuple(state.name for state in stored if not state.is_read),
        removed=tuple(state.name for state in states if state.source is None),
        pruned=context.options.prune,
        failed={state.name: state.left_out.as_findings for state in states if state.left_out},
        quarantined=tuple(state.name for state in states if state.status == "quarantined"),
        skipped=context.found.skipped,
        layouts=context.found.layouts,
        findings={state.name: state.findings for state in states if state.findings},
        notes=(*notes, *notes_on_subjects(states, context), *notes_on_patients(states, context), *context.table.notes),
        questions=questions,
        answer=answer,
        table=_unused_table(stored, context),
        seconds=seconds,
        bytes=sum(array.bytes for entry in manifest.scans for array in entry.arrays.values()),
    )


def _unused_table(stored: Sequence[ScanState], context: Context) -> Path | None:
    """One that lies beside the scans, while no table was ever given."""
    sources = context.found.sources
    if context.table.path or not sources or any(state.subject.table for state in stored):
        return None
    return table_beside(sources[0].root, sources)


def notes_on_labels(states: Sequence[ScanState], options: IngestOptions) -> tuple[str, ...]:
    """A note on scans without labels, where the user named a folder of them; before anything is read."""
    fitting = [state for state in states if state.source and state.status == "found"]
    bare = sorted(state.name for state in fitting if state.source and not state.source.labels)
    told = options.labels and bare
    return (f"no labels for {len(bare)} of {len(fitting)} scans: {some(bare)}",) if told else ()


def notes_on_reading(states: Sequence[ScanState]) -> tuple[str, ...]:
    """A note on stored scans that are read again although nothing of them changed; before anything is read."""
    again = [
        state.name
        for state in states
        if state.source and state.stored and state.stored.record and state.stored.record.reading != state.source.reading
    ]
    told = f"{counted(len(again), 'scan')} stored by an earlier version, which read the format differently, read again"
    return (f"{told}: {some(again)}",) if again else ()


def notes_on_subjects(states: Sequence[ScanState], context: Context) -> list[str]:
    """Notes on rows without scan, scans without row, unusual splits, and scans that moved to another split."""
    stored = [state for state in states if state.finished]
    _, unused = match_rows(states, context)
    alone = [state.name for state in stored if state.row is None and state.earlier is None]
    notes = []
    if unused:
        notes.append(f"{counted(len(unused), 'row')} of the table without a scan: {some(unused)}")
    if context.table.path and alone:
        notes.append(f"{counted(len(alone), 'scan')} without a row in the table: {some(alone)}")
    from_table = {state.subject.id for state in stored if state.row and state.row.split}
    return [*notes, *_unusual(stored, from_table), *_moves(stored, from_table)]


def _unusual(stored: Sequence[ScanState], from_table: set[str]) -> list[str]:
    """A note where the table names splits that no run uses: on purpose, or a typing error."""
    scans = Counter(state.subject.split for state in stored if state.subject.split not in SPLITS)
    named = sorted({state.subject.split for state in stored if state.subject.id in from_table} & set(scans))
    if not named:
        return []
    which = some([f"{split!r} ({counted(scans[split], 'scan')})" for split in named])
    return [
        f"nothing learns from split{'s' * (len(named) > 1)} {which}, none of {', '.join(SPLITS[:-1])} and {SPLITS[-1]};"
        f" `orienteer evaluate RUN STORE --split {shlex.quote(named[0])}` shows how a run does there"
    ]


def _moves(stored: Sequence[ScanState], from_table: set[str]) -> list[str]:
    """A note for each pair of splits that scans moved between."""
    moved = defaultdict(list)
    for state in stored:
        if state.earlier and (old := state.earlier.split) != (new := state.subject.split):
            why = "because another scan of the same subject is there"
            if split_name(old) == new:
                why = "because both words mean the same split"
            elif state.subject.id in from_table:
                why = "by the table"
            moved[old, new, why].append(state.name)
    notes = []
    for (old, new, why), scans in sorted(moved.items()):
        late = "; runs that learned from them before have seen them" if old == "train" else ""
        which = some(scans, MOST_NAMED)
        notes.append(f"{counted(len(scans), 'scan')} moved from {old} to {new} {why}: {which}{late}")
    return notes
