"""Who is on which scan, and in which split, once all scans of a store are known."""

import shlex
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from orienteer.errors import StoreError
from orienteer.ingest.result import counted, some
from orienteer.ingest.split import SPLITS, assign_splits, split_name
from orienteer.ingest.table import Row, match

MOST_NAMED = 50
"""Scans that a note on splits names: whoever reads it has to look them up."""


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
    them tells the person is a person of its own. A table without people says nothing of them. Splits follow the
    user's own names, so that a person has the same one in every store, whatever pseudonym each store gives. Scans
    keep the split they had when more becomes known of who is on them; who turns out to be in train and val learns,
    because a run may have learned from them. A split that the store calls by another word (``training``) gets its
    usual name.

    Args:
        names: every scan the store will hold, as its files are called.
        rows: the table's, by their own ids; None without a table.
        before: the store until now, by name.
        left_out: names of scans that failed; their rows are not reported as belonging to nothing.
        layout: what the folder's layout says, by name; a scan's split there may be empty.

    Returns:
        a place for each name, and notes for the reader.

    Raises:
        StoreError: a row of the table fits several scans, the table puts a person into several splits, or a person
            turns out to be kept for testing and not.
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
    people = _people(names, matched, before, layout)
    extra = {
        name: dict(matched[name].extra) if name in matched else dict(before[name].table) if name in before else {}
        for name in names
    }
    fixed = {people[name]: layout[name].split for name in names if name in layout and layout[name].split}
    wanted = _wanted(people, matched)
    fixed |= _earlier({name: people[name] for name in names if name in before}, before, wanted) | wanted
    splits = assign_splits(people.values(), fixed)
    places = {name: Place(people[name], splits[people[name]], extra[name]) for name in names}
    return places, (*notes, *_unusual(places, wanted), *_moves(places, before, wanted))


def _people(
    names: Sequence[str], matched: Mapping[str, Row], before: Mapping[str, Place], layout: Mapping[str, Place]
) -> dict[str, str]:
    """Who is on each scan: what calls the scan's person by the scan's own name knows nothing of them."""
    people = {}
    for name in names:
        row = matched.get(name)
        own = {name, row.id} if row else {name}
        told = [row.person] if row else []
        told += [places[name].person for places in (before, layout) if name in places]
        people[name] = next((person for person in told if person not in own), told[0] if told else name)
    # The layout knows who belong together, the table may know one of them by name: then it is the name of all.
    better: dict[str, set[str]] = defaultdict(set)
    for name in names:
        if name in layout and people[name] != layout[name].person:
            better[layout[name].person].add(people[name])
    for name in names:
        if name in layout and people[name] == layout[name].person and len(better[people[name]]) == 1:
            (people[name],) = better[people[name]]
    return people


def _wanted(people: Mapping[str, str], matched: Mapping[str, Row]) -> dict[str, str]:
    """The split the table says for each person; its rows may not have told that they are of the same one."""
    said: dict[str, dict[str, str]] = defaultdict(dict)
    for name, row in matched.items():
        if row.split:
            said[people[name]][name] = row.split
    for scans in said.values():
        if len(set(scans.values())) > 1:
            where = some([f"{name} in {split}" for name, split in scans.items()], MOST_NAMED)
            raise StoreError(
                f"the table puts scans of one person into several splits: {where}",
                cure="give them one split; or, if they are of several people, a column person that is not the id",
            )
    return {person: next(iter(scans.values())) for person, scans in said.items()}


def _earlier(people: Mapping[str, str], before: Mapping[str, Place], wanted: Collection[str]) -> dict[str, str]:
    """The split that each person's scans had until now, by the name the person has now.

    Args:
        people: the person of each stored scan.
        before: the store until now.
        wanted: people whose split the table says.
    """
    had: dict[str, dict[str, str]] = defaultdict(dict)
    for name, person in people.items():
        if person not in wanted:
            had[person][name] = split_name(before[name].split)
    for scans in had.values():
        splits = set(scans.values())
        # Nobody but the user may say that a scan kept for testing is learned from, or the other way round.
        if len(splits) > 1 and splits != {"train", "val"}:
            where = some([f"{name} in {split}" for name, split in scans.items()], MOST_NAMED)
            raise StoreError(
                f"scans of one person are in several splits of the store: {where}",
                cure="give a --table with the columns id, person and split, and this person's scans one split;"
                " the store is as it was",
            )
    return {
        person: "train" if "train" in scans.values() else next(iter(scans.values())) for person, scans in had.items()
    }


def _unusual(places: Mapping[str, Place], wanted: Mapping[str, str]) -> list[str]:
    """A note where the table names splits that have no meaning to a run: meant so, or a slip of the pen."""
    scans = Counter(place.split for place in places.values() if place.split not in SPLITS)
    named = sorted(set(scans) & set(wanted.values()))
    if not named:
        return []
    which = some([f"{split!r} ({counted(scans[split], 'scan')})" for split in named])
    return [
        f"nothing learns from split{'s' * (len(named) > 1)} {which}, none of {', '.join(SPLITS[:-1])} and {SPLITS[-1]};"
        f" `orienteer evaluate RUN STORE --split {shlex.quote(named[0])}` shows how a run does there"
    ]


def _moves(places: Mapping[str, Place], before: Mapping[str, Place], wanted: Collection[str]) -> list[str]:
    """A note for each way that scans changed sides."""
    moved = defaultdict(list)
    for name, place in places.items():
        if name in before and (old := before[name].split) != place.split:
            told = "by the table" if place.person in wanted else "because another scan of the same person is there"
            why = "because both words mean the same split" if split_name(old) == place.split else told
            moved[old, place.split, why].append(name)
    notes = []
    for (old, new, why), scans in sorted(moved.items()):
        late = "; runs that learned from them before have seen them" if old == "train" else ""
        which = some(scans, MOST_NAMED)
        notes.append(f"{counted(len(scans), 'scan')} moved from {old} to {new} {why}: {which}{late}")
    return notes
