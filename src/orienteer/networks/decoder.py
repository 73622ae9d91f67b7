"""From an encoder's maps to one dense map: upsample, concatenate the finer map, convolve."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from orienteer.networks.blocks import Convolution, ResidualUnit, UpSample
from orienteer.networks.norms import quicken_norms


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
        residual: use the first remedy, else the second.

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
        residual: bool = True,
    ) -> None:
        super().__init__()
        self.channels = dense_channels
        skips = {stride: (level, width) for level, (stride, width) in enumerate(zip(strides, channels, strict=True))}
        self.skips: list[int | None] = []
        self.ups = nn.ModuleList()
        self.blocks = nn.ModuleList()
        stride, width = strides[-1], channels[-1]
        while stride % 2 == 0 and stride > dense_stride:
            stride //= 2
            level, skip_width = skips.get(stride, (None, 0))
            # As wide as the encoder at this stride: a wider block at full resolution would dominate the cost.
            out = skip_width or max(dense_channels, width // 2)
            self.ups.append(UpSample(width, out))
            self.blocks.append(
                ResidualUnit(out + skip_width, out, convolutions=1) if residual else Convolution(out + skip_width, out)
            )
            self.skips.append(level)
            width = out
        self.stride = stride
        self.last = nn.Conv3d(width, dense_channels, kernel_size=1)
        self.whole = None if residual else nn.Linear(channels[-1], dense_channels)
        quicken_norms(self)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """``(N, channels, s, s, s)`` dense features."""
        dense = maps[-1]
        for up, block, level in zip(self.ups, self.blocks, self.skips, strict=True):
            dense = up(dense)
            if level is not None:
                dense = torch.cat([dense, maps[level]], dim=1)
            dense = block(dense)
        result: Tensor = self.last(dense)
        if self.whole is not None:
            result = result + self.whole(maps[-1].mean(dim=(2, 3, 4)))[..., None, None, None]
        return result
