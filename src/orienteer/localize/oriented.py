"""What is said of how a scan is held: verdict, probability, and the affine that would be right. Needs no torch."""

import csv
import io
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

import numpy as np
from nibabel.orientations import apply_orientation, io_orientation
from numpy.typing import NDArray

from orienteer.geometry.pose import MIRROR, UPRIGHT, Pose
from orienteer.geometry.volume import axes_of, spacing_of
from orienteer.units import percent

SURE = 0.9
"""Probability from which a turn is told."""
SIDE = 0.95
"""The same of a side: left and right exchanged, or not."""
FINE = 0.6
"""Probability of turn and side below which nothing is called fine."""
DOUBT = 0.2
"""Probability that a spacing is wrong from which it is named, though it is not called wrong."""
SIZE, SHAPE = 0.030, 0.028
"""Standard deviations, log, of persons' size and, beside it, of each axis of their heads (docs/log.md)."""
RARE = 4.4
"""Negative log odds that a spacing is wrong, against a person as unlike others; three standard deviations."""
STRANGE, STRANGE_SOFT = 2.3, 0.15
"""Units of error from which the anatomy is another one, and within which that grows likely."""
LEANING = 12.0
"""Degrees from which no spacing is told: the axes of the file are not those of the body."""
SMALL = 0.45
"""Views: a body whose cells lie nearer to their middle than this on average is too small to be told."""
SIDES = ("left to right", "back to front", "feet to head")
COLUMNS = (
    "scan", "verdict", "confidence", "axes", "axes_found", "mirrored", "factor_i", "factor_j", "factor_k",
    "spacing_doubt", "tilt_deg", "error_mm", "why",
)  # fmt: skip


class Verdict(StrEnum):
    """What a scan is."""

    RIGHT = "as its header says"
    MIRRORED = "mirrored left-right"
    TURNED = "turned"
    SPACING = "spacing wrong"
    UNSURE = "cannot tell"
    OTHER = "not the anatomy this run knows"


