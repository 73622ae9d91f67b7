"""Convolutions of maps that are shallower than the kernel, whose gradient bfloat16 on a CPU gets wrong."""

import torch
from torch import Tensor, nn


class ShallowConv3d(nn.Conv3d):
    """A convolution that leaves bfloat16 where the input has fewer slices than the kernel, as the coarsest maps may.

    Torch hands such a convolution to oneDNN, which leaves part of the weights' gradient unwritten: whatever lay in
    memory there becomes the gradient, now and then not finite (torch 2.13 on a processor with ``avx512_bf16``; 2 slices
    under a kernel of 3, 2 to 4 under one of 5; ``tests/training/test_shallow.py`` shows it). Float32 gets it right, and
    on maps that small it costs nothing.
    """

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if not self._is_unsound(input):
            plain: Tensor = super()._conv_forward(input, weight, bias)
            return plain
        with torch.autocast("cpu", enabled=False):
            result: Tensor = super()._conv_forward(
                input.float(), weight.float(), None if bias is None else bias.float()
            )
        return result.to(torch.bfloat16)

    def _is_unsound(self, input: Tensor) -> bool:
        spans = (self.kernel_size[0] - 1) * self.dilation[0] + 1
        return (
            input.device.type == "cpu"
            and torch.is_autocast_enabled("cpu")
            and torch.get_autocast_dtype("cpu") == torch.bfloat16
            and input.shape[2] < spans
        )


def mind_shallow_maps(model: nn.Module) -> None:
    """Make every plain 3D convolution of ``model`` a ``ShallowConv3d``, in place; names and weights stay."""
    for module in model.modules():
        if type(module) is nn.Conv3d:
            module.__class__ = ShallowConv3d
