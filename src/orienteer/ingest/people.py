"""Who is on which scan, and in which split, once all scans of a store are known."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from orienteer.ingest.result import counted, some
from orienteer.ingest.split import assign_splits
from orienteer.ingest.table import Row, match


@dataclass(frozen=True)
class Place:
    """What the table, or an earlier ingest, says about a scan; the person by the user's own name."""

    person: str
    split: str
    table: Mapping[str, str] = field(default_factory=dict)


def name_people(
    names: Sequence[str],
    rows: Mapping[str, Row] | None,
    before: Mapping[str, Place],
    left_out: Collection[str] = (),
    layout: Mapping[str, Place] = MappingProxyType({}),
) -> tuple[dict[str, Place], tuple[str, ...]]:
    """Find person, split and table columns of every scan.

    The table wins over what the store said before, and that over the folder's layout; a scan of which none of
    them tells the person is a person of its own. Splits follow the user's own names, so that a person has the
    same one in every store, whatever pseudonym each store gives.

    Args:
        names: every scan the store will hold, as its files are called.
        rows: the table's, by their own ids; None without a table.
        before: the store until now, by name.
        left_out: names of scans that failed; their rows are not reported as belonging to nothing.
        layout: what the folder's layout says, by name; a scan's split there may be empty.

    Returns:
        a place for each name, and notes for the reader.

    Raises:
        StoreError: a row of the table fits several scans.
    """
    names = sorted(names)
    matched, unused = match(rows, sorted({*names, *left_out})) if rows is not None else ({}, [])
    matched = {name: row for name, row in matched.items() if name not in left_out}
    notes = []
    if unused:
        notes.append(f"{counted(len(unused), 'row')} of the table without a scan: {some(unused)}")
    alone = [name for name in names if name not in matched and name not in before]
    if rows is not None and alone:
        notes.append(f"{counted(len(alone), 'scan')} without a row in the table: {some(alone)}")
    people, extra = {}, {}
    for name in names:
        row, known, said = matched.get(name), before.get(name), layout.get(name)
        told = known.person if known else name
        # Who was only known by the scan's own name so far may be known better now.
        people[name] = row.person if row else said.person if said and told == name else told
        extra[name] = dict(row.extra) if row else dict(known.table) if known else {}
    earlier = {before[name].person: before[name].split for name in names if name in before}
    fixed = {people[name]: layout[name].split for name in names if name in layout and layout[name].split}
    fixed |= earlier | {row.person: row.split for row in matched.values() if row.split}
    splits = assign_splits(people.values(), fixed)
    moved = sorted(person for person in earlier if person in splits and splits[person] != earlier[person])
    if moved:
        scans = [name for name in names if people[name] in moved]
        notes.append(f"the table moved {counted(len(moved), 'person')} to another split: scans {some(scans)}")
    places = {name: Place(people[name], splits[people[name]], extra[name]) for name in names}
    return places, tuple(notes)
