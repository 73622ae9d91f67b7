"""View boxes and chunk boxes drawn in the scan on three planes, the way a radiologist holds an image.

Sagittal: anterior on the left. Coronal and axial: the patient's right on the left. Head, or front, is up.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from orienteer.geometry.chunks import chunk_pair
from orienteer.records.evidence import ChunkPairs
from orienteer.records.observation import Rows
from orienteer.report.draw.parts import Block
from orienteer.report.evaluated import Example, Plane
from orienteer.report.restored import png_address
from orienteer.report.theme import SIMILARITY, mix

NAMES = ("Sagittal", "Coronal", "Axial")
# The letters at left, right, top and bottom of the plane whose axis was removed.
LETTERS = (("A", "P", "S", "I"), ("R", "L", "S", "I"), ("R", "L", "A", "P"))
ACROSS = ((1, 2), (0, 2), (0, 1))
WIDE = 480.0
"""Drawing units that the three pictures take side by side, so that letters and numbers look alike on every scan."""

LETTER = 10.0
"""Drawing units that a number takes."""


@dataclass(frozen=True)
class Box:
    """A box on one plane, in drawing units from the picture's upper left corner.

    ``cut`` tells whether the plane passes through the box; otherwise it lies in front or behind.
    """

    x: float
    y: float
    size: float
    cut: bool
    label: str = ""
    colour: str = ""
    at: tuple[float, float] = (0.0, 0.0)
    """Where its label begins, on the line of writing."""


@dataclass(frozen=True)
class Picture:
    """One plane: the slice as a PNG data address, its size in drawing units, its letters and the view boxes."""

    name: str
    at: str
    image: str
    width: float
    height: float
    letters: tuple[str, str, str, str]
    views: Sequence[Box]


@dataclass(frozen=True)
class PairDrawing:
    """The four chunks of one pair of views: boxes for each picture, and what was predicted."""

    title: str
    adjacent_mm: float
    distant_mm: float
    adjacent_similarity: float
    distant_similarity: float
    adjacent_colour: str
    distant_colour: str
    boxes: Sequence[Sequence[tuple[str, Box]]]

    @property
    def right(self) -> bool:
        """Whether the nearer chunks were called more alike."""
        return self.adjacent_similarity > self.distant_similarity


@dataclass(frozen=True)
class Planes(Block):
    """The planes of one example with its views and, where they were recorded, the chunks of each pair of them."""

    template: ClassVar[str] = "planes.html.j2"
    pictures: Sequence[Picture]
    pairs: Sequence[PairDrawing] = ()


def pictures(example: Example) -> list[Picture]:
    """The planes of one example with its view boxes, numbered from 1."""
    drawn = []
    for plane in _in_order(example):
        unit = _per_mm(example)
        height, width = (n * example.spacing_mm * unit for n in plane.image.shape[::-1])
        boxes = [
            _box(centre, example.view_mm, plane, example, label=str(number + 1))
            for number, centre in enumerate(example.centres_mm)
        ]
        drawn.append(
            Picture(
                name=NAMES[plane.axis],
                at=f"{plane.at_mm:.0f} mm",
                image=png_address(plane.image.T[::-1, ::-1]),
                width=round(width, 2),
                height=round(height, 2),
                letters=LETTERS[plane.axis],
                views=_numbered(boxes),
            )
        )
    return drawn


def pair_drawings(evidence: ChunkPairs, rows: Rows, example: Example) -> list[PairDrawing]:
    """One drawing for each recorded pair of the example's views; both orders of a pair are one drawing."""
    drawings: dict[tuple[int, int], PairDrawing] = {}
    for row in np.flatnonzero(np.asarray(rows["sample"]) == example.sample):
        i, j = int(rows["view_i"][row]), int(rows["view_j"][row])
        pair = (min(i, j), max(i, j))
        if pair not in drawings and max(pair) < len(example.centres_mm):
            drawings[pair] = _drawing(rows, int(row), i, j, example, evidence.chunk * example.view_mm)
    return [drawings[pair] for pair in sorted(drawings)]


def place_on(centre: NDArray[np.float64], plane: Plane, spacing: float) -> tuple[float, float]:
    """Where a point in mm falls on the picture, in mm from its corner: both axes run against the scan's."""
    across, up = ACROSS[plane.axis]
    width, height = (n * spacing for n in plane.image.shape)
    return width - spacing / 2 - float(centre[across]), height - spacing / 2 - float(centre[up])


def _drawing(rows: Rows, row: int, i: int, j: int, example: Example, chunk_mm: float) -> PairDrawing:
    edge, chunk = np.full(3, example.view_mm), np.full(3, chunk_mm)
    four = chunk_pair(example.centres_mm[i], example.centres_mm[j], edge, chunk)
    near, far = (float(rows[f"{name}_similarity"][row]) for name in ("adjacent", "distant"))
    colours = [mix(SIMILARITY, (value + 1) / 2) for value in (near, far)]
    boxes = [
        [
            (kind, _box(centre, chunk_mm, plane, example, colour=colour))
            for kind, colour, centres in (
                ("distant", colours[1], (four.distant_i, four.distant_j)),
                ("adjacent", colours[0], (four.adjacent_i, four.adjacent_j)),
            )
            for centre in centres
        ]
        for plane in _in_order(example)
    ]
    return PairDrawing(
        title=f"{min(i, j) + 1} and {max(i, j) + 1}",
        adjacent_mm=float(rows["adjacent_mm"][row]),
        distant_mm=float(rows["distant_mm"][row]),
        adjacent_similarity=near,
        distant_similarity=far,
        adjacent_colour=colours[0],
        distant_colour=colours[1],
        boxes=boxes,
    )


def _in_order(example: Example) -> list[Plane]:
    """Axial, coronal, sagittal: the order of a reading screen."""
    return sorted(example.planes, key=lambda plane: -plane.axis)


def _per_mm(example: Example) -> float:
    """Drawing units of one mm: the smaller the scan, the more."""
    return WIDE / float(sum(plane.image.shape[0] * example.spacing_mm for plane in example.planes))


def _numbered(boxes: Sequence[Box]) -> list[Box]:
    """The boxes with their labels inside, along the upper edge or else the lower one, where no other label lies."""
    found: list[Box] = []
    for box in boxes:
        rows = (box.y + 10, box.y + box.size - 3)
        free = [(box.x + 3 + along, y) for y in rows for along in range(0, max(1, int(box.size) - 9), 5)]
        clear = (
            at
            for at in free
            if all(abs(at[0] - x) > LETTER or abs(at[1] - y) > LETTER for x, y in (b.at for b in found))
        )
        found.append(replace(box, at=next(clear, free[0])))
    return found


def _box(
    centre: NDArray[np.float64], edge: float, plane: Plane, example: Example, *, label: str = "", colour: str = ""
) -> Box:
    (x, y), unit = place_on(centre, plane, example.spacing_mm), _per_mm(example)
    cut = abs(float(centre[plane.axis]) - plane.at_mm) <= edge / 2
    corner = round((x - edge / 2) * unit, 2), round((y - edge / 2) * unit, 2)
    return Box(*corner, round(edge * unit, 2), cut, label, colour)
