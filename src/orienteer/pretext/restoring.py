"""Shared by tasks that restore images: a head from dense cells to voxels, and errors over body voxels."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor, nn

from orienteer.networks.blocks import spread
from orienteer.pretext.contract import EncodedViews, Interface, sample_column, to_numpy, view_columns
from orienteer.records import Measure, Rows
from orienteer.store.intensity import BODY_ABOVE, CEILING, FLOOR


class VoxelHead(nn.Module):
    """Predicts all voxels that a dense cell covers, in every channel: structure from the cell, level from the view.

    A 1x1x1 convolution has one output per voxel of a cell, followed by a pixel shuffle (Shi et al. 2016, arXiv
    1609.05158). Decoders normalise their features over each view, which removes its brightness; the view's embedding
    restores it as one offset per channel.

    Args:
        interface: sizes of the features.
    """

    def __init__(self, interface: Interface) -> None:
        super().__init__()
        self.stride = interface.dense_stride
        self.voxels = nn.Conv3d(interface.dense_channels, interface.channels * self.stride**3, kernel_size=1)
        self.level = nn.Linear(interface.embedding, interface.channels)
        nn.init.zeros_(self.level.weight)
        nn.init.zeros_(self.level.bias)

    def forward(self, views: EncodedViews) -> Float[Tensor, "B K C S S S"]:
        """Normalised intensities, float32."""
        assert views.dense is not None
        cells = self.voxels(views.dense.flatten(0, 1)).float()
        voxels = spread(cells, self.stride)
        level: Tensor = self.level(views.embedding).float()[..., None, None, None]
        return voxels.reshape(*views.dense.shape[:2], *voxels.shape[1:]) + level


def body_voxels(images: Float[Tensor, "B K C S S S"]) -> Bool[Tensor, "B K 1 S S S"]:
    """Voxels brighter than the window's floor in any channel."""
    return (images > BODY_ABOVE).any(dim=2, keepdim=True)


def mean_error(
    predicted: Float[Tensor, "B K C S S S"],
    true: Float[Tensor, "B K C S S S"],
    where: Bool[Tensor, "B K 1 S S S"],
) -> Float[Tensor, "B K"]:
    """Mean absolute error of each view over the voxels ``where``, as a share of the window; 0 where there are none."""
    error = (predicted.float() - true).abs().mean(dim=2, keepdim=True).masked_fill(~where, 0)
    return error.flatten(2).sum(-1) / where.flatten(2).sum(-1).clamp(min=1) / (CEILING - FLOOR)


def view_rows(where: Bool[Tensor, "B K 1 S S S"], **columns: Float[Tensor, "B K"]) -> dict[str, NDArray[Any]]:
    """One row per view: sample, view, the number of voxels of its errors, and the columns."""
    samples, count = where.shape[:2]
    return {
        "sample": sample_column(samples, count),
        "view": view_columns(samples, range(count)),
        "voxels": where.flatten(2).sum(-1).flatten().cpu().numpy().astype(np.int32),
        **{name: to_numpy(column.flatten()) for name, column in columns.items()},
    }


def pooled(rows: Rows, column: str, chance: str) -> Measure:
    """A column's mean over all voxels of all views, with that of the column ``chance`` as chance."""
    voxels = np.asarray(rows["voxels"], dtype=np.float64)
    if not voxels.sum():
        return Measure(float("nan"), "fraction")
    value, level = (float(np.average(np.asarray(rows[name], np.float64), weights=voxels)) for name in (column, chance))
    return Measure(value, "fraction", level)