@dataclass(frozen=True, eq=False)
class Held:
    """What the field says of how a scan is held.

    Attributes:
        turn: the likeliest proper turn that sets the scan upright, up to left and right.
        probability: of that turn among the 24.
        mirrored: probability that left and right are exchanged as well.
        scale: ``(3,)`` along the canonical scan's axes: the length the field takes something for, over the header's.
        error_mm: how far the field departs from the scan's grid, held upright.
        spread_mm: mean distance of the body's cells from their middle; the error without any knowledge.
        tilt_deg: by how much the head was levelled.
    """

    turn: Pose
    probability: float
    mirrored: float
    scale: NDArray[np.float64]
    error_mm: float
    spread_mm: float
    tilt_deg: float


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What the run's own validation says of its position field.

    Attributes:
        error_mm: mean error of a position.
        scale: ``(3,)`` along R, A, S: the length it takes something for, over the true one.
        view_mm: edge of its views.
    """

    error_mm: float
    scale: NDArray[np.float64]
    view_mm: float


@dataclass(frozen=True, eq=False)
class Oriented:
    """One scan.

    Attributes:
        scan: its id.
        verdict: what it is.
        confidence: probability of what the verdict says: of turn and side, where it is the spacing alone of that, too;
            0 where it cannot tell.
        axes: directions of the file's axes as the header says, e.g. ``LAS``.
        axes_found: as they are, ``?`` for left or right where they are not told; empty where nothing is.
        mirrored: probability that left and right are exchanged; None where no pose is told.
        factors: ``(3,)`` along the file's axes: true spacing over the header's; 1 where it is not called wrong.
        affine: ``(4, 4)`` voxel of the file to world RAS mm as it should be, up to left and right where they are not
            told: axes only, the spacing stays.
        tilt_deg: by how much the head leans.
        error_mm: how far the field departs from the grid; None where it was not asked.
        why: what stands behind the verdict.
        doubt: probability that a spacing that is not called wrong is wrong all the same, of the worst axis.
    """

    scan: str
    verdict: Verdict
    confidence: float
    axes: str
    axes_found: str
    mirrored: float | None
    factors: tuple[float, float, float]
    affine: NDArray[np.float64]
    tilt_deg: float = 0.0
    error_mm: float | None = None
    why: str = ""
    doubt: float = 0.0

    @property
    def fine(self) -> bool:
        """Whether nothing is to be done."""
        return self.verdict is Verdict.RIGHT

    @property
    def fixable(self) -> bool:
        """Whether the right axes differ from the header's, and turn and side are sure, each and together.

        Whether a spacing is wrong is not asked: it stays as it is.
        """
        return self.verdict in (Verdict.MIRRORED, Verdict.TURNED) and self.side_told and self.confidence >= SURE

    @property
    def side_told(self) -> bool:
        """Whether left and right are told."""
        return self.mirrored is not None and "?" not in self.axes_found

    @property
    def doubted(self) -> bool:
        """Whether a spacing that is not called wrong has to be looked at."""
        return self.doubt >= DOUBT

    def to_json(self) -> dict[str, Any]:
        """Probabilities to a thousandth."""
        return {
            "scan": self.scan,
            "verdict": self.verdict.value,
            "confidence": round(self.confidence, 3),
            "spacing_doubt": round(self.doubt, 3),
            "axes": self.axes,
            "axes_found": self.axes_found,
            "mirrored": None if self.mirrored is None else round(self.mirrored, 3),
            "left_right_told": self.side_told,
            "spacing_factors": [round(each, 3) for each in self.factors],
            "affine": [[round(float(value), 6) for value in row] for row in self.affine],
            "tilt_deg": round(self.tilt_deg, 1),
            "error_mm": None if self.error_mm is None else round(self.error_mm, 2),
            "why": self.why,
        }

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Self:
        """What ``to_json`` wrote."""
        i, j, k = table["spacing_factors"]
        return cls(
            table["scan"], Verdict(table["verdict"]), table["confidence"], table["axes"], table["axes_found"],
            table["mirrored"], (i, j, k), np.array(table["affine"]), table["tilt_deg"], table["error_mm"],
            table["why"], table["spacing_doubt"],
        )  # fmt: skip


def decided(
    scan: str,
    affine: NDArray[np.float64],
    shape: Sequence[int],
    held: Held | None,
    stick: Yardstick,
    *,
    strange: str = "",
    whole: bool = True,
) -> Oriented:
    """The verdict on a scan.

    Args:
        scan: its id.
        affine: ``(4, 4)`` of the file, as its header says.
        shape: ``(3,)`` voxels of the file.
        held: what the field says; None where it was not asked.
        stick: what the run's validation says.
        strange: what about the scan's features is unlike the training scans, held upright; empty where nothing.
        whole: whether it shows a body as large as in training; of a part the size is not judged.
    """
    axes = axes_of(affine)
    said = Oriented(scan, Verdict.UNSURE, 0.0, axes, "", None, (1.0, 1.0, 1.0), affine)
    if held is not None:
        said = replace(said, tilt_deg=held.tilt_deg, error_mm=held.error_mm)
    if held is None or held.spread_mm < SMALL * stick.view_mm:
        return replace(said, why="it shows too little of a body")
    other = _likely(held.error_mm / stick.error_mm, STRANGE, STRANGE_SOFT)
    if other >= 0.5 or (strange and held.probability < SURE):
        why = (
            strange or f"the field departs from its grid by {held.error_mm:.1f} mm, in validation {stick.error_mm:.1f}"
        )
        return replace(said, verdict=Verdict.OTHER, confidence=max(other, 0.5), why=why)
    if strange:
        return replace(said, why=strange)
    if held.probability < SURE:
        why = f"several turns fit it alike, for a run that errs by {stick.error_mm:.1f} mm in validation"
        return replace(said, why=why)
    exchanged = held.mirrored >= SIDE
    told = exchanged or held.mirrored <= 1 - SIDE
    pose = MIRROR @ held.turn if exchanged else held.turn
    unsized = "" if whole else "a part of the body"
    if whole and held.tilt_deg > LEANING:
        unsized = f"a body that leans by {held.tilt_deg:.0f} degrees"
    factors, wrong = (np.ones(3), np.zeros(3)) if unsized else _factors(held, stick)
    right = affine_held(affine, shape, pose)
    posed = held.probability * (max(held.mirrored, 1 - held.mirrored) if told else 1.0)
    sure = posed * (1 - other)
    notes = []
    for axis, (spacing, factor, chance) in enumerate(
        zip(spacing_of(affine), _of_file(factors, affine), _of_file(wrong, affine), strict=True)
    ):
        where = f"axis {axis} ({SIDES[_side(right, axis)]}): {spacing:.3g} mm"
        notes += [f"{where}, by the anatomy {spacing * factor:.3g}"] if factor != 1 else []
        notes += [f"{where}, perhaps wrong ({percent(chance)})"] if factor == 1 and chance >= DOUBT else []
    notes += [f"voxel size not told of {unsized}"] if unsized else []
    notes += [] if told else ["left and right not told"]
    verdict = (
        Verdict.MIRRORED if pose == MIRROR
        else Verdict.TURNED if held.turn != UPRIGHT
        else Verdict.SPACING if (factors != 1).any()
        else Verdict.RIGHT
    )  # fmt: skip
    if verdict is Verdict.RIGHT and sure < FINE:
        return replace(said, why=f"most likely as its header says, but only at {percent(sure)}")
    if verdict is Verdict.SPACING:
        sure *= float(np.prod(wrong[factors != 1]))
    found = axes_of(right) if told else without_side(axes_of(right))
    return replace(
        said, verdict=verdict, confidence=sure, axes_found=found, mirrored=held.mirrored,
        factors=_of_file(factors, affine), affine=right, why="; ".join(notes),
        doubt=float(np.where(factors == 1, wrong, 0).max()),
    )  # fmt: skip


def affine_held(affine: NDArray[np.float64], shape: Sequence[int], pose: Pose) -> NDArray[np.float64]:
    """The affine of a file that stands upright once its canonical form is held in a pose; its middle stays in place.

    Args:
        affine: ``(4, 4)`` voxel of the file to world RAS mm, as the header says.
        shape: ``(3,)`` voxels of the file.
        pose: how the canonical scan has to be held.
    """
    codes = io_orientation(affine)
    signed = np.zeros((3, 3))
    signed[codes[:, 0].astype(int), range(3)] = codes[:, 1]
    turn = pose.matrix @ signed
    spacing = spacing_of(affine)
    canonical_directions = affine[:3, :3] / spacing @ signed.T
    made = np.eye(4)
    made[:3, :3] = canonical_directions @ turn * spacing
    middle = (np.asarray(shape) - 1) / 2
    made[:3, 3] = affine[:3, :3] @ middle + affine[:3, 3] - made[:3, :3] @ middle
    return made


def upright(array: NDArray, affine: NDArray[np.float64]) -> NDArray:
    """``(D, H, W)`` with axes R, A, S as an affine says."""
    turned: NDArray = apply_orientation(array, io_orientation(affine))
    return turned


def _factors(held: Held, stick: Yardstick) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """``(3,)`` true spacing over the header's along the canonical axes, 1 where it is not wrong; how likely wrong.

    Persons are larger and smaller along all axes alike, so one axis is judged by what the others say: the likeliest set
    of wrong axes is that which leaves the rest an ordinary person.
    """
    typical = np.empty(3)
    typical[list(held.turn.axes)] = stick.scale
    factor = np.log(held.scale / typical)
    persons = SHAPE**2 * np.eye(3) + SIZE**2
    sets = [np.array(each, dtype=bool) for each in itertools.product((False, True), repeat=3)]
    cost = np.empty(len(sets))
    for number, wrong in enumerate(sets):
        rest = factor[~wrong]
        cost[number] = rest @ np.linalg.solve(persons[np.ix_(~wrong, ~wrong)], rest) / 2 + RARE * wrong.sum()
    chance = np.exp(cost.min() - cost)
    likely: NDArray[np.float64] = np.array(sets).T @ chance / chance.sum()
    wrong, right = likely >= 0.5, likely < 0.5
    usual = persons[np.ix_(wrong, right)] @ np.linalg.solve(persons[np.ix_(right, right)], factor[right])
    found = np.ones(3)
    found[wrong] = np.exp(factor[wrong] - usual)
    return found, likely


def _of_file(values: NDArray[np.float64], affine: NDArray[np.float64]) -> tuple[float, float, float]:
    """Values along canonical axes as those along the file's."""
    i, j, k = (float(values[int(axis)]) for axis in io_orientation(affine)[:, 0])
    return i, j, k


def _side(affine: NDArray[np.float64], axis: int) -> int:
    return int(io_orientation(affine)[axis, 0])


def without_side(axes: str) -> str:
    """Directions of axes with left and right left open: ``LAS`` as ``?AS``."""
    return axes.replace("R", "?").replace("L", "?")


def _likely(value: float, middle: float, soft: float) -> float:
    return float(1 / (1 + np.exp(-np.clip((value - middle) / soft, -60, 60))))


def as_csv(found: Sequence[Oriented]) -> str:
    """A line a scan, with a header."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for each in found:
        values = each.to_json()
        mirrored, error = ("" if values[key] is None else values[key] for key in ("mirrored", "error_mm"))
        lines.writerow([
            each.scan, each.verdict.value, values["confidence"], each.axes, each.axes_found, mirrored,
            *values["spacing_factors"], values["spacing_doubt"], values["tilt_deg"], error, each.why,
        ])  # fmt: skip
    return text.getvalue()


def as_json(found: Sequence[Oriented], **others: Any) -> dict[str, Any]:
    """All that is known, for programs: the verdicts by scan, and whatever else there is to say."""
    return {"v": 1, "scans": {each.scan: each.to_json() for each in found}, **others}
