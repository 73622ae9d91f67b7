"""From what was read to what the store will say: who is on each scan, what is a copy, what was left out."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from orienteer.ingest.existing import Existing
from orienteer.ingest.people import Place, name_people
from orienteer.ingest.plan import Plan
from orienteer.ingest.quarantine import LeftOut, conditions_of, copy_conditions, left_out
from orienteer.ingest.table import Row
from orienteer.ingest.work import Findings, Made, Work
from orienteer.scans import Finding
from orienteer.scans.findings import finding
from orienteer.store.integrity import intact
from orienteer.store.manifest import Manifest
from orienteer.store.private import Private
from orienteer.store.sources import SourceRecord

Copies = dict[str, tuple[str, tuple[Finding, ...]]]
"""What each is a copy of, and the finding that says so."""


def staying(store: Path, plan: Plan, before: Existing, failed: Findings, *, prune: bool) -> Made:
    """Scans that stay although they were not found again, or although their file has gone bad since."""
    chosen = (set(before.places) & set(failed)) | (set() if prune else set(plan.removed))
    stay = {}
    for name in chosen:
        entry, record = before.entries[name], before.records.get(name)
        if intact(store, entry):
            stay[name] = (entry, record or SourceRecord(files=(), method=0))
    return stay


def lost(before: Existing, places: Mapping[str, Place], plan: Plan, *, prune: bool) -> Findings:
    """Scans that were stored, cannot stay, and of which nothing else is said."""
    message = "its stored voxels are damaged, and its file is no longer there"
    gone = [] if prune else [name for name in plan.removed if name not in places]
    return {name: (finding("damaged", message, level="error"),) for name in gone}


def settle(
    made: Made,
    kept: Made,
    rows: Mapping[str, Row] | None,
    before: Existing,
    failed: Findings,
    said: Mapping[str, Place],
    gone: Collection[str],
) -> tuple[dict[str, Place], Copies, tuple[str, ...]]:
    """Name the people, then leave out copies: the same voxels under two people would cross the splits.

    A copy that is left out may still tell who is on the scan that is kept: a second echo makes two volumes of a stored
    series, of which the first is its copy and the second must not become somebody else.
    """
    earlier = {**before.places, **_renamed(made, before)}
    places, notes = name_people(tuple(made), rows, earlier, set(failed) - set(made), said)
    owner: dict[str, str] = {}
    copies: Copies = {}
    known = dict(said)
    for name in sorted(made, key=lambda name: (name not in kept, name)):
        first = owner.setdefault(made[name][0].arrays["image"].sha256, name)
        if places[first].person != places[name].person:
            message = f"holds the same voxels as {first}, which is kept"
            if first in gone:
                message += " although its file is gone; --prune takes this one in its place and leaves it in its split"
            copies[name] = (first, (finding("identical-content", message, level="error"),))
            if places[first].person == first and places[name].person != name:
                known[first] = Place(places[name].person, said[first].split if first in said else "")
    if copies:
        single = tuple(name for name in made if name not in copies)
        places, notes = name_people(single, rows, earlier, (set(failed) | set(copies)) - set(made), known)
    return places, copies, notes


def _renamed(made: Made, before: Existing) -> dict[str, Place]:
    """What the store said of scans whose name is gone, by their new one: no name may move anybody to another split."""
    gone = {before.entries[name].arrays["image"].sha256: name for name in before.places if name not in made}
    places = {}
    for name in made:
        old = gone.get(made[name][0].arrays["image"].sha256)
        if old is not None and name not in before.places:
            place = before.places[old]
            places[name] = replace(place, person=name) if place.person == old else place
    return places


def still_out(plan: Plan, work: Work, copies: Copies, made: Made, before: Existing, table: str) -> dict[str, LeftOut]:
    """The list as it stands now; what lies in another folder of scans stays on it while its files are there."""
    here = {job.source.id for job in plan.jobs} | set(plan.kept) | set(plan.failed)
    stay = {
        name: left
        for name, left in before.quarantine.scans.items()
        if name not in here and left.source and all(Path(stamp.path).exists() for stamp in left.source.files)
    }
    twice = {name: left_out(why, None, {}) for name, why in plan.failed.items()}
    conditions = {job.source.id: conditions_of(job.source, job.parameters, job.min_extent) for job in plan.jobs}
    same = {
        name: left_out(why, made[name][1], conditions.get(name, {}) | copy_conditions(first, made[first][0], table))
        for name, (first, why) in copies.items()
    }
    return {**stay, **twice, **plan.quarantined, **work.refused, **same}


def named(made: Made, places: Mapping[str, Place], before: Existing, plan: Plan) -> tuple[Manifest, Private]:
    """What everybody may read, and what only the owner may."""
    call, entries, records = before.naming, [], {}
    for name, place in places.items():
        entry, record = made[name]
        said = {"person": call.person(place.person), "split": place.split, "table": dict(place.table)}
        entries.append(entry.model_copy(update=said))
        records[entry.id] = record.model_copy(update={"name": name, "person": place.person})
    people = {call.person(place.person): place.person for place in places.values()}
    private = before.private.model_copy(
        update={"scans": records, "people": people if before.names == "pseudonyms" else {}}
    )
    return Manifest.of(entries, plan.parameters, before.names), private
