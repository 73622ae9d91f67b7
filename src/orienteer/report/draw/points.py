"""Points: single voxels or patches, placed in mm."""

from orienteer.records.evidence import Points
from orienteer.records.observation import Rows
from orienteer.report.draw.parts import Part
from orienteer.report.draw.scatter import MOST_POINTS, axis_figures, drawn_of

OPENING = "Each point is one point of a view, its position measured from the middle of its sample."


def draw(evidence: Points, rows: Rows, key: str) -> list[Part]:
    """Each axis, predicted against true."""
    count = len(rows["sample"])
    note = drawn_of(min(count, MOST_POINTS // 2), count, "points")
    return [Part(axis_figures(evidence, rows, key, f"{OPENING}{note} ", span=2))]
