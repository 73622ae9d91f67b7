"""Where the error is large: by true distance, and by region of the body."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orienteer.records.evidence import AXES, VectorEvidence, vector_names
from orienteer.records.observation import Rows
from orienteer.records.statistics import vectors
from orienteer.report.draw.bars import Group, bar_frame, group_bars, whiskers
from orienteer.report.intervals import mean_by_subject
from orienteer.report.theme import Figure

BAND_WIDTHS = (5.0, 10.0, 20.0, 25.0, 50.0, 100.0, 200.0)
MOST_BANDS = 8
PLACE = "place"
"""Prefix of the columns that an evaluation adds: centre of view i as a share of the body's box."""
THIRDS = (("patient's left", "middle", "patient's right"), ("back", "middle", "front"), ("lower", "middle", "upper"))
REGION_AXES = ("patient's left to right", "back to front", "feet to head")
NOTHING = "answering “no distance at all”"


def distance_bands(evidence: VectorEvidence, rows: Rows) -> list[tuple[float, float, NDArray[np.bool_]]]:
    """Bands ``(low mm, high mm, its rows)`` of equal width in true distance, at most eight; empty ones are left out."""
    distance = np.linalg.norm(vectors(rows, evidence.true), axis=1)
    reach = float(distance.max(initial=0.0))
    width = next((w for w in BAND_WIDTHS if reach / w <= MOST_BANDS), max(reach / MOST_BANDS, 1.0))
    band = np.floor(distance / width).astype(int)
    return [(float(index * width), float((index + 1) * width), band == index) for index in np.unique(band)]


def body_thirds(rows: Rows) -> list[list[tuple[str, NDArray[np.bool_]]]]:
    """For each axis R, A, S: the thirds of the body with their rows, by view i's centre; empty ones are left out."""
    if any(column not in rows for column in vector_names(PLACE)):
        return []
    third = np.clip(np.floor(vectors(rows, PLACE) * 3), 0, 2)
    return [
        [(name, inside) for index, name in enumerate(names) if (inside := third[:, axis] == index).any()]
        for axis, names in enumerate(THIRDS)
    ]


def by_distance(evidence: VectorEvidence, rows: Rows) -> list[Group]:
    """One group for each band of true distance."""
    return [_group(f"{low:.0f}–{high:.0f}", evidence, rows, band) for low, high, band in distance_bands(evidence, rows)]


def by_region(evidence: VectorEvidence, rows: Rows) -> list[list[Group]]:
    """For each axis R, A, S: one group for each third of the body."""
    return [[_group(name, evidence, rows, third) for name, third in axis] for axis in body_thirds(rows)]


def where_figures(evidence: VectorEvidence, rows: Rows, key: str) -> list[Figure]:
    """Error by distance with the zero answer beside it, then one plot for each axis of the body."""
    bands = by_distance(evidence, rows)
    distance = Figure(
        name=f"{key}-where-distance",
        title="Error by true distance",
        look="Far pairs share no tissue, so they are harder; the bars should stay far below the diamonds, which are "
        f"the error of {NOTHING}. {whiskers(bands)}",
        data=group_bars(bands, zero=NOTHING),
        layout=bar_frame("true distance between the two views (mm)", "error (mm)", height=400),
        span=6,
    )
    regions = by_region(evidence, rows)
    highest = max((g.error.high or g.error.mean for groups in regions for g in groups), default=0.0)
    return [distance, *(_region(axis, groups, highest, key) for axis, groups in enumerate(regions))]


def _group(label: str, evidence: VectorEvidence, rows: Rows, chosen: NDArray[np.bool_]) -> Group:
    true = np.linalg.norm(vectors(rows, evidence.true)[chosen], axis=1)
    return Group(label, mean_by_subject(evidence.errors_mm(rows), rows, chosen), float(true.mean()))


def _region(axis: int, groups: Sequence[Group], highest: float, key: str) -> Figure:
    worst = max(groups, key=lambda g: g.error.mean)
    return Figure(
        name=f"{key}-where-region-{AXES[axis]}",
        title=f"Error, {REGION_AXES[axis]}",
        look="Even bars mean the whole body was learned; one tall bar names a region the model does not know. The "
        f"largest is “{worst.label}” with {worst.error.mean:.1f} mm.",
        data=group_bars(groups),
        layout=bar_frame("third of the body", "error (mm)", height=300, top_mm=highest, legend=False),
        span=2,
    )
