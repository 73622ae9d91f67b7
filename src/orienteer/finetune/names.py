"""What a store's label values are called: as the scans' data sets say, where these agree."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from orienteer.errors import ConfigError
from orienteer.store import Store
from orienteer.units import some

if TYPE_CHECKING:
    from orienteer.finetune.structures import Structures
    from orienteer.finetune.work import Finetuning

Groups = dict[str, tuple[int, ...]]


def default_groups(store: Store, known: Sequence[int]) -> Groups:
    """A structure of every value, called as the data set calls it, or ``structure 7``.

    Args:
        store: with labels.
        known: values that the training labels hold.

    Raises:
        ConfigError: the store's data sets call their values differently, or name regions that share values.
    """
    named = _named(store)
    _check_regions(named)
    there = {name: values for name, values in named.items() if set(values) & set(known)}
    meant = {value for values in named.values() for value in values}
    return there | {f"structure {value}": (value,) for value in known if value not in meant}


def about_labels(work: "Finetuning") -> list[str]:
    """What a person has to know of the labels that are learned: ignored values, structures that nobody shows."""
    structures, store = work.goal.structures, work.store
    if structures is None:
        return []
    entries = [entry for entry in store.manifest.scans if entry.labelled]
    marked = sorted({value for entry in entries for value in entry.ignored})
    notes = []
    if values := sorted({*marked, *structures.ignored}):
        plural, verb = ("value", "takes") if len(values) == 1 else ("values", "take")
        listed = ", ".join(f"{value} (ignore)" for value in values)
        notes.append(f"note: label {plural} {listed} {verb} no part in loss and scores")
    named = {name for entry in entries for name in entry.structures}
    if work.settings.structures is None and (lost := sorted(named - set(structures.names))):
        notes.append(f"note: not learned, because no labelled training scan holds it: {some(lost)}")
    return notes


def about_scored(store: Store, learned: Iterable["Structures | None"], scans: Sequence[str]) -> list[str]:
    """A line naming scored scans whose labels hold no learned value: they count as lacking every structure.

    Args:
        store: with labels.
        learned: the structures of each network; None for one that segments nothing. A line for each set that differs.
        scans: to score.

    Raises:
        StoreError: damaged labels.
    """
    known = dict.fromkeys(each for each in learned if each is not None)
    held: dict[str, set[int]] = {}
    for scan in scans if known else ():
        voxels = np.bincount(np.clip(store.labels(scan), 0, None).ravel())
        held[scan] = set(np.flatnonzero(voxels).tolist()) - {0}
    return [line for each in known if (line := _lacking(each, held))]


def _lacking(structures: "Structures", held: Mapping[str, set[int]]) -> str:
    """Which scans, of those with the values they hold, hold none of some structures, in words; empty if none."""
    known = {value for group in structures.values for value in group}
    strange = {scan: there for scan, values in held.items() if (there := values - {*structures.ignored})}
    strange = {scan: there for scan, there in strange.items() if not there & known}
    if not strange:
        return ""
    values, wanted = (some([*map(str, sorted(each))]) for each in (set().union(*strange.values()), known))
    return (
        f"note: scored as lacking every structure: {some(list(strange))}, whose labels hold {values} and none of the"
        f" learned {wanted}; if these mean the same, give them the same values"
    )


def about_categories(work: "Finetuning") -> list[str]:
    """A line for each split with its categories and their subjects: a rare one may be a misspelt one."""
    counts = {split: some([f"{name} {n}" for name, n in found.items()], 20) for split, found in work.categories.items()}
    return [f"{work.settings.column} of subjects in {split}: {text}" for split, text in counts.items()]


def _named(store: Store) -> Groups:
    """The names that all labelled scans agree in."""
    entries = [entry for entry in store.manifest.scans if entry.labelled and entry.structures]
    first = entries[0] if entries else None
    for entry in entries:
        if first is not None and entry.structures != first.structures:
            raise ConfigError(
                f"labels of {first.id} and {entry.id} come from data sets with other structures:"
                f" {_text(first.structures)}; and {_text(entry.structures)}",
                cure="ingest each data set into a store of its own, or say in `structures` what to learn of both",
            )
    return dict(first.structures) if first is not None else {}


def _check_regions(named: Groups) -> None:
    """Refuse regions: a voxel has one class, and a region would lose the voxels it shares."""
    members: dict[int, list[str]] = {}
    for name, values in named.items():
        for value in values:
            members.setdefault(value, []).append(name)
    shared = next((names for names in members.values() if len(names) > 1), None)
    if shared is None:
        return
    parts: dict[str, list[int]] = {}
    for value, names in members.items():
        parts.setdefault(" and ".join(names), []).append(value)
    raise ConfigError(
        f"the structures {shared[0]} and {shared[1]} of dataset.json share label values, and a voxel is learned as one",
        cure="name parts that share none in `structures`, for example {" + _text(parts) + "}",
    )


def _text(groups: "dict[str, list[int]] | Groups") -> str:
    return ", ".join(f"{name}: {list(values)}" for name, values in groups.items())
