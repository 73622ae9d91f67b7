"""Where the error is large: by true distance, and by region of the body."""

import numpy as np
from numpy.typing import NDArray

from orienteer.records.evidence import VectorEvidence, vector_names
from orienteer.records.observation import Rows
from orienteer.records.statistics import vectors
from orienteer.report.draw.bars import Group, bar_frame, group_bars, upright, whiskers
from orienteer.report.intervals import mean_by_subject
from orienteer.report.theme import Figure

BAND_WIDTHS = (5.0, 10.0, 20.0, 25.0, 50.0, 100.0, 200.0)
MOST_BANDS = 8
PLACE = "place"
"""Prefix of the columns that an evaluation adds: centre of view i as a share of the body's box."""
THIRDS = (
    ("patient's left", "middle, across", "patient's right"),
    ("back part", "middle, in depth", "front part"),
    ("lower part", "middle, in height", "upper part"),
)
"""Names of the thirds of the body along R, A, S, each of which says alone where it is."""
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


def by_region(evidence: VectorEvidence, rows: Rows) -> list[Group]:
    """One group for each third of the body along each axis, the largest error first; empty where no place was kept."""
    groups = [_group(name, evidence, rows, third) for axis in body_thirds(rows) for name, third in axis]
    return sorted(groups, key=lambda group: -group.error.mean)


def where_figures(evidence: VectorEvidence, rows: Rows, key: str) -> list[Figure]:
    """Error by distance with the zero answer beside it, then by region of the body."""
    bands = by_distance(evidence, rows)
    distance = Figure(
        name=f"{key}-where-distance",
        title="Error by true distance",
        look="Far pairs share no tissue, so they are harder; the bars should stay far below the diamonds, which are "
        f"the error of {NOTHING}. n: pairs of views. {whiskers(bands)}",
        data=group_bars(bands, zero=NOTHING),
        layout=bar_frame(bands, "error (mm)", "true distance (mm)"),
        span=6,
    )
    return [distance, *_regions(by_region(evidence, rows), float(evidence.errors_mm(rows).mean()), key)]


def _group(label: str, evidence: VectorEvidence, rows: Rows, chosen: NDArray[np.bool_]) -> Group:
    true = np.linalg.norm(vectors(rows, evidence.true)[chosen], axis=1)
    return Group(label, mean_by_subject(evidence.errors_mm(rows), rows, chosen), float(true.mean()))


def _regions(regions: list[Group], overall: float, key: str) -> list[Figure]:
    if not regions:
        return []
    mean = upright(overall, f"whole body {overall:.1f} mm")
    return [
        Figure(
            name=f"{key}-where-region",
            title=f"Error by region, from {regions[0].error.mean:.1f} mm ({regions[0].label}) to "
            f"{regions[-1].error.mean:.1f} mm ({regions[-1].label})",
            look="A region is a third of the body along one axis, so every pair counts in three of them, by where its "
            "first view lies. Even bars mean that the whole body was learned; a bar whose whisker stays clear of the "
            f"dashed line names a region the model knows less well. {whiskers(regions)}",
            data=group_bars(regions),
            layout=bar_frame(regions, "error (mm)") | mean,
            span=6,
        )
    ]
