"""Points: single voxels or patches, placed in mm. Each axis is drawn apart, as displacements are too."""

import numpy as np
from numpy.typing import NDArray

from orienteer.records.evidence import AXES, Points, VectorEvidence
from orienteer.records.observation import Rows
from orienteer.records.statistics import vectors
from orienteer.report.draw.parts import Part
from orienteer.report.draw.scatter import MOST_POINTS, cloud, drawn_of, scans, some_rows, square
from orienteer.report.theme import AXIS_WORDS, TOWARDS, Figure

MOST_ON_AXIS = MOST_POINTS // 2


def draw(evidence: Points, rows: Rows, key: str) -> list[Part]:
    """Each axis, predicted against true."""
    note = drawn_of(min(len(rows["sample"]), MOST_ON_AXIS), len(rows["sample"]), "points")
    opening = f"Each point is one point of a view, its position measured from the middle of its sample.{note} "
    return [Part(axis_figures(evidence, rows, key, opening, span=2))]


def axis_figures(evidence: VectorEvidence, rows: Rows, key: str, opening: str, *, span: int) -> list[Figure]:
    """One cloud for each axis of the body; ``opening`` begins the words under the first one."""
    true, pred = vectors(rows, evidence.true), vectors(rows, evidence.pred)
    chosen = some_rows(len(true), MOST_ON_AXIS)
    errors = axis_error(true, pred)
    return [
        Figure(
            name=f"{key}-axis-{AXES[axis]}",
            title=f"{words.capitalize()}: off by {errors[axis]:.1f} mm on average",
            look=f"{opening if axis == 0 else ''}Positive is towards the patient's {TOWARDS[axis]}. A cloud along the "
            "other diagonal would mean the axis is mirrored; a flat one, that this axis was not learned.",
            data=cloud(true[chosen, axis], pred[chosen, axis], scans(rows, chosen), "mm"),
            layout=square("true (mm)", "predicted (mm)"),
            span=span,
        )
        for axis, words in enumerate(AXIS_WORDS)
    ]


def axis_error(true: NDArray[np.float64], pred: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(3,)`` mean absolute error along R, A, S, mm."""
    error: NDArray[np.float64] = np.abs(pred - true).mean(axis=0)
    return error
