"""Frozen features: what a pretrained network says of voxels and of views, without training it further."""

from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from orienteer.networks.backbone import Backbone
from orienteer.networks.settings import NetworkSettings
from orienteer.runs.build import best_checkpoint
from orienteer.runs.folder import RunFolder
from orienteer.sampling import Purpose, torch_seed
from orienteer.training.weights import restore_weights


class FrozenFeatures(nn.Module):
    """A backbone that is only looked at.

    Every map of the encoder counts, brought to full resolution (hypercolumns, Hariharan et al., arXiv 1411.5752), and
    the decoder's where the run trained one: which depth a pretext task fills differs, and no arm may lose by that.
    """

    def __init__(self, backbone: Backbone, *, use_decoder: bool, view: int) -> None:
        super().__init__()
        self.backbone = backbone.eval().requires_grad_(False)
        self.use_decoder = use_decoder
        self.view = view

    @torch.no_grad()
    def dense(self, images: Float[Tensor, "N C S S S"]) -> Float[Tensor, "N F S S S"]:
        """Features of every voxel."""
        maps = self.backbone.encoder(images)
        if self.use_decoder and self.backbone.decoder is not None:
            maps = [*maps, self.backbone.decoder(maps)]
        size = images.shape[2:]
        return torch.cat([_resized(each.float(), size) for each in maps], dim=1)

    @torch.no_grad()
    def views(self, images: Float[Tensor, "N C V V V"]) -> Float[Tensor, "N F"]:
        """Features of whole views of the size the run learned with: averaged maps, and the embedding."""
        maps = self.backbone.encoder(images)
        pooled = [each.float().mean(dim=(2, 3, 4)) for each in maps]
        return torch.cat([*pooled, self.backbone.pool(maps[-1]).float()], dim=1)


class Source(NamedTuple):
    """Frozen features and where they are from.

    Attributes:
        features: the network.
        spacing: mm per voxel it learned at; None for random weights.
        channels: channels it reads.
        channel_names: their names, where they are known.
    """

    features: FrozenFeatures
    spacing: float | None
    channels: int
    channel_names: tuple[str, ...] = ()


def features_of(run: Path) -> Source:
    """Features of a run's best checkpoint.

    Raises:
        RunError: no run, or no whole checkpoint.
    """
    folder = RunFolder(run)
    checkpoint, _ = best_checkpoint(folder)
    settings, data = folder.settings(), folder.record()["data"]
    state = {
        name.removeprefix("backbone."): value
        for name, value in checkpoint.model.items()
        if name.startswith("backbone.")
    }
    dense = any(name.startswith("decoder.") for name in state)
    backbone = Backbone(settings.network, in_channels=data["channels"], view=settings.views.size, dense=dense)
    restore_weights(backbone, state, run)
    features = FrozenFeatures(backbone, use_decoder=dense, view=settings.views.size)
    return Source(features, data["spacing_mm"], data["channels"], tuple(data.get("channel_names", ())))


def random_features(network: NetworkSettings, *, channels: int, view: int, seed: int) -> Source:
    """Features of untrained weights, with a decoder: what a probe reaches without any learning."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, Purpose.WEIGHTS))
        backbone = Backbone(network, in_channels=channels, view=view, dense=True)
    return Source(FrozenFeatures(backbone, use_decoder=True, view=view), None, channels)


def _resized(each: Tensor, size: torch.Size) -> Tensor:
    if each.shape[2:] == size:
        return each
    return functional.interpolate(each, size=tuple(size), mode="trilinear", align_corners=False)
