"""What a layout says of a folder, and how its description files are read."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from orienteer.scans.discover import Skipped
from orienteer.scans.source import Source

LayoutName = Literal["auto", "plain", "nnunet", "decathlon", "bids"]
LAYOUTS: tuple[str, ...] = get_args(LayoutName)

MOST_BYTES = 1 << 24
"""A description of more than 16 MiB is none."""
LONGEST_NAME = 40


@dataclass(frozen=True)
class Layout:
    """What one folder was recognised as.

    Attributes:
        name: ``plain folder``, ``nnU-Net raw``, ``Medical Segmentation Decathlon`` or ``BIDS``.
        folder: posix path below the folder that was searched; empty for that folder itself.
        scans: scans found in it.
        channels: names of the channels of a scan, in order; empty where the layout does not say.
        people: how many people the layout tells apart; 0 where it does not say.
        labelled: scans with labels that the layout names.
        held_out: scans that the layout keeps for testing.
        notes: what is worth knowing.
    """

    name: str
    folder: str = ""
    scans: int = 0
    channels: tuple[str, ...] = ()
    people: int = 0
    labelled: int = 0
    held_out: int = 0
    notes: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """For a person, in one line."""
        place = f" in {self.folder}" if self.folder else ""
        count = len(self.channels)
        channels = f" ({count} channel{'s' * (count != 1)}: {', '.join(self.channels)})" if count else ""
        facts = [f"{self.scans} scan{'s' * (self.scans != 1)}"]
        facts += [f"{self.people} {'person' if self.people == 1 else 'people'}"] * bool(self.people)
        facts += [f"{self.labelled} with labels"] * bool(self.labelled)
        facts += [f"{self.held_out} kept for testing"] * bool(self.held_out)
        return f"{self.name}{place}{channels}, {', '.join(facts)}"


@dataclass(frozen=True)
class LaidOut:
    """All scans below a folder as their layouts make them, and what was passed over, both sorted by path."""

    sources: tuple[Source, ...]
    skipped: tuple[Skipped, ...] = ()
    layouts: tuple[Layout, ...] = ()


@dataclass
class Part:
    """What one layout made of the files it was given."""

    layout: Layout
    sources: list[Source] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def describe(part: Part, **facts: Any) -> Part:
    """The part with its layout's counts filled in."""
    people = {source.person for source in part.sources if source.person}
    part.layout = replace(
        part.layout,
        scans=len(part.sources),
        people=len(people),
        labelled=sum(source.labels is not None for source in part.sources),
        held_out=sum(source.split == "test" for source in part.sources),
        **facts,
    )
    return part


def read_description(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``; empty where there is none, or where it is not what it should be."""
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return {}
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def numbered_names(values: object) -> tuple[str, ...]:
    """``{"0": "T1", "1": "FLAIR"}`` as names in order; empty for anything else."""
    if not isinstance(values, dict) or not values:
        return ()
    try:
        numbers = {int(number): _name(name) for number, name in values.items()}
    except (TypeError, ValueError):
        return ()
    if set(numbers) != set(range(len(numbers))):
        return ()
    names = tuple(numbers[number] for number in range(len(numbers)))
    # Two channels of one name (zscore, zscore) are told apart by their number.
    return names if len(set(names)) == len(names) else tuple(f"{name} {n}" for n, name in enumerate(names))


def _name(value: object) -> str:
    """Printable and short, whatever the file holds."""
    text = "".join(c if c.isprintable() else " " for c in str(value)).strip()
    return text[:LONGEST_NAME] or "unnamed"


def below(sources: Sequence[Source], folder: Path) -> list[Source]:
    """The sources whose first file lies below ``folder``."""
    return [source for source in sources if source.paths[0].is_relative_to(folder)]
