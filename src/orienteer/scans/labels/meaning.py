"""What the values of labels mean, as ``dataset.json`` of nnU-Net and the Decathlon says it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from orienteer.scans.labels.values import HIGHEST
from orienteer.scans.source import Source
from orienteer.units import some

IGNORE = "ignore"
"""How nnU-Net names the value of voxels that nobody has looked at."""
LONGEST_NAME = 40
MOST_STRUCTURES = 1000

Groups = tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Meaning:
    """Names of label values.

    Attributes:
        structures: names with their values, in order; a region has several, and shares them with others.
        ignored: values that take no part in loss and scores.
    """

    structures: Groups = ()
    ignored: tuple[int, ...] = ()

    @property
    def overlapping(self) -> tuple[str, ...]:
        """Structures that share a value with another one: regions."""
        return tuple(
            name
            for name, values in self.structures
            if any(set(values) & set(other) for one, other in self.structures if one != name)
        )

    def give(self, labels: Source) -> Source:
        """Labels with this meaning."""
        return replace(labels, sparse=True, structures=self.structures, ignored=self.ignored)

    def notes(self) -> list[str]:
        """What a person has to know before anything is learned of these labels."""
        notes = [
            f"label value {value} is {IGNORE!r} (dataset.json): it takes no part in loss and scores"
            for value in self.ignored
        ]
        if regions := self.overlapping:
            which = some(regions)
            notes.append(f"structures of dataset.json share label values ({which}); `finetune` asks for others")
        return notes


def meaning_of(description: Mapping[str, object]) -> Meaning:
    """The meaning that a ``dataset.json`` gives to label values; none where it says nothing that can be understood.

    ``{"background": 0, "whole": [1, 2], "ignore": 3}`` of nnU-Net version 2, ``{"0": "background", "1": "liver"}`` of
    version 1 and of the Decathlon.
    """
    labels = description.get("labels")
    if not isinstance(labels, dict) or len(labels) > MOST_STRUCTURES:
        return Meaning()
    try:
        named = [_entry(key, value) for key, value in labels.items()]
    except (TypeError, ValueError, OverflowError):
        return Meaning()
    structures: dict[str, tuple[int, ...]] = {}
    ignored: list[int] = []
    for name, given in named:
        values = tuple(value for value in dict.fromkeys(given) if 0 < value <= HIGHEST)
        if name.casefold() == IGNORE:
            ignored += values
        elif values:
            structures[name if name not in structures else f"{name} {values[0]}"] = values
    return Meaning(tuple(structures.items()), tuple(ignored))


def _entry(key: object, value: object) -> tuple[str, list[int]]:
    """A name and its values, whichever of the two stands first."""
    text = str(key).strip()
    if text.isdecimal() and isinstance(value, str) and not value.strip().isdecimal():
        return _name(value), [int(text)]
    values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return _name(text), [_whole(one) for one in values]


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    number = float(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _name(text: str) -> str:
    """Printable and short, whatever the file holds."""
    return "".join(c if c.isprintable() else " " for c in text).strip()[:LONGEST_NAME] or "unnamed"
