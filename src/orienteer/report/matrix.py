"""The predicted gap matrix beside the true one, as tables of coloured cells."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orienteer.records.measures import vectors
from orienteer.report.read import Example, Table
from orienteer.report.theme import AXES, DIVERGING, SEQUENTIAL, ink_on, mix


@dataclass(frozen=True)
class Cell:
    """One number of a matrix with its colours; a dot where nothing was predicted."""

    text: str
    fill: str
    ink: str


@dataclass(frozen=True)
class Quantity:
    """One quantity of the gap matrix: predicted and true cells on the same colour scale."""

    title: str
    note: str
    predicted: Sequence[Sequence[Cell]]
    true: Sequence[Sequence[Cell]]
    off_by_mm: float
    scale: Sequence[str]
    low: str
    high: str


def gap_matrices(gap: Table, example: Example) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``(K, K, 3)`` predicted and true gaps of one sample, mm; NaN where no pair was recorded."""
    views = len(example.centres_mm)
    rows = np.asarray(gap["sample"]) == example.sample
    i, j = (np.asarray(gap[name])[rows].astype(int) for name in ("view_i", "view_j"))
    inside = (i < views) & (j < views)
    matrices = []
    for name in ("pred", "true"):
        matrix = np.full((views, views, 3), np.nan)
        matrix[i[inside], j[inside]] = vectors(gap, name)[rows][inside]
        matrices.append(matrix)
    return matrices[0], matrices[1]


def example_quantities(gap: Table, example: Example) -> list[Quantity]:
    """Distance and the three signed axes of one sample; empty when the sample has no recorded pair."""
    pred, true = gap_matrices(gap, example)
    if not np.isfinite(true).any():
        return []
    lengths = np.linalg.norm(pred, axis=-1), np.linalg.norm(true, axis=-1)
    found = [_quantity("Distance", "how far apart the two views are", *lengths, signed=False)]
    for axis, words in enumerate(AXES):
        note = f"+ is towards the patient's {('right', 'front', 'head')[axis]}"
        found.append(_quantity(words.capitalize(), note, pred[..., axis], true[..., axis], signed=True))
    return found


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
        low=f"{low:.0f}".replace("-", "−"),
        high=f"{reach:.0f}",
    )


def _cell(value: float, low: float, high: float, scale: Sequence[str], *, signed: bool) -> Cell:
    if not np.isfinite(value):
        return Cell("·", "transparent", "inherit")
    fill = mix(scale, (value - low) / (high - low))
    whole = round(value)
    # The true minus sign: a hyphen reads as a dash beside a number.
    return Cell((f"{whole:+d}" if signed and whole else f"{whole}").replace("-", "−"), fill, ink_on(fill))
