"""What an answer without learning reaches: a smooth interpolation of what is shown."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from orienteer.pretext.restoring import mean_where


def interpolated(
    images: Float[Tensor, "B K C S S S"], shown: Bool[Tensor, "B K 1 S S S"], *, width: float
) -> Float[Tensor, "B K C S S S"]:
    """At every voxel the mean of the shown ones, weighted by a Gaussian of their distance.

    This is normalised convolution (Knutsson and Westin 1993, doi 10.1109/CVPR.1993.341081), the plain way to
    interpolate from voxels that lie on no grid. ``width`` is the Gaussian's standard deviation in voxels.
    """
    line = torch.arange(images.shape[-1], device=images.device, dtype=torch.float32)
    kernel = torch.exp(-0.5 * ((line[:, None] - line) / width).square())
    weight = shown.float()
    # A voxel far from everything shown gets the mean instead of 0 / 0.
    floor = 1e-12
    total = _along_axes(images.float() * weight, kernel) + floor * mean_where(images.float(), shown)
    return total / (_along_axes(weight, kernel) + floor)


def _along_axes(volumes: Tensor, kernel: Tensor) -> Tensor:
    """The same symmetric kernel along the last three axes."""
    for axis in (-3, -2, -1):
        volumes = (volumes.movedim(axis, -1) @ kernel).movedim(-1, axis)
    return volumes
