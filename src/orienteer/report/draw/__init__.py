"""One drawer for each kind of evidence. None of them knows a task: a card says which columns hold what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orienteer.records.evidence import ChunkPairs, Classes, Displacements, Numbers, Paths, Points, Spread
from orienteer.records.metric import Record
from orienteer.records.observation import Rows
from orienteer.report.draw import chunk_pairs, classes, displacements, numbers, paths, points, spread
from orienteer.report.draw.parts import Block, Part
from orienteer.report.evaluated import Example

__all__ = ["DRAWERS", "UNDRAWABLE", "Block", "Drawer", "Part"]


@dataclass(frozen=True)
class Drawer:
    """How one kind of evidence is drawn: over all rows, and for one example where its slices were kept."""

    draw: Callable[[Any, Rows, str], Sequence[Part]]
    """Called with the evidence, the rows and a key that begins the names of the figures."""
    closeup: Callable[[Any, Rows, Example], Block | None] | None = None


UNDRAWABLE = (ValueError, TypeError, IndexError)
"""What a drawer raises where rows do not hold what their card promised; one such task must not cost the page."""

DRAWERS: Mapping[type[Record], Drawer] = {
    Displacements: Drawer(displacements.draw, displacements.closeup),
    Points: Drawer(points.draw),
    Paths: Drawer(paths.draw, paths.closeup),
    ChunkPairs: Drawer(chunk_pairs.draw, chunk_pairs.closeup),
    Numbers: Drawer(numbers.draw),
    Classes: Drawer(classes.draw),
    Spread: Drawer(spread.draw),
}
