"""From an encoder's maps to one dense map: upsample, join the finer map, convolve."""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from orienteer.networks.blocks import Bottleneck, Convolution, ResidualUnit, UpSample
from orienteer.networks.quick import quicken

DecoderKind = Literal["pyramid", "residual", "plain"]
FINE = 2
"""Voxels per cell up to which a pyramid convolves at half its width: there, it would cost most."""


class Decoder(nn.Module):
    """Upsamples from the coarsest map of any encoder to the wanted stride, using every map in between.

    Normalisation removes from every channel what is constant over a view, such as its position in the body. There are
    two remedies, each better at one thing (measured in docs/log.md): residual blocks keep the position in the dense
    features; plain blocks, to whose output a projection of the averaged coarsest map is added, segment better.

    Args:
        channels: of the encoder's maps, finest first.
        strides: input voxels per cell of each.
        dense_stride: wanted voxels per cell; the decoder stops at this stride or the next larger one it can reach.
        dense_channels: channels of the dense map.
        kind: ``pyramid`` is as wide as the dense map throughout, copies cells to upsample, and adds a projection of
            the finer map before a residual block (Lin et al. 2017, arXiv 1612.03144). The others are as wide as the
            encoder, interpolate, and concatenate the finer map before a ``residual`` or a ``plain`` block.

    Attributes:
        stride: input voxels per cell of the dense map.
        channels: channels of the dense map.
    """

    def __init__(
        self,
        channels: Sequence[int],
        strides: Sequence[int],
        *,
        dense_stride: int,
        dense_channels: int,
        kind: DecoderKind = "pyramid",
    ) -> None:
        super().__init__()
        self.channels = dense_channels
        finer = {stride: (level, width) for level, (stride, width) in enumerate(zip(strides, channels, strict=True))}
        self.skips: list[int | None] = []
        self.ups, self.sides, self.blocks = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        stride, width = strides[-1], channels[-1]
        while stride % 2 == 0 and stride > dense_stride:
            stride //= 2
            level, side = finer.get(stride, (None, 0))
            # No wider than the encoder at this stride: a wider block at full resolution would dominate the cost.
            out = dense_channels if kind == "pyramid" else side or max(dense_channels, width // 2)
            if kind == "pyramid":
                self.ups.append(nn.Sequential(nn.Conv3d(width, out, kernel_size=1), nn.Upsample(scale_factor=2)))
                self.sides.append(nn.Conv3d(side, out, kernel_size=1) if side else nn.Identity())
                self.blocks.append(Bottleneck(out) if stride <= FINE else ResidualUnit(out, out, convolutions=1))
            else:
                self.ups.append(UpSample(width, out))
                self.blocks.append(
                    Convolution(out + side, out) if kind == "plain" else ResidualUnit(out + side, out, convolutions=1)
                )
            self.skips.append(level)
            width = out
        self.stride = stride
        self.last = nn.Conv3d(width, dense_channels, kernel_size=1)
        self.whole = nn.Linear(channels[-1], dense_channels) if kind == "plain" else None
        quicken(self)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """``(N, channels, s, s, s)`` dense features."""
        dense = maps[-1]
        for number, (up, block, level) in enumerate(zip(self.ups, self.blocks, self.skips, strict=True)):
            dense = up(dense)
            if level is not None:
                dense = dense + self.sides[number](maps[level]) if self.sides else torch.cat([dense, maps[level]], 1)
            dense = block(dense)
        result: Tensor = self.last(dense)
        if self.whole is not None:
            result = result + self.whole(maps[-1].mean(dim=(2, 3, 4)))[..., None, None, None]
        return result
