"""Who is on which scan, and in which split, once all scans of a store are known."""

from collections.abc import Collection, Mapping, Sequence

from orienteer.store.manifest import Manifest, ScanEntry
from orienteer.store.result import counted, some
from orienteer.store.split import assign_splits
from orienteer.store.table import Row, match


def name_people(
    entries: Sequence[ScanEntry],
    rows: Mapping[str, Row] | None,
    before: Manifest | None,
    left_out: Collection[str] = (),
) -> tuple[tuple[ScanEntry, ...], tuple[str, ...]]:
    """Fill in person, split and table columns.

    The table wins over what the store said before; a scan the table does not name keeps its person, or is a
    person of its own.

    Args:
        entries: every scan the store will hold.
        rows: the table's, by their own ids; None without a table.
        before: the store until now.
        left_out: ids of scans that failed; their rows are not reported as belonging to nothing.

    Returns:
        the entries, and notes for the reader.

    Raises:
        StoreError: a row of the table fits several scans.
    """
    ids = sorted(entry.id for entry in entries)
    matched, unused = match(rows, sorted({*ids, *left_out})) if rows is not None else ({}, [])
    matched = {scan_id: row for scan_id, row in matched.items() if scan_id not in left_out}
    old = {entry.id: entry for entry in before.scans} if before else {}
    notes = []
    if unused:
        notes.append(f"{counted(len(unused), 'row')} of the table without a scan: {some(unused)}")
    alone = [scan_id for scan_id in ids if scan_id not in matched and scan_id not in old]
    if rows is not None and alone:
        notes.append(f"{counted(len(alone), 'scan')} without a row in the table: {some(alone)}")
    people, extra = {}, {}
    for scan_id in ids:
        row, known = matched.get(scan_id), old.get(scan_id)
        people[scan_id] = row.person if row else known.person if known else scan_id
        extra[scan_id] = dict(row.extra) if row else known.table if known else {}
    fixed = {old[s].person: old[s].split for s in ids if s in old}
    earlier = dict(fixed)
    fixed |= {row.person: row.split for row in matched.values() if row.split}
    splits = assign_splits(people.values(), fixed)
    moved = sorted(person for person in earlier if person in splits and splits[person] != earlier[person])
    if moved:
        scans = [s for s in ids if people[s] in moved]
        notes.append(f"the table moved {counted(len(moved), 'person')} to another split: scans {some(scans)}")
    named = tuple(
        e.model_copy(update={"person": people[e.id], "split": splits[people[e.id]], "table": extra[e.id]})
        for e in entries
    )
    return named, tuple(notes)
