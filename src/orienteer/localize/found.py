"""Where a point of one scan was found in another: the answer, and how far it can be trusted. Needs no torch."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

POINT_RING, STRUCTURE_RING = (3.3, 1.5), (2.0, 0.6)
"""Radius, mm, that held the truth in 90 % where there and back agree, and what each mm between them adds to it; of
single points, and of the middles of structures. Calibrated on brains at 3 mm (docs/log.md)."""
LOST_MM = 12.0
"""A point that comes back farther from where it started was not found."""
OUTSIDE = "the scan's field of view does not reach it"
LOST = "it comes back elsewhere"
"""Why a point was not found."""
COLUMNS = ("scan", "point", "found", "r_mm", "a_mm", "s_mm", "i", "j", "k", "ring_mm", "cycle_mm", "exemplars", "why")


@dataclass(frozen=True, eq=False)
class Found:
    """One point in one scan.

    Attributes:
        scan: its id.
        point: name of what was looked for.
        world_mm: ``(3,)`` world position, R, A, S, as Slicer shows it; None where it is not in the scan.
        voxel: ``(3,)`` index in the scan's file, fractions allowed, counted from 0 in its own axes; None likewise.
        ring_mm: radius of the ball that holds the truth in 90 %.
        cycle_mm: how far from where it started the point comes back, the worst of the exemplars'.
        exemplars: how many scans voted for it.
        why: why it was not found; empty where it was.
    """

    scan: str
    point: str
    world_mm: NDArray[np.float64] | None
    voxel: NDArray[np.float64] | None
    ring_mm: float
    cycle_mm: float
    exemplars: int = 1
    why: str = ""

    @property
    def found(self) -> bool:
        """Whether the point is in the scan."""
        return self.world_mm is not None

    def to_json(self) -> dict[str, Any]:
        """Numbers to a hundredth; null where there is none."""
        return {
            "scan": self.scan,
            "point": self.point,
            "found": self.found,
            "world_mm": _rounded(self.world_mm),
            "voxel": _rounded(self.voxel),
            "ring_mm": round(self.ring_mm, 2) if self.found else None,
            "cycle_mm": round(self.cycle_mm, 2) if np.isfinite(self.cycle_mm) else None,
            "exemplars": self.exemplars,
            "why": self.why,
        }

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Self:
        """What ``to_json`` wrote."""
        world, voxel = (None if table[key] is None else np.array(table[key]) for key in ("world_mm", "voxel"))
        ring, cycle = (np.nan if table[key] is None else float(table[key]) for key in ("ring_mm", "cycle_mm"))
        return cls(table["scan"], table["point"], world, voxel, ring, cycle, table["exemplars"], table["why"])


@dataclass(frozen=True, eq=False)
class Vote:
    """What one exemplar says of a point.

    Attributes:
        world_mm: ``(3,)``, or None.
        cycle_mm: how far from its start it came back.
        why: why it was not found.
        structure: whether it is the middle of a structure.
        apart_mm: how far two ways to find that middle disagree.
    """

    world_mm: NDArray[np.float64] | None
    cycle_mm: float
    why: str = ""
    structure: bool = False
    apart_mm: float = 0.0

    @property
    def ring_mm(self) -> float:
        """Radius that holds the truth in 90 %; both ways to find a middle lie within it."""
        radius, more = STRUCTURE_RING if self.structure else POINT_RING
        return max(radius + more * self.cycle_mm, self.apart_mm)


def decided(scan: str, point: str, votes: Sequence[Vote], affine: NDArray[np.float64]) -> Found:
    """The votes of all exemplars as one answer: those that found it, each by the square of its ring.

    The point is absent where half of the exemplars or more did not find it.

    Args:
        scan: id of the scan.
        point: name of what was looked for.
        votes: one an exemplar.
        affine: ``(4, 4)`` voxel of the scan's file to world RAS mm.
    """
    seen = [vote for vote in votes if vote.world_mm is not None]
    if 2 * len(seen) <= len(votes):
        lost = next(vote for vote in votes if vote.world_mm is None)
        return Found(scan, point, None, None, np.nan, lost.cycle_mm, len(votes), lost.why)
    places = np.stack([np.asarray(vote.world_mm) for vote in seen])
    weights = np.array([vote.ring_mm**-2.0 for vote in seen])
    world = weights @ places / weights.sum()
    apart = float(np.linalg.norm(places - world, axis=1).max())
    ring = max(float(np.average([vote.ring_mm for vote in seen], weights=weights)), apart)
    voxel = apply_affine(np.linalg.inv(affine), world)
    return Found(scan, point, world, voxel, ring, max(vote.cycle_mm for vote in seen), len(votes))


def as_csv(found: Sequence[Found]) -> str:
    """A line a point and scan, with a header."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for each in found:
        values = each.to_json()
        world, voxel = values["world_mm"] or ("",) * 3, values["voxel"] or ("",) * 3
        lines.writerow([
            each.scan, each.point, "yes" if each.found else "no", *world, *voxel,
            *("" if values[key] is None else values[key] for key in ("ring_mm", "cycle_mm")), each.exemplars, each.why,
        ])  # fmt: skip
    return text.getvalue()


def as_markups(found: Sequence[Found]) -> str:
    """The points of one scan as Slicer opens them (``.mrk.json``); absent ones are left out."""
    points = [
        {
            "id": str(number),
            "label": each.point,
            "description": f"90 % within {each.ring_mm:.1f} mm",
            "position": _rounded(each.world_mm),
            "selected": True,
            "locked": False,
            "visibility": True,
            "positionStatus": "defined",
        }
        for number, each in enumerate((each for each in found if each.found), 1)
    ]
    markup = {
        "type": "Fiducial",
        "coordinateSystem": "RAS",
        "coordinateUnits": "mm",
        "locked": False,
        "labelFormat": "%N-%d",
        "controlPoints": points,
    }
    return json.dumps({"@schema": SCHEMA, "markups": [markup]}, indent=2) + "\n"


SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)


def _rounded(values: NDArray[np.float64] | None) -> list[float] | None:
    return None if values is None else [round(float(value), 2) + 0.0 for value in values]  # no -0.0
