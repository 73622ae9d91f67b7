"""Leaked subjects: scans that look like a training scan although the store calls them somebody else's.

Two scans of one subject, on another day or saved anew, are far more alike than scans of two subjects. How alike two
subjects are differs from cohort to cohort, so a pair is held against the cohort's own nearest pairs: on ``oasis`` a
second visit lies at 0.16 to 0.41 of the usual distance, another subject nowhere below 0.81 (docs/log.md).
"""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

from orienteer.errors import StoreError
from orienteer.evaluation.chosen import spread
from orienteer.store import Store

EDGE = 16
"""Cells of a thumbnail along each axis of the body's box."""
FINE = 2
"""Cells per cell of a thumbnail before what is smooth is taken away."""
SMOOTH = 4.0
"""Standard deviation of what is smooth, in fine cells: shading and size say little about who it is."""
NEAR = 0.55
"""A twin lies at most at this share of the usual distance to the nearest other subject."""
FEWEST = 4
"""Subjects below which nobody can say what is usual."""
MOST = 256
"""Training scans at most that are compared."""


def twins(store: Store, measured: Sequence[str], learned: Sequence[str], *, seed: int) -> dict[str, str]:
    """Of each measured scan that looks like a training scan of another subject: that scan.

    Args:
        store: where the scans are.
        measured: scans of people that are said to be kept apart.
        learned: training scans; of more than ``MOST`` some are chosen by the seed, subject by subject. One that cannot
            be read was not learned from.
        seed: of the choice.

    Raises:
        StoreError: a measured scan cannot be read.
    """
    seen = {scan: thumbnail(store, scan) for scan in measured}
    for scan in spread(store, tuple(learned), MOST, seed):
        with suppress(StoreError):
            seen[scan] = thumbnail(store, scan)
    scans = list(seen)
    people = np.array(store.column("person", scans))
    if len(set(people)) < FEWEST:
        return {}
    thumbnails = np.stack(list(seen.values()))
    apart = 1 - thumbnails @ thumbnails.T
    apart[people[:, None] == people] = np.inf
    usual = float(np.median(apart.min(axis=1)))
    apart = apart[: len(measured), len(measured) :]
    return {
        scan: scans[len(measured) + int(near.argmin())]
        for scan, near in zip(measured, apart, strict=True)
        if near.size and near.min() <= NEAR * usual
    }


def thumbnail(store: Store, scan: str) -> NDArray[np.float64]:
    """``(EDGE^3,)`` of length 1: the body's box in a few cells, without what is smooth."""
    entry = store.entry(scan)
    low, high = np.array(entry.foreground_low), np.array(entry.foreground_high)
    cells = store.normalise(scan, store.read(scan, low, high - low)).mean(axis=0)
    for axis in range(3):
        cells = _gathered(cells, axis, FINE * EDGE)
    cells = cells - gaussian_filter(cells, SMOOTH)
    flat = cells.reshape(EDGE, FINE, EDGE, FINE, EDGE, FINE).mean(axis=(1, 3, 5)).ravel().astype(np.float64)
    flat -= flat.mean()
    return np.asarray(flat / max(float(np.linalg.norm(flat)), np.finfo(float).tiny))


def _gathered(cells: NDArray[np.float32], axis: int, count: int) -> NDArray[np.float32]:
    """``count`` cells along an axis: means of what falls into each, or interpolated where there are fewer voxels."""
    length = cells.shape[axis]
    if length > count:
        starts = np.linspace(0, length, count, endpoint=False).astype(int)
        widths = np.diff(np.r_[starts, length]).reshape([-1 if n == axis else 1 for n in range(3)])
        return np.asarray(np.add.reduceat(cells, starts, axis=axis) / widths)
    if length < count:
        return np.asarray(zoom(cells, [count / length if n == axis else 1 for n in range(3)], order=1))
    return cells
