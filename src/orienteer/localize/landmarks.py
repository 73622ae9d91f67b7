"""The same position in another subject, as far as labels of both can tell. Needs no torch.

Centres of the labelled structures that two scans share carry a smooth warp (thin plates) from one to the other. How far
such a position can be trusted is measured by leaving each structure out in turn.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import center_of_mass

from orienteer.store import Store

FEWEST_VOXELS = 20
"""A smaller structure has no meaningful centre."""
FEWEST_SHARED = 6
"""With fewer structures a warp in three dimensions is guesswork, and none can be left out."""
SMOOTHING = 1000.0
"""Of the thin plates, for mm: chosen on pairs of subjects by the error on structures left out (docs/log.md)."""
KEPT = 32
"""Scans, and pairs of scans, that are kept between questions."""
MOST_LEFT_OUT = 40
"""At most so many structures are left out in turn, evenly taken."""

Landmarks = Mapping[int, NDArray[np.float64]]
"""Structure number to its centre, mm in the scan's own frame."""


@dataclass(frozen=True)
class Warp:
    """From one scan to another.

    Attributes:
        structures: how many structures the two share.
        left_out_mm: median error with which the others place a structure that was left out.
    """

    here: NDArray[np.float64]
    there: NDArray[np.float64]
    left_out_mm: float

    @property
    def structures(self) -> int:
        """How many structures it rests on."""
        return len(self.here)

    def __call__(self, position_mm: NDArray[np.float64]) -> NDArray[np.float64]:
        """``(3,)`` mm in the one scan to the same position in the other."""
        moved: NDArray[np.float64] = _plates(self.here, self.there)(position_mm[None])[0]
        return moved


class Warps:
    """The warps between scans of a store; each scan's landmarks are found once.

    Args:
        store: with labels, or without: then there is no warp.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._landmarks = lru_cache(KEPT)(lambda scan: landmarks(store, scan))
        self.between = lru_cache(KEPT)(self._between)

    def _between(self, scan: str, target: str) -> Warp | None:
        """The warp from one scan to another, or None."""
        return warp(self._landmarks(scan), self._landmarks(target))


def landmarks(store: Store, scan: str) -> Landmarks:
    """Centres of the labelled structures of a scan; none where it carries no labels.

    Raises:
        StoreError: no such scan, or its array is damaged.
    """
    entry = store.entry(scan)
    if not entry.labelled:
        return {}
    labels = store.labels(scan)
    counts = np.bincount(np.maximum(labels, 0).ravel())
    numbers = [int(n) for n in np.flatnonzero(counts >= FEWEST_VOXELS) if n > 0]
    centres = center_of_mass(labels > 0, labels, numbers) if numbers else []
    return {n: np.asarray(centre) * entry.spacing for n, centre in zip(numbers, centres, strict=True)}


def warp(here: Landmarks, there: Landmarks) -> Warp | None:
    """The warp between two scans; None where they share too few structures, or only such as lie in one plane."""
    shared = sorted(here.keys() & there.keys())
    if len(shared) < FEWEST_SHARED:
        return None
    start, end = np.stack([here[n] for n in shared]), np.stack([there[n] for n in shared])
    tried = np.unique(np.linspace(0, len(shared) - 1, MOST_LEFT_OUT).astype(int))
    missed = []
    for left_out in tried:
        others = np.arange(len(shared)) != left_out
        try:
            placed = _plates(start[others], end[others])(start[left_out][None])[0]
        except np.linalg.LinAlgError:
            return None
        missed.append(np.linalg.norm(placed - end[left_out]))
    return Warp(start, end, float(np.median(missed)))


def _plates(start: NDArray[np.float64], end: NDArray[np.float64]) -> RBFInterpolator:
    return RBFInterpolator(start, end, kernel="thin_plate_spline", smoothing=SMOOTHING)
