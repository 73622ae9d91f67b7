"""Features of a whole scan: windows of the run's view size, blended, and where every cell of them lies in the world.

Networks normalise over what they are shown, and learned from views; so a scan is shown to them in windows of the same
size, as in prediction, however large it is.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from orienteer.errors import ConfigError
from orienteer.geometry import Volume
from orienteer.geometry.boxes import padded_box
from orienteer.networks.backbone import Backbone
from orienteer.store.intensity import FLOOR

BATCH = 4
"""Windows encoded together."""
SIGMA = 1 / 8
"""Width of the Gaussian that blends windows, as a share of their edge."""


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """Features of one scan on a grid of cells.

    Attributes:
        array: ``(C', D, H, W)`` float32, axes R, A, S.
        affine: ``(4, 4)`` index of a cell to the world position of its centre, RAS mm.
        spacing_mm: edge of a cell.
        stride: the same in voxels of the run's grid.
    """

    array: NDArray[np.float32]
    affine: NDArray[np.float64]
    spacing_mm: float
    stride: int


def feature_map(backbone: Backbone, scan: Volume, *, view: int, level: int | None = None) -> FeatureMap:
    """Features of a scan of any size; what lies beyond its edges is background.

    Args:
        backbone: in evaluation mode, on any device.
        scan: on the run's grid and in window units, as ``Run.read`` gives it.
        view: edge of the windows: of the views the run learned from, voxels.
        level: which map of the encoder, 0 the finest, -1 the coarsest; None takes the decoder's where there is one,
            else the coarsest.

    Raises:
        ConfigError: no such level, or one whose cells do not fill a view evenly.
    """
    encode, stride = _chosen(backbone, view, level)
    return blended_map(encode, scan, view=view, stride=stride)


def blended_map(
    encode: Callable[[Tensor], Tensor], scan: Volume, *, view: int, stride: int, hop: float = 0.5
) -> FeatureMap:
    """What a function of windows gives for a whole scan.

    Args:
        encode: windows ``(N, C, S, S, S)`` to maps ``(N, C', s, s, s)`` on the CPU.
        scan: on the run's grid and in window units; what lies beyond its edges is background.
        view: S, voxels.
        stride: voxels per cell of the maps.
        hop: distance of neighbouring windows, as a share of their edge.
    """
    lows = [_lows(size, view, stride, hop) for size in scan.shape]
    before = np.array([-line[0] for line in lows])
    after = np.array([line[-1] + view - size for line, size in zip(lows, scan.shape, strict=True)])
    padded = padded_box(scan.array, -before, before + scan.shape + after, fill=FLOOR)
    blended = _blended(encode, padded, np.array(list(itertools.product(*lows))) + before, view, stride)
    first, count = before // stride, -(-np.array(scan.shape) // stride)
    step = np.diag([stride, stride, stride, 1.0])
    step[:3, 3] = (stride - 1) / 2  # the centre of a cell is that of the voxels it stands for
    return FeatureMap(
        array=blended[(slice(None), *map(slice, first, first + count))],
        affine=scan.affine @ step,
        spacing_mm=float(scan.spacing[0]) * stride,
        stride=stride,
    )


@torch.no_grad()
def _blended(
    encode: Callable[[Tensor], Tensor], image: NDArray[np.float32], starts: NDArray[np.int_], view: int, stride: int
) -> NDArray[np.float32]:
    """``(C', d, h, w)`` features of the whole of ``image``; windows count most in their middle."""
    cells = view // stride
    line = np.exp(-((np.arange(cells) - (cells - 1) / 2) ** 2) / (2 * max(SIGMA * cells, 0.5) ** 2))
    weight = np.einsum("i,j,k->ijk", line, line, line).astype(np.float32)
    weights = np.zeros([size // stride for size in image.shape[1:]], dtype=np.float32)
    total = np.zeros((0, *weights.shape), dtype=np.float32)
    for some in np.split(starts, range(BATCH, len(starts), BATCH)):
        windows = [image[(slice(None), *(slice(n, n + view) for n in start))] for start in some]
        for start, features in zip(some, encode(torch.from_numpy(np.stack(windows))), strict=True):
            if not len(total):
                total = np.zeros((len(features), *weights.shape), dtype=np.float32)
            box = tuple(slice(n, n + cells) for n in start // stride)
            total[(slice(None), *box)] += features.numpy() * weight
            weights[box] += weight
    return np.asarray(total / weights)


def _lows(size: int, view: int, stride: int, hop: float) -> list[int]:
    """First voxels of windows that cover a line: whole cells from its first voxel on, a share of a window apart."""
    if size <= view:
        return [-((view - size) // 2 // stride * stride)]
    last = -(-(size - view) // stride) * stride
    step = max(stride, int(view * hop) // stride * stride)
    return [*range(0, last, step), last]


def _chosen(backbone: Backbone, view: int, level: int | None) -> tuple[Callable[[Tensor], Tensor], int]:
    """What maps images to features on the CPU, and its voxels per cell."""
    encoder, decoder = backbone.encoder, backbone.decoder
    device = next(backbone.parameters()).device
    if level is None and decoder is not None:
        return lambda images: decoder(encoder(images.to(device))).float().cpu(), backbone.dense_stride
    strides = encoder.strides
    chosen = -1 if level is None else level
    if not -len(strides) <= chosen < len(strides):
        raise ConfigError(f"the encoder has no map {level}", cure=f"choose from 0 to {len(strides) - 1}")
    stride = strides[chosen]
    if view % stride or any(coarse % fine for fine, coarse in pairwise((1, *strides))):
        raise ConfigError(
            f"cells of {stride} voxels do not fill views of {view} voxels evenly, so their positions are not known",
            cure="choose a finer level, or pretrain with views.size a multiple of the coarsest stride",
        )
    return lambda images: encoder(images.to(device))[chosen].float().cpu(), stride
