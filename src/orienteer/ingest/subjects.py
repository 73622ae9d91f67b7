"""Who is on which scan, and in which split, once all scans of a store are known."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from orienteer.errors import StoreError
from orienteer.ingest.existing import NOBODY, Subject
from orienteer.ingest.questions import open_questions, share_splits
from orienteer.ingest.result import MOST_NAMED, some
from orienteer.ingest.split import assign_splits, split_name
from orienteer.ingest.state import Context, ScanState
from orienteer.ingest.table import Row, match


def assign_subjects(states: list[ScanState], context: Context) -> list[ScanState]:
    """Find subject, split and table columns of every scan that the store will hold.

    The table wins over the store, and the store over the folder's layout; a scan whose subject none of them knows is a
    subject of its own. Splits depend on the user's own names, so that a subject has the same split in every store,
    whatever its pseudonym. Scans keep their split when more becomes known of their subjects; a subject that turns out
    to be in train and val goes to train, because a run may have learned from it. A split that the store calls by
    another word (``training``) gets its usual name. Scans that may be of one person share a split until somebody says.

    Raises:
        StoreError: a row of the table fits several scans, the table puts a subject into several splits, or a subject
            turns out to be kept for testing and not.
    """
    rows, _ = match_rows(states, context)
    states = [replace(state, row=rows.get(state.name)) for state in states]
    stored = sorted((state for state in states if state.finished), key=lambda state: state.name)
    ids = _subject_ids(stored)
    from_table = _splits_of_table(stored, ids)
    fixed = {ids[s.name]: s.from_layout.split for s in stored if s.from_layout and s.from_layout.split}
    fixed |= _splits_until_now(stored, ids, from_table) | from_table
    names = share_splits(open_questions(stored, ids, context.table), ids, fixed)
    splits = assign_splits(names.values(), {names[subject]: split for subject, split in fixed.items() if split})
    subjects = {s.name: Subject(ids[s.name], splits[names[ids[s.name]]], _columns(s)) for s in stored}
    return [replace(state, subject=subjects.get(state.name, NOBODY)) for state in states]


def match_rows(states: Sequence[ScanState], context: Context) -> tuple[dict[str, Row], list[str]]:
    """The table's rows by scan, and the ids of unused rows; scans that are left out have rows, too.

    Raises:
        StoreError: a row fits several scans.
    """
    names = [state.name for state in states if state.finished or (state.left_out and state.status != "lost")]
    return match(context.table.rows, sorted(names))


def _columns(state: ScanState) -> dict[str, str]:
    if state.row:
        return dict(state.row.extra)
    return dict(state.earlier.table) if state.earlier else {}


def _subject_ids(states: Sequence[ScanState]) -> dict[str, str]:
    """Who is on each scan; a source that names the subject after the scan itself does not know the subject."""
    ids = {}
    for state in states:
        own = {state.name, state.row.id} if state.row and not state.row.of_person else {state.name}
        told = [state.row.subject] if state.row else []
        told += [subject.id for subject in (state.earlier, state.from_layout) if subject]
        ids[state.name] = next((subject for subject in told if subject not in own), told[0] if told else state.name)
    # Where the layout groups scans and the table names the subject of one of them, all of them are that subject's.
    grouped = {state.name: state.from_layout.id for state in states if state.from_layout}
    better: dict[str, set[str]] = defaultdict(set)
    for name, group in grouped.items():
        if ids[name] != group:
            better[group].add(ids[name])
    for name, group in grouped.items():
        if ids[name] == group and len(better[group]) == 1:
            (ids[name],) = better[group]
    return ids


def _splits_of_table(states: Sequence[ScanState], ids: Mapping[str, str]) -> dict[str, str]:
    """The split the table says for each subject; its rows may not have told that they are of the same one."""
    said: dict[str, dict[str, str]] = defaultdict(dict)
    for state in states:
        if state.row and state.row.split:
            said[ids[state.name]][state.name] = state.row.split
    for scans in said.values():
        if len(set(scans.values())) > 1:
            raise StoreError(
                f"the table puts scans of one subject into several splits: {_where(scans)}",
                cure="give them one split; or, if they are of several subjects, a column person that is not the id",
            )
    return {subject: next(iter(scans.values())) for subject, scans in said.items()}


def _splits_until_now(
    states: Sequence[ScanState], ids: Mapping[str, str], from_table: Collection[str]
) -> dict[str, str]:
    """The split that each subject's scans had until now, of those whose split the table does not say."""
    had: dict[str, dict[str, str]] = defaultdict(dict)
    for state in states:
        if state.earlier and ids[state.name] not in from_table:
            had[ids[state.name]][state.name] = split_name(state.earlier.split)
    for scans in had.values():
        splits = set(scans.values())
        # Nobody but the user may say that a scan kept for testing is learned from, or the other way round.
        if len(splits) > 1 and splits != {"train", "val"}:
            raise StoreError(
                f"scans of one subject are in several splits of the store: {_where(scans)}",
                cure="give a --table with the columns id, person and split, and this subject's scans one split;"
                " the store is as it was",
            )
    return {
        subject: "train" if "train" in scans.values() else next(iter(scans.values())) for subject, scans in had.items()
    }


def _where(scans: Mapping[str, str]) -> str:
    return some([f"{name} in {split}" for name, split in scans.items()], MOST_NAMED)
