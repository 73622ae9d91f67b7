"""Displacements: the way from one view to another, predicted against true, in all rows and in one sample."""

import numpy as np

from orienteer.records.evidence import Displacements
from orienteer.records.observation import Rows
from orienteer.records.statistics import vectors
from orienteer.report.draw.coverage import coverage_figures
from orienteer.report.draw.matrix import Matrices, matrices
from orienteer.report.draw.parts import Part
from orienteer.report.draw.points import axis_figures
from orienteer.report.draw.scatter import cloud, drawn_of, scans, some_rows, square
from orienteer.report.draw.where import where_figures
from orienteer.report.evaluated import Example
from orienteer.report.theme import Figure


def draw(evidence: Displacements, rows: Rows, key: str) -> list[Part]:
    """Distance, each axis and coverage; then the error by distance and by region of the body."""
    along = axis_figures(evidence, rows, key, "The same pairs along one axis of the body. ", span=3)
    return [
        Part([_distance(evidence, rows, key), *along, *coverage_figures(evidence, rows, key)]),
        Part(
            where_figures(evidence, rows, key),
            "Where is it right, and where is it wrong?",
            "The same errors, sorted by distance and by where in the body the first view lies.",
            "Where",
        ),
    ]


def closeup(evidence: Displacements, rows: Rows, example: Example) -> Matrices | None:
    """The matrix of one sample's displacements."""
    return matrices(evidence, rows, example)


def _distance(evidence: Displacements, rows: Rows, key: str) -> Figure:
    true, pred = (np.linalg.norm(vectors(rows, prefix), axis=1) for prefix in (evidence.true, evidence.pred))
    chosen = some_rows(len(true))
    return Figure(
        name=f"{key}-distance",
        title="Distance between two views, predicted against true",
        look="Each point is one pair of views. Points should hug the diagonal; a flat band at one height means the "
        f"model answers the same distance whatever it sees.{drawn_of(chosen.size, len(true), 'pairs')}",
        data=cloud(true[chosen], pred[chosen], scans(rows, chosen), "mm"),
        layout=square("true distance (mm)", "predicted distance (mm)"),
    )
