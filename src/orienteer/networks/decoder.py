"""From an encoder's maps to one dense map: up, concatenate the finer map, convolve."""

from collections.abc import Sequence

import torch
from monai.networks.blocks import Convolution, ResidualUnit, UpSample
from torch import Tensor, nn

from orienteer.networks.encoders import NORM


class Decoder(nn.Module):
    """Works above any encoder: it climbs from the coarsest map to the wanted stride, using each map on the way.

    Normalisation takes out of every channel what is the same all over a view, such as where in the body it lies. There
    are two ways past it, each better at one thing (measured in docs/log.md): residual blocks make dense features that
    tell it at every voxel; plain blocks, to whose result is added what the coarsest map says of the whole view, learn
    to segment better.

    Args:
        channels: of the encoder's maps, finest first.
        strides: input voxels per cell of each.
        dense_stride: wanted voxels per cell; the decoder stops there or as near above as it can.
        dense_channels: channels of the dense map.
        residual: the first way; else the second.

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
        skips = {stride: (place, width) for place, (stride, width) in enumerate(zip(strides, channels, strict=True))}
        self.skip_places: list[int | None] = []
        self.ups = nn.ModuleList()
        self.blocks = nn.ModuleList()
        stride, width = strides[-1], channels[-1]
        while stride % 2 == 0 and stride > dense_stride:
            stride //= 2
            place, skip_width = skips.get(stride, (None, 0))
            # As wide as the encoder is there: a wider block at full resolution would cost more than all the others.
            out = skip_width or max(dense_channels, width // 2)
            self.ups.append(UpSample(3, width, out, scale_factor=2, mode="nontrainable", align_corners=False))
            self.blocks.append(
                ResidualUnit(3, out + skip_width, out, subunits=1, norm=NORM, act="LEAKYRELU")
                if residual
                else Convolution(3, out + skip_width, out, norm=NORM, act="LEAKYRELU")
            )
            self.skip_places.append(place)
            width = out
        self.stride = stride
        self.last = nn.Conv3d(width, dense_channels, kernel_size=1)
        self.whole = None if residual else nn.Linear(channels[-1], dense_channels)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """``(N, channels, s, s, s)`` dense features."""
        dense = maps[-1]
        for up, block, place in zip(self.ups, self.blocks, self.skip_places, strict=True):
            dense = up(dense)
            if place is not None:
                dense = torch.cat([dense, maps[place]], dim=1)
            dense = block(dense)
        result: Tensor = self.last(dense)
        if self.whole is not None:
            result = result + self.whole(maps[-1].mean(dim=(2, 3, 4)))[..., None, None, None]
        return result
