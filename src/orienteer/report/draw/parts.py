"""What a drawer returns: figures over all rows, and blocks of a close-up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from orienteer.report.theme import Figure, Plotly


@dataclass(frozen=True)
class Part:
    """Figures that belong together; those without a title stand under the task's own question."""

    figures: Sequence[Figure]
    title: str = ""
    intro: str = ""
    label: str = ""
    """Its title in the contents bar; empty to leave it out there."""


@dataclass(frozen=True)
class Block:
    """A part of one close-up, drawn by the template of that name with the block as ``block``."""

    template: ClassVar[str]


@dataclass(frozen=True)
class Scene(Block):
    """A 3D view: traces that are always there, and one choice for each way through them."""

    template: ClassVar[str] = "scene.html.j2"
    base: Sequence[Plotly]
    layout: Plotly
    choices: Sequence[Plotly]
    view_mm: float
    look: str = ""
