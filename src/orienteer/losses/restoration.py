"""Restoring hidden voxels, and the smooth interpolation that needs no learning."""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def masked(
    predicted: Float[Tensor, "B K C S S S"],
    true: Float[Tensor, "B K C S S S"],
    hidden: Bool[Tensor, "B K 1 S S S"],
    *,
    form: Literal["mse", "l1"] = "mse",
) -> Float[Tensor, ""]:
    """Mean squared or absolute error over the hidden voxels alone (He et al. 2022, arXiv 2111.06377).

    Args:
        predicted: normalised intensities, everywhere.
        true: the views before anything was hidden.
        hidden: voxels that count.
        form: ``mse`` or ``l1``.

    Examples:
        >>> true = torch.zeros(1, 1, 1, 2, 2, 2)
        >>> float(masked(true + 2, true, torch.ones_like(true, dtype=torch.bool)))
        4.0
    """
    # Chosen, not multiplied: predictions of shown voxels are ignored, even NaN. Gathering them would wait for a GPU.
    error = torch.where(hidden, predicted - true, 0.0)
    return (error.square() if form == "mse" else error.abs()).sum() / hidden.expand_as(predicted).sum()


def mean_where(
    images: Float[Tensor, "B K C S S S"], where: Bool[Tensor, "B K 1 S S S"]
) -> Float[Tensor, "B K C 1 1 1"]:
    """Each view's mean over the voxels ``where``, or over all its voxels if there are none."""
    where = torch.where(where.flatten(2).any(-1)[:, :, None, None, None, None], where, torch.ones_like(where))
    total = (images * where).sum(dim=(-3, -2, -1), keepdim=True)
    return total / where.sum(dim=(-3, -2, -1), keepdim=True)


def interpolated(
    images: Float[Tensor, "B K C S S S"], shown: Bool[Tensor, "B K 1 S S S"], *, width: float
) -> Float[Tensor, "B K C S S S"]:
    """At every voxel the mean of the shown voxels, weighted by a Gaussian of their distance.

    This is normalised convolution (Knutsson and Westin 1993, doi 10.1109/CVPR.1993.341081), which interpolates from
    irregularly spaced voxels. ``width`` is the Gaussian's standard deviation in voxels.
    """
    line = torch.arange(images.shape[-1], device=images.device, dtype=torch.float32)
    kernel = torch.exp(-0.5 * ((line[:, None] - line) / width).square())
    weight = shown.float()
    # A voxel far from all shown voxels gets the mean instead of 0 / 0.
    floor = 1e-12
    total = _along_axes(images.float() * weight, kernel) + floor * mean_where(images.float(), shown)
    return total / (_along_axes(weight, kernel) + floor)


def _along_axes(volumes: Tensor, kernel: Tensor) -> Tensor:
    """The same symmetric kernel along the last three axes."""
    for axis in (-3, -2, -1):
        volumes = (volumes.movedim(axis, -1) @ kernel).movedim(-1, axis)
    return volumes
