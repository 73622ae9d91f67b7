"""The blocks of convolutions that U-Nets are made of.

Weights are named, drawn and used as those of MONAI's ``Convolution``, ``ResidualUnit`` and ``UpSample``, so either can
read the other's. They are here because importing MONAI takes longer than importing torch, at every start of a command
and of a benchmark's job (docs/decisions/blocks-of-our-own.md).
"""

from collections import OrderedDict

from torch import Tensor, nn


class Convolution(nn.Sequential):
    """A 3x3x3 convolution, instance normalisation and leaky ReLU of ``(N, C, D, H, W)``.

    Args:
        in_channels: of the input.
        out_channels: of the output, on the same grid.
        slope: of the ReLU below zero.
    """

    def __init__(self, in_channels: int, out_channels: int, slope: float = 0.01) -> None:
        # Batch statistics would leak one view's content into another's features.
        norm = nn.InstanceNorm3d(out_channels, affine=True)
        after = OrderedDict(N=norm, A=nn.LeakyReLU(slope, inplace=True))
        conv = nn.Conv3d(in_channels, out_channels, kernel_size=3, padding=1)
        super().__init__(OrderedDict(conv=conv, adn=nn.Sequential(after)))


class ResidualUnit(nn.Module):
    """Convolutions to whose output the input is added, through a 1x1x1 convolution where the channels differ.

    Args:
        in_channels: of the input.
        out_channels: of the output, on the same grid.
        convolutions: how many.
        slope: of the ReLUs below zero.
    """

    def __init__(self, in_channels: int, out_channels: int, convolutions: int, slope: float = 0.01) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            OrderedDict(
                (f"unit{n}", Convolution(out_channels if n else in_channels, out_channels, slope))
                for n in range(convolutions)
            )
        )
        same = in_channels == out_channels
        self.residual = nn.Identity() if same else nn.Conv3d(in_channels, out_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, out_channels, D, H, W)``."""
        residual: Tensor = self.residual(x)
        unit: Tensor = self.conv(x)
        return unit + residual


class Bottleneck(nn.Module):
    """A convolution at half the width, between two 1x1x1 convolutions, added to the input.

    Args:
        channels: of input and output.
        slope: of the ReLU below zero.
    """

    def __init__(self, channels: int, slope: float = 0.01) -> None:
        super().__init__()
        self.unit = nn.Sequential(
            OrderedDict(
                narrow=nn.Conv3d(channels, channels // 2, kernel_size=1),
                conv=Convolution(channels // 2, channels // 2, slope),
                widen=nn.Conv3d(channels // 2, channels, kernel_size=1),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, D, H, W)``."""
        unit: Tensor = self.unit(x)
        return x + unit


def spread(cells: Tensor, stride: int) -> Tensor:
    """``(N, C * stride^3, D, H, W)`` to ``(N, C, ...)`` with ``stride`` voxels a cell along every axis."""
    n, channels, *grid = cells.shape
    parts = cells.reshape(n, channels // stride**3, stride, stride, stride, *grid)
    return parts.permute(0, 1, 5, 2, 6, 3, 7, 4).reshape(n, -1, *(size * stride for size in grid))


class UpSample(nn.Sequential):
    """Twice as many cells along every axis, linearly between the old ones; channels by a 1x1x1 convolution first."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        same = in_channels == out_channels
        parts: dict[str, nn.Module] = {} if same else {"preconv": nn.Conv3d(in_channels, out_channels, kernel_size=1)}
        parts["upsample_non_trainable"] = nn.Upsample(scale_factor=2, mode="trilinear", align_corners=False)
        super().__init__(OrderedDict(parts))
