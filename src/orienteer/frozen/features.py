"""Frozen features of voxels and of views: a pretrained network that is not trained further."""

from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from orienteer.networks.backbone import Backbone
from orienteer.networks.settings import NetworkSettings
from orienteer.sampling import Purpose, torch_seed
from orienteer.store.convention import WINDOW, Convention


class FrozenFeatures(nn.Module):
    """A backbone whose weights stay as they are.

    Every map of the encoder counts, brought to full resolution (hypercolumns, Hariharan et al., arXiv 1411.5752), and
    the decoder's where the run trained one: which depth a pretext task fills differs, and no method may lose by that.

    Args:
        backbone: put into evaluation mode, and frozen.
        view: edge of the views it learned from, voxels.
        encoder_alone: nothing else in the backbone has learned, as in imported weights.
    """

    def __init__(self, backbone: Backbone, *, view: int, encoder_alone: bool = False) -> None:
        super().__init__()
        self.encoder_alone = encoder_alone
        self.backbone = backbone.eval().requires_grad_(False)
        self.view = view

    def train(self, mode: bool = True) -> Self:
        """The backbone stays in evaluation mode: dropout and running statistics would change what is measured."""
        super().train(mode)
        self.backbone.eval()
        return self

    @torch.no_grad()
    def dense(self, images: Float[Tensor, "N C S S S"]) -> Float[Tensor, "N F S S S"]:
        """Features of every voxel."""
        maps = self.backbone.encoder(images)
        if self.backbone.decoder is not None and not self.encoder_alone:
            maps = [*maps, self.backbone.decoder(maps)]
        size = images.shape[2:]
        return torch.cat([_resized(each.float(), size) for each in maps], dim=1)

    @torch.no_grad()
    def views(self, images: Float[Tensor, "N C V V V"]) -> Float[Tensor, "N F"]:
        """Features of whole views of the size the run learned with: averaged maps, and the embedding."""
        maps = self.backbone.encoder(images)
        pooled = [each.float().mean(dim=(2, 3, 4)) for each in maps]
        if self.encoder_alone:
            return torch.cat(pooled, dim=1)
        return torch.cat([*pooled, self.backbone.pool(maps[-1]).float()], dim=1)


def random_features(
    network: NetworkSettings, *, channels: int, view: int, seed: int, convention: Convention = WINDOW
) -> FrozenFeatures:
    """Features of untrained weights, with a decoder: what a probe reaches without any learning."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, Purpose.WEIGHTS))
        backbone = Backbone(network, in_channels=channels, view=view, dense=True, convention=convention)
    return FrozenFeatures(backbone, view=view)


def _resized(each: Tensor, size: torch.Size) -> Tensor:
    if each.shape[2:] == size:
        return each
    return functional.interpolate(each, size=tuple(size), mode="trilinear", align_corners=False)
