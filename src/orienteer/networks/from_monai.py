"""MONAI's encoders under MONAI's own names, so that its networks can take their weights over.

``swin`` is ``swinViT`` of its SwinUNETR, ``segresnet`` the contracting half of its SegResNet. Importing MONAI takes
seconds, so it is imported when a network is built.
"""

import importlib
from typing import Any, cast

from torch import Tensor, nn

from orienteer.config import Tree
from orienteer.errors import needs
from orienteer.networks.recipe import Recipe


class SegResNetEncoder(nn.Module):
    """The contracting half of MONAI's SegResNet."""

    def __init__(self, in_channels: int, width: int, options: Tree) -> None:
        super().__init__()
        from monai.networks.nets import SegResNet

        whole = SegResNet(**{"in_channels": in_channels, "init_filters": width, "blocks_down": (1, 2, 2, 4)} | options)
        self.convInit = whole.convInit  # MONAI's spelling
        self.down_layers = whole.down_layers

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps, one per level, finest first."""
        maps = [self.convInit(images)]
        for down in self.down_layers:
            maps.append(down(maps[-1]))
        return maps[1:]


class ViTEncoder(nn.Module):
    """MONAI's vision transformer; its tokens are arranged as a feature map."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        from monai.networks.nets import ViT  # importing MONAI takes seconds

        self.vit = ViT(classification=False, **options)
        for block in self.vit.blocks:  # MONAI builds cross-attention that an encoder never calls or trains
            for unused in ("norm_cross_attn", "cross_attn"):
                if hasattr(block, unused):
                    delattr(block, unused)
        self.grid = options["img_size"] // options["patch_size"]

    def forward(self, images: Tensor) -> Tensor:
        """``(N, hidden, s, s, s)`` tokens on their grid."""
        tokens, _ = self.vit(images)
        return cast(Tensor, tokens.transpose(1, 2).unflatten(2, (self.grid,) * 3))


class SwinEncoder(nn.Module):
    """The Swin transformer of MONAI's SwinUNETR, with as many stages as the view size can be halved."""

    def __init__(self, in_channels: int, view: int, width: int, options: Tree) -> None:
        super().__init__()
        from monai.networks.nets.swin_unetr import SwinTransformer  # needs einops

        self.swin = SwinTransformer(
            **{
                "in_chans": in_channels,
                "embed_dim": width,
                "window_size": (4, 4, 4),
                "patch_size": (2, 2, 2),
                "depths": (2, 2, 2, 2),
                "num_heads": (3, 6, 12, 24),
            }
            | options
        )
        halvings = (view & -view).bit_length() - 2  # the first halving is the patch embedding
        self.stages = min(4, halvings)
        if self.stages < 1:
            raise ValueError(f"views of {view} voxels cannot be halved twice")
        for unused in range(self.stages + 1, 5):
            delattr(self.swin, f"layers{unused}")
            if self.swin.use_v2:
                delattr(self.swin, f"layers{unused}c")

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps, one per stage, finest first."""
        swin = self.swin
        x = swin.pos_drop(swin.patch_embed(images))
        maps = [swin.proj_out(x, True)]
        for stage in range(1, self.stages + 1):
            if swin.use_v2:
                x = getattr(swin, f"layers{stage}c")[0](x.contiguous())
            x = getattr(swin, f"layers{stage}")[0](x.contiguous())
            maps.append(swin.proj_out(x, True))
        return maps


def segresnet(in_channels: int, view: int, size: str, options: Tree) -> Recipe:
    """SegResNet's encoder."""
    width = {"tiny": 8, "small": 16, "base": 32, "large": 64}[size]
    return Recipe(SegResNetEncoder, {"in_channels": in_channels, "width": width, "options": options})


def swin(in_channels: int, view: int, size: str, options: Tree) -> Recipe:
    """SwinUNETR's encoder."""
    with needs("swin", "einops"):
        importlib.import_module("einops")  # MONAI would miss it much later, in words of its own
    width = {"tiny": 12, "small": 24, "base": 48, "large": 96}[size]
    return Recipe(SwinEncoder, {"in_channels": in_channels, "view": view, "width": width, "options": options})


def vit(in_channels: int, view: int, size: str, options: Tree) -> Recipe:
    """A vision transformer."""
    hidden, layers, heads = {"tiny": (96, 4, 3), "small": (192, 6, 6), "base": (384, 12, 6), "large": (768, 12, 12)}[
        size
    ]
    preset = {
        "img_size": view,
        "patch_size": next(patch for patch in (8, 6, 4, 3, 2, 1) if view % patch == 0),
        "hidden_size": hidden,
        "mlp_dim": hidden * 4,
        "num_layers": layers,
        "num_heads": heads,
    }
    chosen = preset | options
    if view % chosen["patch_size"]:
        raise ValueError(f"patches of {chosen['patch_size']} voxels do not fill them")
    return Recipe(ViTEncoder, {"in_channels": in_channels, **chosen})
