"""How a scan is held: all poses on a few windows, the best of them levelled, left and right on many windows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from scipy.special import logsumexp

from orienteer.geometry import Volume
from orienteer.geometry.pose import MIRROR, POSES, TURNS, UPRIGHT, Pose
from orienteer.localize.held import Fit, Place, Windows, fit_in, tilted
from orienteer.localize.oriented import Held

FEW, MANY = 2, 3
"""Windows along each axis: for a look in every pose, and for a close one at the best turns."""
FEWEST = 60
"""Cells of body below which nothing is asked."""
NEAR, CANDIDATES = 1.6, 3
"""Turns within this factor of the best one's error, at most so many, get a close look: a tilted head fits all badly."""
STEPS_DEG = (12.0, 6.0)
"""A head is levelled by steps of these angles about each axis."""
GAIN = 0.95
"""By which a step has to lower the error."""
SHARPNESS = 8.0
"""Of the likelihood of a turn: log-odds for each unit of error, chosen on validation people (docs/log.md)."""
SIDES = 25.0
"""Of the likelihood of a side, likewise: log-odds for each unit of the mean log error."""
TRUST = 0.6
"""What the log-odds of a witness count: its windows overlap, so they are surer together than they should be."""

Witness = Callable[[Pose, tuple[float, ...]], float]
"""More evidence on left and right: of a turn, and degrees that level the head, the log-odds that it is mirrored."""


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
    start = Shown(scan, body, view, stride)
    few = start.windows(FEW)
    if few is None:
        return None
    fits = {pose: fit_in(place, few, pose).error_mm for pose in POSES}
    errors = {turn: min(fits[turn], fits[MIRROR @ turn]) for turn in TURNS}
    looks: dict[Pose, _Look] = {}
    for turn in _near(errors):
        shown, error = start.held_in(turn), errors[turn]
        if error > unit_mm:
            shown, errors[turn] = _levelled(place, shown, error, UPRIGHT if error == fits[turn] else MIRROR)
        looks[turn] = _Look.of(place, shown)
    errors |= {turn: look.error_mm for turn, look in looks.items()}
    turn = min(looks, key=errors.__getitem__)
    look, logs = looks[turn], -SHARPNESS * np.array(list(errors.values())) / unit_mm
    odds = SIDES * look.apart(unit_mm / 2)
    odds += TRUST * sum(witness(turn, look.shown.turned_deg) for witness in witnesses)
    scale = np.empty(3)
    scale[list(turn.axes)] = look.fit.scale
    places = look.windows.places[look.windows.body]
    return Held(
        turn=turn,
        probability=float(np.exp(-SHARPNESS * errors[turn] / unit_mm - logsumexp(logs))),
        mirrored=float(1 / (1 + np.exp(-odds))),
        scale=scale,
        error_mm=look.error_mm,
        spread_mm=float(np.linalg.norm(places - places.mean(0), axis=1).mean()),
        tilt_deg=float(np.linalg.norm(look.shown.turned_deg)),
    )


def _near(errors: dict[Pose, float]) -> list[Pose]:
    """The turns that are worth a close look, the best first."""
    best, *others = sorted(errors, key=errors.__getitem__)[:CANDIDATES]
    return [best, *(turn for turn in others if errors[turn] <= NEAR * errors[best])]


@dataclass(frozen=True, eq=False)
class Shown:
    """A scan as it is shown: held in some pose, levelled by some angles about its axes.

    Attributes:
        scan: on a run's grid and in window units.
        body: ``(D, H, W)`` where the body is.
        view: edge of the run's views, voxels.
        stride: voxels of a cell.
        turned_deg: by how much it was levelled.
    """

    scan: Volume
    body: NDArray[np.bool_]
    view: int
    stride: int
    turned_deg: tuple[float, ...] = (0.0, 0.0, 0.0)

    def windows(self, most: int) -> Windows | None:
        """Up to ``most`` along each axis; None where they hold too little of a body."""
        if not self.body.any():
            return None
        windows = Windows.cut(self.scan, self.body, view=self.view, stride=self.stride, most=most)
        return windows if windows.body.sum() >= FEWEST else None

    def held_in(self, pose: Pose) -> "Shown":
        """In a pose; cells are cubes, so the affine, of which the spacing counts, stays."""
        array = np.ascontiguousarray(pose.show(self.scan.array))
        return Shown(Volume(array, self.scan.affine), pose.show(self.body), self.view, self.stride)

    def turned_by(self, angles: NDArray[np.float64]) -> "Shown":
        """Turned from upright, degrees about each axis."""
        turn = Rotation.from_rotvec(angles, degrees=True).as_matrix()
        return Shown(*tilted(self.scan, self.body, turn), self.view, self.stride, tuple(angles.tolist()))


@dataclass(frozen=True, eq=False)
class _Look:
    """A close look at a scan that is held upright, up to left and right."""

    shown: Shown
    windows: Windows
    upright: Fit
    mirrored: Fit

    @classmethod
    def of(cls, place: Place, shown: Shown) -> "_Look":
        windows = shown.windows(MANY)
        assert windows is not None  # of fewer there were enough
        return cls(shown, windows, *(fit_in(place, windows, pose) for pose in (UPRIGHT, MIRROR)))

    @property
    def fit(self) -> Fit:
        return min(self.upright, self.mirrored, key=lambda fit: fit.error_mm)

    @property
    def error_mm(self) -> float:
        return self.fit.error_mm

    def apart(self, soft_mm: float) -> float:
        """How much better the mirrored fit is; in logarithms, so that cells far off in both have no say."""
        logs = (np.log(fit.errors_mm + soft_mm).mean() for fit in (self.upright, self.mirrored))
        upright, mirrored = map(float, logs)
        return upright - mirrored


def _levelled(place: Place, start: Shown, error_mm: float, side: Pose) -> tuple[Shown, float]:
    """The scan turned by small angles for as long as the field follows it better, and the error then."""
    best, least = start, error_mm
    for step in STEPS_DEG:
        tried = [start.turned_by(np.array(best.turned_deg) + step * way) for way in (*np.eye(3), *-np.eye(3))]
        cut = [(shown, windows) for shown in tried if (windows := shown.windows(FEW)) is not None]
        errors = [fit_in(place, windows, side).error_mm for _, windows in cut]
        if errors and min(errors) < GAIN * least:
            best, least = cut[int(np.argmin(errors))][0], min(errors)
    return best, least
