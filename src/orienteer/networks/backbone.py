"""Encoder, pooling and optional decoder: what is pretrained and later fine-tuned."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from orienteer.errors import ConfigError
from orienteer.networks.decoder import Decoder
from orienteer.networks.encoders import build_encoder
from orienteer.networks.settings import NetworkSettings
from orienteer.store.convention import WINDOW, Convention


class Features(NamedTuple):
    """A backbone's output for N views.

    Attributes:
        embedding: ``(N, E)``, one vector per view.
        dense: ``(N, C', s, s, s)``, or None without a decoder.
    """

    embedding: Tensor
    dense: Tensor | None


class Backbone(nn.Module):
    """Images ``(N, C, S, S, S)`` in window units to ``Features``.

    Attributes:
        embedding: E.
        dense_channels: C'.
        dense_stride: voxels per dense cell.

    Raises:
        ConfigError: an unknown network, options it refuses, or a view size it cannot divide.
    """

    def __init__(
        self,
        settings: NetworkSettings,
        *,
        in_channels: int,
        view: int,
        dense: bool,
        convention: Convention = WINDOW,
    ) -> None:
        super().__init__()
        self.encoder = build_encoder(settings, in_channels, view, convention)
        self.embedding = settings.embedding
        self.pool = _pooling(settings, self.encoder.channels[-1], view // self.encoder.strides[-1])
        self.decoder = (
            Decoder(
                self.encoder.channels,
                self.encoder.strides,
                dense_stride=settings.dense_stride,
                dense_channels=settings.dense_channels,
                kind=settings.decoder,
            )
            if dense
            else None
        )
        if self.decoder is not None and self.decoder.stride > settings.dense_stride:
            raise ConfigError(
                f"{settings.name} divides views of {view} voxels unevenly (strides {self.encoder.strides}), so no "
                f"decoder can reach {settings.dense_stride} voxels per dense cell",
                cure="make views.size a multiple of 8 (or of the coarsest stride), or raise network.dense_stride",
            )
        self.dense_channels = settings.dense_channels
        self.dense_stride = self.decoder.stride if self.decoder is not None else 0

    def forward(self, images: Tensor) -> Features:
        """Embedding and, with a decoder, dense features."""
        maps = self.encoder(images)
        return Features(embedding=self.pooled(maps), dense=self.decoder(maps) if self.decoder is not None else None)

    def pooled(self, maps: Sequence[Tensor]) -> Tensor:
        """``(N, E)`` embedding of feature maps, in full precision: tasks compare views that differ only slightly."""
        device = maps[-1].device.type
        mixed = torch.amp.is_autocast_available(device)
        with torch.autocast(device, enabled=False) if mixed else nullcontext():
            embedding: Tensor = self.pool(maps[-1].float())
        return embedding


def _pooling(settings: NetworkSettings, channels: int, cells: int) -> nn.Module:
    if settings.pooling == "average":
        return nn.Sequential(
            nn.AdaptiveAvgPool3d(1),
            nn.Flatten(),
            nn.Linear(channels, settings.embedding),
            nn.LayerNorm(settings.embedding),
        )
    # A grid of at most 3^3 cells keeps the layout, at any view size.
    edge = min(cells, 3)
    return nn.Sequential(
        nn.AdaptiveAvgPool3d(edge),
        nn.Flatten(),
        nn.Linear(channels * edge**3, settings.embedding),
        nn.LayerNorm(settings.embedding),
    )
