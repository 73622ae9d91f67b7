"""nnU-Net's encoders, from its own package of architectures, so that its U-Nets take their weights over unchanged.

Source: Isensee et al., nnU-Net revisited, arXiv 2404.09556; ``dynamic-network-architectures`` (Apache-2.0). nnU-Net's
presets M and L are one network for patches of two sizes, so ``base`` and ``large`` are that network; ``tiny`` and
``small`` are thinner.
"""

import importlib
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from orienteer.config import Tree
from orienteer.errors import needs
from orienteer.networks.recipe import Recipe

WIDTHS = {"tiny": 8, "small": 16, "base": 32, "large": 32}
MOST_CHANNELS = 10
"""Channels of the coarsest stages, in widths of the first: 320 where that has 32."""
RESIDUAL_BLOCKS = {"tiny": (1, 1, 1, 1, 1, 1), "small": (1, 2, 2, 2, 2, 2)}
FULL_BLOCKS = (1, 3, 4, 6, 6, 6)
PLAIN_CONVOLUTIONS = (2, 2, 2, 2, 2, 2)
SMALLEST = 3
"""Cells along an edge of the coarsest map."""


class StagedEncoder(nn.Module):
    """The encoder of one of nnU-Net's U-Nets; the names of its weights are those below the U-Net's ``encoder.``.

    Args:
        class_name: ``ResidualEncoder`` or ``PlainConvEncoder``.
        arguments: of the U-Net that the encoder is a part of, but for those of its decoder; see ``arguments``.
    """

    ALIASES = "conv", "dropout", "norm", "nonlin"
    """Names of a block's layers beside their numbers among ``all_modules``."""

    def __init__(self, class_name: str, arguments: Tree) -> None:
        super().__init__()
        from dynamic_network_architectures.building_blocks import plain_conv_encoder, residual_encoders
        from dynamic_network_architectures.initialization import weight_init

        module = residual_encoders if class_name == "ResidualEncoder" else plain_conv_encoder
        inner: Any = getattr(module, class_name)(
            **arguments,
            conv_op=nn.Conv3d,
            norm_op=nn.InstanceNorm3d,
            nonlin=nn.LeakyReLU,
            conv_bias=True,
            norm_op_kwargs={"eps": 1e-5, "affine": True},
            nonlin_kwargs={"inplace": True},
            return_skips=True,
        )
        inner.apply(weight_init.InitWeights_He(1e-2))
        if class_name == "ResidualEncoder":
            inner.apply(weight_init.init_last_bn_before_add_to_0)
        # The package holds each convolution and norm under two names; one of them is enough, and can be saved.
        for block in [module for module in inner.modules() if hasattr(module, "all_modules")]:
            for alias in self.ALIASES:
                if alias in block._modules:
                    delattr(block, alias)
        self.encoder = inner

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps, one per stage, finest first."""
        return list(self.encoder(images))


def resenc(in_channels: int, view: int, size: str, options: Tree) -> Recipe:
    """The encoder of nnU-Net's ``ResidualEncoderUNet``."""
    blocks = RESIDUAL_BLOCKS.get(size, FULL_BLOCKS)
    return _staged("ResidualEncoder", arguments(in_channels, view, size, "n_blocks_per_stage", blocks, options))


def plainconv(in_channels: int, view: int, size: str, options: Tree) -> Recipe:
    """The encoder of nnU-Net's ``PlainConvUNet``."""
    depths = arguments(in_channels, view, size, "n_conv_per_stage", PLAIN_CONVOLUTIONS, options)
    return _staged("PlainConvEncoder", depths)


def _staged(class_name: str, given: dict[str, Any]) -> Recipe:
    with needs("nnunet", "dynamic_network_architectures"):
        importlib.import_module("dynamic_network_architectures")
    return Recipe(StagedEncoder, {"class_name": class_name, "arguments": given})


def arguments(
    in_channels: int, view: int, size: str, depth_name: str, depths: Sequence[int], options: Tree
) -> dict[str, Any]:
    """Arguments of an encoder for views of an edge of ``view`` voxels, in the words of nnU-Net's plans.

    As many stages, at most six, as halve the view without a rest down to ``SMALLEST`` cells.
    """
    halvings = next(n for n in range(6) if n == 5 or view % 2 ** (n + 1) or view // 2 ** (n + 1) < SMALLEST)
    stages = int(str(options.get("n_stages", 1 + halvings)))
    width = WIDTHS[size]
    preset: dict[str, Any] = {
        "input_channels": in_channels,
        "n_stages": stages,
        "features_per_stage": [width * min(2**stage, MOST_CHANNELS) for stage in range(stages)],
        "kernel_sizes": [[3, 3, 3]] * stages,
        "strides": [[1 if stage == 0 else 2] * 3 for stage in range(stages)],
        depth_name: list(depths[:stages]),
    }
    return preset | options
