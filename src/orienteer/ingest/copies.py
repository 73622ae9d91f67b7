"""Two scans with the same voxels: one file under a new name, or one scan that must not be in two splits."""

from dataclasses import replace

from orienteer.ingest.existing import Subject
from orienteer.ingest.quarantine import copy_conditions
from orienteer.ingest.state import Context, ScanState
from orienteer.ingest.subjects import assign_subjects
from orienteer.scans.findings import finding


def follow_renames(states: list[ScanState], context: Context) -> list[ScanState]:
    """New names of scans that leave the store keep what it said of them: no name may move anybody to another split."""
    stay = {state.name for state in states if state.entry}
    gone = {stored.voxels: name for name, stored in context.before.published.items() if name not in stay}
    renamed = []
    for state in states:
        old = gone.get(state.voxels, "")
        said = context.before.stored[old].subject if old and not state.earlier else None
        if said:
            state = replace(state, earlier=replace(said, id=state.name) if said.id == old else said)
        renamed.append(state)
    return renamed


def drop_copies(states: list[ScanState], context: Context) -> list[ScanState]:
    """Leave out scans with the voxels of another scan under another subject: they would cross the splits.

    A copy that is left out may still tell who is on the scan that is kept: a second echo makes two volumes of a stored
    series, of which the first is its copy and the second must keep the same subject.
    """
    owner: dict[str, ScanState] = {}
    changed: dict[str, ScanState] = {}
    for state in sorted((s for s in states if s.entry), key=lambda state: (state.is_read, state.name)):
        first = owner.setdefault(state.voxels, state)
        if first.subject.id == state.subject.id:
            continue
        message = f"holds the same voxels as {first.name}, which is kept"
        if first.source is None:
            message += " although its file is gone; --prune takes this one in its place and leaves it in its split"
        changed[state.name] = state.leave_out(
            finding("identical-content", message, level="error"),
            status="copy",
            record=state.record,
            conditions={**state.conditions, **copy_conditions(first.name, first.entry, context.table.digest)},
        )
        if first.subject.id == first.name and state.subject.id != state.name:
            split = first.from_layout.split if first.from_layout else ""
            changed[first.name] = replace(first, from_layout=Subject(state.subject.id, split))
    # Without the copies others may be the first of their subject, or the only ones to hold out.
    return assign_subjects([changed.get(state.name, state) for state in states], context) if changed else states
