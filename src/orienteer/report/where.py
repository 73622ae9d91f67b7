"""Where the gap error is large: by true distance, and by region of the body."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from orienteer.records.measures import vectors
from orienteer.report.bars import Group, bar_frame, group_bars, whiskers
from orienteer.report.intervals import mean_by_person
from orienteer.report.read import TRIPLES, Table
from orienteer.report.scatter import error_mm
from orienteer.report.theme import Figure

BAND_WIDTHS = (5.0, 10.0, 20.0, 25.0, 50.0, 100.0, 200.0)
MOST_BANDS = 8
THIRDS = (("patient's left", "middle", "patient's right"), ("back", "middle", "front"), ("lower", "middle", "upper"))
REGION_AXES = ("patient's left to right", "back to front", "feet to head")


def distance_bands(gap: Table) -> list[tuple[float, float, NDArray[np.bool_]]]:
    """Bands ``(low mm, high mm, its rows)`` of equal width in true distance, at most eight; empty ones are left out."""
    distance = np.linalg.norm(vectors(gap, "true"), axis=1)
    reach = float(distance.max(initial=0.0))
    width = next((w for w in BAND_WIDTHS if reach / w <= MOST_BANDS), max(reach / MOST_BANDS, 1.0))
    band = np.floor(distance / width).astype(int)
    return [(float(index * width), float((index + 1) * width), band == index) for index in np.unique(band)]


def by_distance(gap: Table) -> list[Group]:
    """One group for each band of true distance."""
    return [_group(f"{low:.0f}–{high:.0f}", gap, rows) for low, high, rows in distance_bands(gap)]


def by_region(gap: Table) -> list[list[Group]]:
    """For each axis R, A, S: the thirds of the foreground box by view i's centre; empty ones left out."""
    if any(column not in gap for column in TRIPLES["place"]):
        return []
    third = np.clip(np.floor(vectors(gap, "place") * 3), 0, 2)
    return [
        [
            _group(name, gap, third[:, axis] == index)
            for index, name in enumerate(names)
            if (third[:, axis] == index).any()
        ]
        for axis, names in enumerate(THIRDS)
    ]


def where_figures(gap: Table) -> list[Figure]:
    """Error by distance with the zero answer beside it, then one plot for each axis of the body."""
    bands = by_distance(gap)
    distance = Figure(
        name="where-distance",
        title="Gap error by true distance",
        look="Far pairs share no tissue, so they are harder; the bars should stay far below the diamonds, which are "
        f"the error of answering “no gap at all”. {whiskers(bands)}",
        data=group_bars(bands, zero="answering “no gap at all”"),
        layout=bar_frame("true distance between the two views (mm)", "gap error (mm)", height=400),
        span=6,
    )
    regions = by_region(gap)
    highest = max((g.error.high or g.error.mean for groups in regions for g in groups), default=0.0)
    return [distance, *(_region(axis, groups, highest) for axis, groups in enumerate(regions))]


def _group(label: str, gap: Table, rows: NDArray[np.bool_]) -> Group:
    true = np.linalg.norm(vectors(gap, "true")[rows], axis=1)
    return Group(label, mean_by_person(error_mm(gap), gap, rows), float(true.mean()))


def _region(axis: int, groups: Sequence[Group], highest: float) -> Figure:
    worst = max(groups, key=lambda g: g.error.mean)
    return Figure(
        name=f"where-region-{'ras'[axis]}",
        title=f"Gap error, {REGION_AXES[axis]}",
        look="Even bars mean the whole body was learned; one tall bar names a region the model does not know. The "
        f"largest is “{worst.label}” with {worst.error.mean:.1f} mm.",
        data=group_bars(groups),
        layout=bar_frame("third of the body", "gap error (mm)", height=300, top_mm=highest, legend=False),
        span=2,
    )
