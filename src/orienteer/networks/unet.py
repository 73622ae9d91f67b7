"""The contracting path of a U-Net, the default encoder."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from orienteer.networks.blocks import Convolution, ResidualUnit

SLOPE = 0.1


class UNetEncoder(nn.Module):
    """The contracting path of a U-Net: a block of convolutions per level, max-pooling in between.

    Args:
        in_channels: channels of a scan.
        features: channels of each level, finest first.
        convolutions: convolutions per level.
        residual: add each block's input to its output; plain otherwise.
    """

    def __init__(
        self, in_channels: int, features: Sequence[int], *, convolutions: int = 2, residual: bool = True
    ) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            ResidualUnit(fine, coarse, convolutions, SLOPE)
            if residual
            else nn.Sequential(*(Convolution(coarse if n else fine, coarse, SLOPE) for n in range(convolutions)))
            for fine, coarse in pairwise((in_channels, *features))
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps, one per level."""
        maps: list[Tensor] = []
        for level in self.levels:
            # Max-pooling, not strided convolution: measured better at equal cost (docs/log.md).
            maps.append(level(functional.max_pool3d(maps[-1], 2) if maps else images))
        return maps
