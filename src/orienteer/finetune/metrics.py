"""Scores of one case, in mm where they are distances; computed by MONAI."""

import warnings
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import UInt8
from monai.metrics import compute_hausdorff_distance, compute_surface_dice
from numpy import ndarray
from numpy.typing import NDArray

from orienteer.finetune.structures import IGNORE

MM3_PER_ML = 1000.0


class CaseScores(NamedTuple):
    """Per structure; NaN where a score is not defined.

    A structure that the labels lack, as those of healthy people lack a lesion, has no overlap with anything: neither 0
    nor 1 would say how well it is found. What is predicted of it all the same is told by its volume.

    Attributes:
        dice: overlap, 0..1; NaN where the labels lack the structure.
        hd95_mm: 95th percentile of the surface distances, symmetric; NaN where either lacks the structure.
        surface_dice: share of the surfaces that lie within the tolerance of each other; NaN where the labels lack the
            structure, 0 where only the prediction does.
        false_ml: volume that is predicted where the labels lack the structure, ml; NaN where they have it.
    """

    dice: NDArray[np.float64]
    hd95_mm: NDArray[np.float64]
    surface_dice: NDArray[np.float64]
    false_ml: NDArray[np.float64]


def score_case(
    predicted: UInt8[ndarray, "D H W"],
    true: UInt8[ndarray, "D H W"],
    *,
    classes: int,
    spacing: float,
    tolerance_mm: float,
) -> CaseScores:
    """Compare class numbers voxel by voxel and surface by surface.

    Args:
        predicted: class numbers, 0 is background.
        true: the labels' class numbers, on the same grid; where they are ``IGNORE`` nothing is compared.
        classes: structures and background.
        spacing: mm per voxel.
        tolerance_mm: for the surface Dice.
    """
    dice, hd95, surface, false = (np.full(classes - 1, np.nan) for _ in range(4))
    ignored = true == IGNORE
    if ignored.any():
        predicted, true = np.where(ignored, 0, predicted), np.where(ignored, 0, true)
    for index in range(classes - 1):
        mine, theirs = predicted == index + 1, true == index + 1
        if not theirs.any():
            false[index] = int(mine.sum()) * spacing**3 / MM3_PER_ML
            continue
        dice[index] = 2 * int((mine & theirs).sum()) / (int(mine.sum()) + int(theirs.sum()))
        if not mine.any():
            surface[index] = 0.0
            continue
        with warnings.catch_warnings():
            # MONAI warns of an argument that it passes itself.
            warnings.simplefilter("ignore", FutureWarning)
            hd95[index], surface[index] = _surfaces(mine, theirs, spacing, tolerance_mm)
    return CaseScores(dice, hd95, surface, false)


def _surfaces(
    mine: NDArray[np.bool_], theirs: NDArray[np.bool_], spacing: float, tolerance_mm: float
) -> tuple[float, float]:
    """HD95 in mm and surface Dice of two structures that are both there."""
    box = _around(mine | theirs)
    pair = [torch.from_numpy(mask[box])[None, None] for mask in (mine, theirs)]
    hd95 = compute_hausdorff_distance(*pair, include_background=True, percentile=95, spacing=spacing)
    surface = compute_surface_dice(*pair, class_thresholds=[tolerance_mm], include_background=True, spacing=spacing)
    return float(hd95), float(surface)


def _around(mask: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The box around a mask with a margin of one voxel, which is enough for surface distances."""
    voxels = np.argwhere(mask)
    low, high = np.maximum(voxels.min(0) - 1, 0), voxels.max(0) + 2
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
