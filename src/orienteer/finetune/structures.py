"""Which label values make up which structure, checked against the labels that are there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orienteer.errors import ConfigError
from orienteer.store import Store


@dataclass(frozen=True)
class Structures:
    """Named groups of label values; class ``n + 1`` of a network is ``names[n]``, class 0 is everything else.

    Attributes:
        names: structures, in order.
        values: the label values of each.
    """

    names: tuple[str, ...]
    values: tuple[tuple[int, ...], ...]

    @property
    def classes(self) -> int:
        """Structures and background."""
        return len(self.names) + 1

    def encode(self, labels: NDArray[np.int16]) -> NDArray[np.uint8]:
        """Label values to class numbers 0..n, same shape; values of no structure become background."""
        table = np.zeros(max(int(labels.max(initial=0)), *(max(group) for group in self.values)) + 1, dtype=np.uint8)
        for number, group in enumerate(self.values, start=1):
            table[list(group)] = number
        classes: NDArray[np.uint8] = table[np.clip(labels, 0, None)]
        return classes


def structures_of(
    store: Store, scans: Sequence[str], groups: Mapping[str, Sequence[int]] | None
) -> tuple[Structures, dict[str, NDArray[np.int64]]]:
    """The structures to learn, and how many voxels of each class every training scan holds.

    Args:
        store: with labels.
        scans: the labelled training scans.
        groups: name to label values; None makes a structure of every value that occurs.

    Returns:
        The structures, and per scan the voxel counts of classes 0..n.

    Raises:
        ConfigError: groups that overlap, name impossible values, or a structure that no training scan holds.
    """
    found: dict[str, dict[int, int]] = {}
    for scan in scans:
        values, counts = np.unique(store.labels(scan), return_counts=True)
        found[scan] = dict(zip(values.tolist(), counts.tolist(), strict=True))
    known = sorted(set().union(*found.values()) - {0})
    if groups is None:
        groups = {f"structure {value}": [value] for value in known}
    structures = _checked(groups, known)
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
            cure="leave the structure out, correct its values in `structures`, or use more --labels",
        )
    return structures, counted


def _checked(groups: Mapping[str, Sequence[int]], known: Sequence[int]) -> Structures:
    if not groups:
        raise ConfigError("there is no structure to learn: the training labels hold only 0", cure="check the labels")
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
    return Structures(tuple(groups), tuple(tuple(values) for values in groups.values()))


def _short(values: Sequence[int]) -> str:
    return ", ".join(map(str, values[:20])) + (", ..." if len(values) > 20 else "")
