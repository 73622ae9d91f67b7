"""Labels onto the store's grid: one isotropic grid in mm, centred in the scan's own field of view."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from orienteer.geometry import Volume, spacing_of
from orienteer.geometry.resample import Grid

VOTES = 2**23
"""Votes on labels held at once; each takes up to 27 bytes."""
TOGETHER = 0.98
OVERHANG = 0.25
"""New voxels by which the grid of a scan may reach beyond the scan on either side, because it counts whole ones."""


def resample_labels(volume: Volume, grid: Grid) -> NDArray[np.int16]:
    """Structure numbers ``(D, H, W)`` on ``grid``: the most frequent one inside each new voxel.

    A plain nearest neighbour shifts structures by up to half an old voxel where two old voxels are equally
    near, and loses thin ones at random. Here points spread evenly over the new voxel vote; ties go to the
    smaller number. Where ``volume`` does not reach the votes are 0: nobody has said what is there.
    """
    ratio = spacing_of(grid.affine) / volume.spacing
    points = 2 * np.clip(np.ceil(ratio - 1e-6), 1, 4).astype(int)
    # Drawn together a little, so that no point falls half-way between two old voxels, where rounding would
    # always take the same side.
    within = [TOGETHER * ((np.arange(n) + 0.5) / n - 0.5) for n in points]
    d, h, w = grid.shape
    slab = max(1, int(VOTES // (points.prod() * h * w)))
    parts = []
    for start in range(0, d, slab):
        planes = (np.arange(start, min(start + slab, d)), np.arange(h), np.arange(w))
        places = [(at[:, None] + offset).ravel() for at, offset in zip(planes, within, strict=True)]
        parts.append(_vote(_nearest(volume, grid, places), points))
    return np.concatenate(parts)


def _nearest(volume: Volume, grid: Grid, places: Sequence[NDArray[np.float64]]) -> NDArray[np.int16]:
    """The old voxel nearest to every combination of ``places`` along the grid's axes, in its voxels; 0 outside."""
    to_old = np.linalg.inv(volume.affine) @ grid.affine
    axes = np.ix_(*places)
    aligned = np.allclose(to_old[:3, :3], np.diag(np.diag(to_old[:3, :3])), atol=1e-7)
    # Labels of the scan's own space lose nothing at the edge of its grid. One voxel may hang over by a half.
    overhang = np.where(np.array(grid.shape) == 1, 0.5, OVERHANG) * spacing_of(grid.affine) / volume.spacing + 1e-3
    index, inside = [], np.ones((1, 1, 1), dtype=bool)
    for k, row in enumerate(to_old[:3]):
        old = row[k] * axes[k] if aligned else row[0] * axes[0] + row[1] * axes[1] + row[2] * axes[2]
        old = old + row[3]
        last = volume.shape[k] - 1
        inside = inside & (old >= -0.5 - overhang[k]) & (old <= last + 0.5 + overhang[k])
        index.append(np.clip(np.rint(old), 0, last).astype(int))
    nearest: NDArray[np.int16] = volume.array[0][tuple(index)].astype(np.int16)
    nearest[~inside] = 0
    return nearest


def _vote(fine: NDArray[np.int16], points: NDArray[np.int_]) -> NDArray[np.int16]:
    """The most frequent value in each block of ``points`` voxels."""
    i, j, k = points
    d, h, w = np.array(fine.shape) // points
    votes = fine.reshape(d, i, h, j, w, k).transpose(0, 2, 4, 1, 3, 5).reshape(d, h, w, -1)
    result: NDArray[np.int16] = votes.min(axis=-1)
    # Inside a structure all agree; only the others are counted, as runs of equal values once sorted.
    mixed = votes.max(axis=-1) != result
    ordered = np.sort(votes[mixed], axis=-1).T
    best = ordered[0].copy()
    run = np.ones(best.shape, dtype=np.int16)
    longest = run.copy()
    for before, vote in pairwise(ordered):
        run = np.where(vote == before, run + 1, 1)
        longer = run > longest
        best[longer], longest[longer] = vote[longer], run[longer]
    result[mixed] = best
    return result
