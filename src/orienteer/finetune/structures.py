"""Which label values make up which structure, checked against the labels that are there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from orienteer.errors import ConfigError
from orienteer.finetune.names import default_groups
from orienteer.scans.labels.values import IGNORED
from orienteer.store import Store

IGNORE: Final = 255
"""Class number of voxels that take no part in loss and scores."""


@dataclass(frozen=True)
class Structures:
    """Named groups of label values; class ``n + 1`` of a network is ``names[n]``, class 0 is everything else.

    Attributes:
        names: structures, in order.
        values: the label values of each.
        ignored: label values that are ignored, besides those that the store already marks.
    """

    names: tuple[str, ...]
    values: tuple[tuple[int, ...], ...]
    ignored: tuple[int, ...] = ()

    @property
    def classes(self) -> int:
        """Structures and background."""
        return len(self.names) + 1

    def encode(self, labels: NDArray[np.int16]) -> NDArray[np.uint8]:
        """Label values to class numbers 0..n, same shape; values of no structure become background.

        Voxels that nobody has looked at become ``IGNORE``.
        """
        highest = max(int(labels.max(initial=0)), *self.ignored, *(max(group) for group in self.values))
        table = np.zeros(highest + 1, dtype=np.uint8)
        for number, group in enumerate(self.values, start=1):
            table[list(group)] = number
        table[list(self.ignored)] = IGNORE
        classes: NDArray[np.uint8] = table[np.clip(labels, 0, None)]
        classes[labels == IGNORED] = IGNORE
        return classes


def structures_of(
    store: Store,
    scans: Sequence[str],
    groups: Mapping[str, Sequence[int]] | None,
    ignored: Sequence[int] = (),
) -> tuple[Structures, dict[str, NDArray[np.int64]]]:
    """The structures to learn, and how many voxels of each class every training scan holds.

    Args:
        store: with labels.
        scans: the labelled training scans.
        groups: name to label values; None takes the names of the data set where the store has them, and makes a
            structure of every other value that occurs.
        ignored: label values that take no part in loss and scores.

    Returns:
        The structures, and per scan the voxel counts of classes 0..n.

    Raises:
        ConfigError: groups that overlap, name impossible values, or a structure that no training scan holds; data sets
            that mean different things by one value.
    """
    found: dict[str, dict[int, int]] = {}
    for scan in scans:
        values, counts = np.unique(store.labels(scan), return_counts=True)
        found[scan] = dict(zip(values.tolist(), counts.tolist(), strict=True))
        for value in (IGNORED, *ignored):
            found[scan].pop(value, None)
    known = sorted(set().union(*found.values()) - {0})
    if groups is None:
        groups = default_groups(store, known)
    structures = _checked(groups, known, ignored)
    counted = {
        scan: np.array(
            [sum(voxels.values()), *(sum(voxels.get(v, 0) for v in group) for group in structures.values)],
            dtype=np.int64,
        )
        for scan, voxels in found.items()
    }
    for counts in counted.values():
        counts[0] -= counts[1:].sum()
    total = np.sum(list(counted.values()), axis=0)
    missing = [name for name, count in zip(structures.names, total[1:], strict=True) if not count]
    if missing:
        raise ConfigError(
            f"no training scan holds {', '.join(missing)}; its {len(scans)} labelled scans hold the values "
            f"{_short(known)}",
            cure="leave the structure out, correct its values in `structures`, or use more --labelled-scans",
        )
    return structures, counted


def _checked(groups: Mapping[str, Sequence[int]], known: Sequence[int], ignored: Sequence[int]) -> Structures:
    if not groups:
        raise ConfigError(
            "there is no structure to learn: the training labels hold only 0",
            cure="use more --labelled-scans: those that were drawn hold no structure; or check the labels",
        )
    if wrong := [value for value in ignored if not 0 < value <= 32767]:
        raise ConfigError(f"ignore has the label value {wrong[0]}", cure="label values are from 1 to 32767")
    for name, values in groups.items():
        if both := sorted(set(values).intersection(ignored)):
            raise ConfigError(f"label value {both[0]} is in ignore and in structures.{name}", cure="leave out one")
    owner: dict[int, str] = {}
    for name, values in groups.items():
        if not values:
            raise ConfigError(f"structures.{name} lists no label value", cure=f"known values: {_short(known)}")
        for value in values:
            if not 0 < value <= 32767:
                raise ConfigError(
                    f"structures.{name} has the label value {value}; 0 is background and values end at 32767",
                    cure=f"known values: {_short(known)}",
                )
            if value in owner:
                raise ConfigError(
                    f"label value {value} is in structures {owner[value]} and {name}", cure="give it to one of them"
                )
            owner[value] = name
    if len(groups) > 254:
        raise ConfigError(f"{len(groups)} structures are more than 254", cure="merge some in `structures`")
    return Structures(tuple(groups), tuple(tuple(values) for values in groups.values()), tuple(ignored))


def _short(values: Sequence[int]) -> str:
    return ", ".join(map(str, values[:20])) + (", ..." if len(values) > 20 else "")
