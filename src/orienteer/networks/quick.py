"""Layers that a CPU computes quicker in another way, with the same numbers to rounding (docs/log.md).

On a GPU each of them stays torch's own.
"""

from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

Model = TypeVar("Model", bound=nn.Module)


class InstanceNorm(nn.InstanceNorm3d):
    """Instance normalisation as group normalisation, one channel a group.

    Torch's own ends in a view, which the ReLU after it cannot overwrite without two copies on the way back. On a GPU
    autocast would compute groups in float32. With channels last, torch's group normalisation loses digits where a
    mean is large (docs/log.md).
    """

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, D, H, W)``, each channel normalised over space."""
        # One voxel has no spread, which is an error there.
        if not _is_usual(x) or not x.is_contiguous() or x.shape[2:].numel() == 1:
            normal: Tensor = super().forward(x)
            return normal
        return functional.group_norm(x, self.num_features, self.weight, self.bias, self.eps)


class Pointwise(nn.Conv3d):
    """A 1x1x1 convolution as a product of matrices; else its maps are copied into another order and back."""

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, D, H, W)`` to ``(N, C', D, H, W)``."""
        if not _is_usual(x):
            mapped: Tensor = super().forward(x)
            return mapped
        cells = x.flatten(2)
        product = torch.bmm(self.weight.flatten(1).expand(x.shape[0], -1, -1), cells)
        if self.bias is not None:
            product = product + self.bias.to(product.dtype)[:, None]
        return product.reshape(*product.shape[:2], *x.shape[2:])


class Doubling(nn.Upsample):
    """Trilinear interpolation to twice as many cells as products of matrices, one along each axis."""

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, D, H, W)`` to ``(N, C, 2D, 2H, 2W)``."""
        if not _is_usual(x):
            fine: Tensor = super().forward(x)
            return fine
        n, channels, depth, height, width = x.shape
        with torch.autocast("cpu", enabled=False):  # in the numbers it is given in, as torch's own
            x = x.reshape(-1, width) @ _between(width, x)
            x = _between(height, x).mT @ x.reshape(-1, height, 2 * width)
            x = _between(depth, x).mT @ x.reshape(n * channels, depth, -1)
        return x.reshape(n, channels, 2 * depth, 2 * height, 2 * width)


def _is_usual(x: Tensor) -> bool:
    """Whether maps are a batch on a CPU; others, among them what torch refuses, are left to torch."""
    return x.device.type == "cpu" and x.ndim == 5 and x.is_floating_point() and x.numel() > 0


def _between(size: int, like: Tensor) -> Tensor:
    """``(size, 2 size)``: the share of every cell along an axis in each of twice as many."""
    cells = torch.eye(size, dtype=torch.float32)[:, None]
    return functional.interpolate(cells, scale_factor=2, mode="linear", align_corners=False)[:, 0].to(like.dtype)


TWINS: dict[type, type[Any]] = {nn.InstanceNorm3d: InstanceNorm, nn.Conv3d: Pointwise, nn.Upsample: Doubling}
"""Layers of torch, and what is quicker; for these very classes only, since those made from them may do anything."""


def quicken(model: Model) -> Model:
    """Make every layer of torch that has a quicker twin this twin, in place; names and weights stay."""
    for module in model.modules():
        if type(module) in TWINS and _is_replaceable(module):
            module.__class__ = TWINS[type(module)]
    return model


def as_torch(model: Model) -> Model:
    """Undo ``quicken``, in place: an exported graph is to show the layers that other programs know."""
    back: dict[type, type[Any]] = {twin: torchs for torchs, twin in TWINS.items()}
    for module in model.modules():
        if type(module) in back:
            module.__class__ = back[type(module)]
    return model


def _is_replaceable(module: nn.Module) -> bool:
    """Whether a layer does no more than its twin."""
    match module:
        case nn.InstanceNorm3d():
            return module.affine and not module.track_running_stats
        case nn.Conv3d():
            plain = ((1, 1, 1), (1, 1, 1), (0, 0, 0))
            return (module.kernel_size, module.stride, module.padding) == plain and module.groups == 1
        case nn.Upsample():
            doubles = (module.mode, module.scale_factor) == ("trilinear", 2)
            return doubles and not module.align_corners
    return False
