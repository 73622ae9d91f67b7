"""Two scans with the same voxels: one file under a new name, or one scan that must not be in two splits."""

from dataclasses import replace

from orienteer.ingest.existing import Subject
from orienteer.ingest.quarantine import copy_conditions
from orienteer.ingest.state import Context, ScanState
from orienteer.ingest.subjects import assign_subjects
from orienteer.scans.findings import finding


def follow_renames(states: list[ScanState], context: Context) -> list[ScanState]:
    """A renamed scan keeps its subject, split and columns; pruning the old name must not move it to another split."""
    stay = {state.name for state in states if state.finished}
    gone = {stored.entry.voxels: name for name, stored in context.before.published.items() if name not in stay}
    renamed = []
    for state in states:
        old = gone.get(state.voxels, "")
        said = context.before.stored[old].subject if old and not state.earlier else None
        if said:
            state = replace(state, earlier=replace(said, id=state.name) if said.id == old else said)
        renamed.append(state)
    return renamed


def drop_copies(states: list[ScanState], context: Context) -> list[ScanState]:
    """Leave out scans with the voxels of another subject's scan: one body could be in two splits.

    The copy may know the subject of the scan that is kept: when a second echo is added to a stored series, the series
    becomes two volumes. The first is a copy of the stored scan, and the second must have the same subject.
    """
    owner: dict[str, ScanState] = {}
    changed: dict[str, ScanState] = {}
    for state in sorted((s for s in states if s.finished), key=lambda state: (state.is_read, state.name)):
        first = owner.setdefault(state.voxels, state)
        if first.subject.id == state.subject.id:
            continue
        assert state.finished and first.finished
        message = f"holds the same voxels as {first.name}, which is kept"
        if first.source is None:
            message += " although its file is gone; --prune takes this one in its place and leaves it in its split"
        changed[state.name] = state.leave_out(
            finding("identical-content", message, level="error"),
            status="copy",
            record=state.finished.record,
            conditions={**state.conditions, **copy_conditions(first.name, first.finished, context.table.digest)},
        )
        if first.subject.id == first.name and state.subject.id != state.name:
            split = first.from_layout.split if first.from_layout else ""
            changed[first.name] = replace(first, from_layout=Subject(state.subject.id, split))
    # Without the copies, other subjects may have to be held out.
    return assign_subjects([changed.get(state.name, state) for state in states], context) if changed else states
