"""The predicted matrix of displacements beside the true one, as tables of coloured cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from orienteer.records.evidence import Displacements
from orienteer.records.observation import Rows
from orienteer.report.draw.parts import Block
from orienteer.report.evaluated import Example
from orienteer.report.theme import AXIS_WORDS, DIVERGING, SEQUENTIAL, TOWARDS, ink_on, minus, mix


@dataclass(frozen=True)
class Cell:
    """One number of a matrix with its colours; a dot where nothing was predicted."""

    text: str
    fill: str
    ink: str


@dataclass(frozen=True)
class Quantity:
    """One quantity of the matrix: predicted and true cells on the same colour scale."""

    title: str
    note: str
    predicted: Sequence[Sequence[Cell]]
    true: Sequence[Sequence[Cell]]
    off_by_mm: float
    scale: Sequence[str]
    low: str
    high: str


@dataclass(frozen=True)
class Matrices(Block):
    """Distance and the three signed axes of one sample."""

    template: ClassVar[str] = "matrices.html.j2"
    quantities: Sequence[Quantity]


def matrices(evidence: Displacements, rows: Rows, example: Example) -> Matrices | None:
    """The matrices of one example; None where its sample has no recorded pair."""
    own = {name: column[np.asarray(rows["sample"]) == example.sample] for name, column in rows.items()}
    pred, true = (evidence.matrix(own, name, len(example.centres_mm)) for name in (evidence.pred, evidence.true))
    if not np.isfinite(true).any():
        return None
    lengths = np.linalg.norm(pred, axis=-1), np.linalg.norm(true, axis=-1)
    found = [_quantity("Distance", "how far apart the two views are", *lengths, signed=False)]
    for axis, words in enumerate(AXIS_WORDS):
        note = f"+ is towards the patient's {TOWARDS[axis]}"
        found.append(_quantity(words.capitalize(), note, pred[..., axis], true[..., axis], signed=True))
    return Matrices(found)


def _quantity(title: str, note: str, pred: NDArray[np.float64], true: NDArray[np.float64], *, signed: bool) -> Quantity:
    reach = max(float(np.nanmax(np.abs([pred, true]))), 1e-9)
    low = -reach if signed else 0.0
    scale = DIVERGING if signed else SEQUENTIAL

    def cells(matrix: NDArray[np.float64]) -> list[list[Cell]]:
        return [[_cell(float(v), low, reach, scale, signed=signed) for v in row] for row in matrix]

    return Quantity(
        title=title,
        note=note,
        predicted=cells(pred),
        true=cells(true),
        off_by_mm=float(np.nanmean(np.abs(pred - true))),
        scale=scale,
        low=minus(f"{low:.0f}"),
        high=f"{reach:.0f}",
    )


def _cell(value: float, low: float, high: float, scale: Sequence[str], *, signed: bool) -> Cell:
    if not np.isfinite(value):
        return Cell("·", "transparent", "inherit")
    fill = mix(scale, (value - low) / (high - low))
    whole = round(value)
    return Cell(minus(f"{whole:+d}" if signed and whole else f"{whole}"), fill, ink_on(fill))
