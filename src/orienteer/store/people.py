"""Who is on which scan, and in which split, once all scans of a store are known."""

from collections.abc import Mapping, Sequence

from orienteer.store.manifest import Manifest, ScanEntry
from orienteer.store.split import assign_splits
from orienteer.store.table import Row, match


def name_people(
    entries: Sequence[ScanEntry], rows: Mapping[str, Row] | None, before: Manifest | None
) -> tuple[tuple[ScanEntry, ...], tuple[str, ...]]:
    """Fill in person, split and table columns.

    The table wins over what the store said before; a scan the table does not name keeps its person, or is a person
    of its own.

    Returns:
        the entries, and notes for the reader.

    Raises:
        StoreError: a row of the table fits several scans.
    """
    ids = sorted(entry.id for entry in entries)
    matched, unused = match(rows, ids) if rows is not None else ({}, [])
    notes = []
    if unused:
        notes.append(f"{_scans(len(unused), 'row')} of the table without a scan: {_some(unused)}")
    if rows is not None and len(matched) < len(ids):
        alone = [scan_id for scan_id in ids if scan_id not in matched]
        notes.append(f"{_scans(len(alone), 'scan')} without a row in the table: {_some(alone)}")
    old = {entry.id: entry for entry in before.scans} if before else {}
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
        notes.append(f"the table moved {_scans(len(moved), 'person')} to another split: scans {_some(scans)}")
    named = tuple(
        e.model_copy(update={"person": people[e.id], "split": splits[people[e.id]], "table": extra[e.id]})
        for e in entries
    )
    return named, tuple(notes)


def _scans(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _some(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
