"""Encoders by name, those of nnU-Net and MONAI among them, or any module by import path.

An encoder maps images ``(N, C, S, S, S)`` to feature maps ``(N, C_l, s_l, s_l, s_l)``, finest first. Channels and
strides are measured with one dry run rather than declared, so a user's module needs no adapter.
"""

import importlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from orienteer.config import Tree
from orienteer.errors import ConfigError
from orienteer.networks import from_monai, nnunet
from orienteer.networks.blocks import Convolution, ResidualUnit
from orienteer.networks.settings import NetworkSettings

SLOPE = 0.1


class Encoder(nn.Module):
    """Wraps a network so that it always returns a list of feature maps, finest first.

    Attributes:
        channels: channels of each map.
        strides: input voxels per cell of each map.
    """

    def __init__(self, network: nn.Module, in_channels: int, view: int) -> None:
        super().__init__()
        self.network = network
        was_training = network.training
        network.eval()
        with torch.no_grad():
            maps = self.forward(torch.zeros(1, in_channels, view, view, view))
        network.train(was_training)
        self.channels = tuple(int(m.shape[1]) for m in maps)
        self.strides = tuple(round(view / m.shape[2]) for m in maps)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps of ``(N, C, S, S, S)`` images."""
        output = self.network(images)
        maps = [output] if isinstance(output, Tensor) else list(output)
        if not maps or any(not isinstance(m, Tensor) or m.ndim != 5 for m in maps):
            raise ConfigError(
                f"{type(self.network).__name__} must return (N, C, s, s, s) feature maps",
                cure="return one tensor, or a list of tensors from fine to coarse",
            )
        return maps


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


def _resunet(in_channels: int, view: int, size: str, options: Tree) -> nn.Module:
    return UNetEncoder(in_channels, **(_levels(size) | options))


def _unet(in_channels: int, view: int, size: str, options: Tree) -> nn.Module:
    return UNetEncoder(in_channels, **(_levels(size) | options), residual=False)


def _levels(size: str) -> Tree:
    width, convolutions = {"tiny": (8, 2), "small": (16, 2), "base": (32, 3), "large": (64, 3)}[size]
    return {"features": tuple(width * 2**level for level in range(4)), "convolutions": convolutions}


NETWORKS: dict[str, Callable[[int, int, str, Tree], nn.Module]] = {
    "resunet": _resunet,
    "unet": _unet,
    "resenc": nnunet.resenc,
    "plainconv": nnunet.plainconv,
    "segresnet": from_monai.segresnet,
    "swin": from_monai.swin,
    "vit": from_monai.vit,
}


def build_encoder(settings: NetworkSettings, in_channels: int, view: int) -> Encoder:
    """The encoder named in the settings.

    Args:
        settings: name, size and options.
        in_channels: channels of a scan.
        view: view edge in voxels.

    Raises:
        ConfigError: an unknown name, an import that fails, or options the network refuses.
    """
    try:
        if ":" in settings.name:
            network = _imported(settings.name)(in_channels=in_channels, **settings.options)
        elif settings.name in NETWORKS:
            network = NETWORKS[settings.name](in_channels, view, settings.size, settings.options)
        else:
            raise ConfigError(
                f"no network is called {settings.name!r}",
                cure=f"use {', '.join(NETWORKS)}, or package.module:Class",
            )
        return Encoder(network, in_channels, view)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"network {settings.name!r} cannot be built for views of {view} voxels: {error}",
            cure="check network.options and views.size (a multiple of 8 fits every encoder)",
        ) from error


def _imported(path: str) -> Callable[..., nn.Module]:
    module, _, name = path.partition(":")
    try:
        return cast(Callable[..., nn.Module], getattr(importlib.import_module(module), name))
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"cannot import {path}: {error}", cure="give package.module:Class on PYTHONPATH") from error
