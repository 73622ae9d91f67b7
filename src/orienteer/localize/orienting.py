"""How a scan is held: all poses on a few windows, the best of them levelled, left and right on many windows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from scipy.special import logsumexp

from orienteer.geometry import Volume
from orienteer.localize.held import Fit, Place, Windows, held, tilted
from orienteer.localize.oriented import Held
from orienteer.localize.pose import MIRROR, POSES, TURNS, UPRIGHT, Pose

FEW, MANY = 2, 3
"""Windows along each axis: for a look in every pose, and to tell left from right."""
FEWEST = 60
"""Cells of body below which nothing is asked."""
NEAR = 1.6
"""Turns within this factor of the best one's error are levelled, too: a tilted head fits every pose badly."""
CANDIDATES = 3
"""Most turns that are levelled."""
STEPS_DEG = (12.0, 6.0)
"""A head is levelled by steps of these angles about each axis."""
GAIN = 0.95
"""By which a step has to lower the error."""
SHARPNESS = 6.0
"""Of the likelihood of a turn: log-odds for each unit of error, chosen on validation people (docs/log.md)."""
SIDES = 25.0
"""Of the likelihood of a side, likewise: log-odds for each unit of the mean log error."""

Witness = Callable[[Windows], float]
"""Further evidence on left and right: windows of a scan held upright to the log-odds that it is mirrored."""


def hold(
    place: Place,
    scan: Volume,
    body: NDArray[np.bool_],
    *,
    view: int,
    stride: int,
    unit_mm: float,
    witnesses: Sequence[Witness] = (),
) -> Held | None:
    """How a scan is held; None where it shows too little of a body.

    Args:
        place: what places the cells of windows, of ``localize.field``.
        scan: canonical by its header, on the run's grid and in window units.
        body: ``(D, H, W)`` where the body is.
        view: edge of the views the run learned from, voxels.
        stride: voxels of a cell.
        unit_mm: the run's own validated error of a position.
        witnesses: further evidence on left and right.
    """
    if not body.any():
        return None
    few = Windows.cut(scan, body, view=view, stride=stride, most=FEW)
    if few.body.sum() < FEWEST:
        return None
    fits = {pose: held(place, few, pose).error_mm for pose in POSES}
    errors = {turn: min(fits[turn], fits[MIRROR @ turn]) for turn in TURNS}
    best = min(errors.values())
    levelled: dict[Pose, _Level] = {}
    for turn in sorted(TURNS, key=errors.__getitem__)[:CANDIDATES]:
        if errors[turn] <= NEAR * best:
            side = UPRIGHT if errors[turn] == fits[turn] else MIRROR
            start = _Level(held_in(scan, turn), turn.show(body), errors[turn], np.zeros(3))
            levelled[turn] = _levelled(place, start, side, view, stride)
            errors[turn] = levelled[turn].error_mm
    logs = -SHARPNESS * np.array([errors[turn] for turn in TURNS]) / unit_mm
    chosen = min(levelled, key=errors.__getitem__)
    level = levelled[chosen]
    many = Windows.cut(level.scan, level.body, view=view, stride=stride, most=MANY)
    one, other = held(place, many, UPRIGHT), held(place, many, MIRROR)
    odds = SIDES * _apart(one, other, unit_mm) + sum(witness(many) for witness in witnesses)
    upright = one if one.error_mm <= other.error_mm else other
    scale = np.empty(3)
    scale[list(chosen.axes)] = upright.scale
    places = many.places[many.body]
    return Held(
        turn=chosen,
        probability=float(np.exp(-SHARPNESS * errors[chosen] / unit_mm - logsumexp(logs))),
        mirrored=float(1 / (1 + np.exp(-odds))),
        scale=scale,
        error_mm=upright.error_mm,
        spread_mm=float(np.linalg.norm(places - places.mean(0), axis=1).mean()),
        tilt_deg=float(np.linalg.norm(level.turned_deg)),
    )


def _apart(one: Fit, mirrored: Fit, unit_mm: float) -> float:
    """How much better the mirrored fit is; logarithms, so that cells far off in both have no say."""
    soft = unit_mm / 2
    return float(np.log(one.errors_mm + soft).mean() - np.log(mirrored.errors_mm + soft).mean())


@dataclass(frozen=True, eq=False)
class _Level:
    scan: Volume
    body: NDArray[np.bool_]
    error_mm: float
    turned_deg: NDArray[np.float64]


def held_in(scan: Volume, pose: Pose) -> Volume:
    """A scan on a grid of cubes, held in a pose; the affine keeps its spacing alone."""
    return Volume(np.ascontiguousarray(pose.show(scan.array)), scan.affine)


def _levelled(place: Place, start: _Level, side: Pose, view: int, stride: int) -> _Level:
    """The scan turned by small angles for as long as the field follows it better."""
    best = start
    for step in STEPS_DEG:
        tried = []
        for way in (*np.eye(3), *-np.eye(3)):
            angles = best.turned_deg + step * way
            turned = tilted(start.scan, start.body, Rotation.from_rotvec(angles, degrees=True).as_matrix())
            if not turned[1].any():
                continue
            windows = Windows.cut(*turned, view=view, stride=stride, most=FEW)
            if windows.body.sum() < FEWEST:
                continue
            tried.append(_Level(*turned, held(place, windows, side).error_mm, angles))
        nearest = min(tried, key=lambda level: level.error_mm, default=best)
        best = nearest if nearest.error_mm < GAIN * best.error_mm else best
    return best
