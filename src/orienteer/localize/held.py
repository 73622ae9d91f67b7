"""What a position field says of a scan that is held in some way: does it follow the scan's own grid?

The same windows are shown in each pose and the field's answer is turned back into the scan's axes, so that for the
true pose ``predicted = scale * place + shift`` holds in most of the body.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import affine_transform
from torch import Tensor

from orienteer.geometry import Volume
from orienteer.geometry.boxes import padded_box
from orienteer.geometry.pose import Pose
from orienteer.store.intensity import FLOOR

Place = Callable[[Tensor], Tensor]
"""Windows ``(N, C, S, S, S)`` to positions of their cells ``(N, 3, s, s, s)``, mm."""

HOP = 2 / 3
"""Distance of neighbouring windows, as a share of their edge."""
CELLS = 2000
"""Cells that a fit rests on, evenly taken."""
ROUNDS = 6
"""Times it is weighed anew."""
SCALES = (0.4, 2.0)
"""Between these a scale may lie."""
BATCH = 8
"""Windows encoded together."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Cubes of a scan.

    Attributes:
        cubes: ``(N, C, S, S, S)`` in window units.
        places: ``(N, s, s, s, 3)`` centres of their cells, mm along the scan's axes.
        body: ``(N, s, s, s)`` where a cell is body.
    """

    cubes: NDArray[np.float32]
    places: NDArray[np.float64]
    body: NDArray[np.bool_]

    @classmethod
    def cut(cls, scan: Volume, body: NDArray[np.bool_], *, view: int, stride: int, most: int) -> "Windows":
        """Windows spread over the box that holds the body, alike from either side.

        Args:
            scan: on the run's grid and in window units.
            body: ``(D, H, W)``.
            view: their edge S, voxels.
            stride: voxels of a cell.
            most: of them along each axis.
        """
        index = np.argwhere(body)
        lows = np.stack(np.meshgrid(*(
            _line(first, last, view, most) for first, last in zip(index.min(0), index.max(0) + 1, strict=True)
        ), indexing="ij"), -1).reshape(-1, 3)  # fmt: skip
        cells = view // stride
        inside = np.stack([padded_box(body[None].astype(np.float32), low, view, fill=0.0)[0] for low in lows])
        share = inside.reshape(-1, cells, stride, cells, stride, cells, stride).mean((2, 4, 6))
        within = np.stack(np.meshgrid(*[np.arange(cells) * stride + (stride - 1) / 2] * 3, indexing="ij"), -1)
        cubes = np.stack([padded_box(scan.array, low, view, fill=FLOOR) for low in lows])
        return cls(cubes, (lows[:, None, None, None] + within) * scan.spacing, share > 0.5)


def _line(first: int, last: int, view: int, most: int) -> NDArray[np.int_]:
    count = int(np.clip(np.ceil((last - first - view) / (view * HOP)) + 1, 1, most))
    reach = max(0.0, (last - first - view) / 2) if count > 1 else 0.0
    lows: NDArray[np.int_] = np.rint((first + last - view) / 2 + np.linspace(-reach, reach, count)).astype(int)
    return lows


@dataclass(frozen=True, eq=False)
class Fit:
    """How far the field follows the grid of a scan.

    Attributes:
        error_mm: mean distance of what was predicted from what the grid says, scaled and shifted.
        scale: ``(3,)`` along the scan's axes; 0.8 where the scan is 1 / 0.8 as long as the field takes it for.
        errors_mm: ``(M,)`` of each cell.
    """

    error_mm: float
    scale: NDArray[np.float64]
    errors_mm: NDArray[np.float64]


def fit_in(place: Place, windows: Windows, pose: Pose) -> Fit:
    """Show windows in a pose, and fit what the field says to the scan's own grid.

    Args:
        place: of ``localize.field``.
        windows: with at least a few cells of body.
        pose: how to hold them.
    """
    shown = np.ascontiguousarray(pose.show(windows.cubes))
    parts = [place(torch.from_numpy(some)).numpy() for some in np.split(shown, range(BATCH, len(shown), BATCH))]
    field = pose.inverse.show(np.concatenate(parts))
    chosen = np.flatnonzero(windows.body)[:: max(1, int(windows.body.sum()) // CELLS)]
    predicted = np.moveaxis(field, 1, -1).reshape(-1, 3)[chosen] @ pose.matrix
    return fitted(windows.places.reshape(-1, 3)[chosen], predicted)


def fitted(places: NDArray[np.float64], predicted: NDArray[np.floating]) -> Fit:
    """The scale and shift that most cells follow.

    Args:
        places: ``(M, 3)`` mm.
        predicted: ``(M, 3)`` mm, up to a shift.
    """
    weight = np.ones(len(places))
    for _ in range(ROUNDS):
        here, there = (each - np.average(each, axis=0, weights=weight) for each in (places, predicted))
        scale = np.clip((weight @ (here * there)) / np.maximum(weight @ here**2, 1e-9), *SCALES)
        errors = np.linalg.norm(there - scale * here, axis=1)
        weight = (1 + (errors / (2 * max(float(np.median(errors)), 1.0))) ** 2) ** -2
    return Fit(float(errors.mean()), scale, errors)


def tilted(scan: Volume, body: NDArray[np.bool_], turn: NDArray[np.float64]) -> tuple[Volume, NDArray[np.bool_]]:
    """A scan and its body turned by a rotation ``(3, 3)`` about the middle; corners are lost or filled with air."""
    middle = (np.array(scan.shape) - 1) / 2
    shift = middle - turn @ middle
    channels = [affine_transform(each, turn, shift, order=1, cval=FLOOR) for each in scan.array]
    turned = affine_transform(body.astype(np.float32), turn, shift, order=1) > 0.5
    return Volume(np.stack(channels), scan.affine), turned
