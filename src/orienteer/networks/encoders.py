"""Encoders by name, those of nnU-Net and MONAI among them, or any module by import path.

An encoder maps images ``(N, C, S, S, S)`` to feature maps ``(N, C_l, s_l, s_l, s_l)``, finest first. Channels and
strides are measured with one dry run rather than declared, so a user's module needs no adapter.
"""

import importlib
from collections.abc import Callable
from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from orienteer.config import Tree
from orienteer.errors import ConfigError
from orienteer.networks import from_monai, nnunet
from orienteer.networks.quick import quicken
from orienteer.networks.recipe import Recipe
from orienteer.networks.settings import NetworkSettings
from orienteer.networks.unet import UNetEncoder
from orienteer.store.convention import WINDOW, Convention


class Encoder(nn.Module):
    """Wraps a network so that it is shown its own units and always returns a list of feature maps, finest first.

    Attributes:
        network: as it is exported, without the affine in front of it.
        convention: the units of its input.
        channels: channels of each map.
        strides: input voxels per cell of each map.
    """

    def __init__(self, network: nn.Module, in_channels: int, view: int, convention: Convention = WINDOW) -> None:
        super().__init__()
        self.network = network
        self.frozen = False
        self.convention = convention
        was_training = network.training
        network.eval()
        with torch.no_grad():
            maps = self.forward(torch.zeros(1, in_channels, view, view, view))
        network.train(was_training)
        self.channels = tuple(int(m.shape[1]) for m in maps)
        self.strides = tuple(round(view / m.shape[2]) for m in maps)

    def freeze(self) -> None:
        """Keep the encoder as it is: neither its weights change nor the statistics of a batch normalisation."""
        self.frozen = True
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """As any module; a frozen encoder stays in evaluation mode, dropout off."""
        return super().train(mode and not self.frozen)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps of ``(N, C, S, S, S)`` images in window units."""
        return self.maps(self.convention.to_network(images))

    def maps(self, images: Tensor) -> list[Tensor]:
        """Feature maps of ``(N, C, S, S, S)`` images in the network's own units."""
        output = self.network(images)
        maps = [output] if isinstance(output, Tensor) else list(output)
        if not maps or any(not isinstance(m, Tensor) or m.ndim != 5 for m in maps):
            raise ConfigError(
                f"{type(self.network).__name__} must return (N, C, s, s, s) feature maps",
                cure="return one tensor, or a list of tensors from fine to coarse",
            )
        return maps


def _resunet(in_channels: int, view: int, size: str, options: Tree) -> Recipe:
    return Recipe(UNetEncoder, {"in_channels": in_channels, **_levels(size), **options})


def _unet(in_channels: int, view: int, size: str, options: Tree) -> Recipe:
    return Recipe(UNetEncoder, {"in_channels": in_channels, **_levels(size), **options, "residual": False})


def _levels(size: str) -> dict[str, Any]:
    width, convolutions = {"tiny": (8, 2), "small": (16, 2), "base": (32, 3), "large": (64, 3)}[size]
    return {"features": [width * 2**level for level in range(4)], "convolutions": convolutions}


NETWORKS: dict[str, Callable[[int, int, str, Tree], Recipe]] = {
    "resunet": _resunet,
    "unet": _unet,
    "resenc": nnunet.resenc,
    "plainconv": nnunet.plainconv,
    "segresnet": from_monai.segresnet,
    "swin": from_monai.swin,
    "vit": from_monai.vit,
}


CONVOLUTIONAL = frozenset({"resunet", "unet", "resenc", "plainconv", "segresnet"})
"""Networks of convolutions: they take any edge that is a multiple of their stride, and can be turned to other axes."""


def build_encoder(settings: NetworkSettings, in_channels: int, view: int, convention: Convention = WINDOW) -> Encoder:
    """The encoder named in the settings.

    Args:
        settings: name, size and options.
        in_channels: channels of a scan.
        view: view edge in voxels.
        convention: the units of intensity that it sees.

    Raises:
        ConfigError: an unknown name, an import that fails, or options the network refuses.
    """
    try:
        network = quicken(recipe(settings, in_channels, view).build())
        return Encoder(network, in_channels, view, convention)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(
            f"network {settings.name!r} cannot be built for views of {view} voxels: {error}",
            cure="check network.options and views.size (16 and more, by steps of 8, fit every encoder)",
        ) from error


def recipe(settings: NetworkSettings, in_channels: int, view: int) -> Recipe:
    """How the encoder named in the settings is built; arguments and errors as of ``build_encoder``."""
    if ":" in settings.name:
        return Recipe(_imported(settings.name), {"in_channels": in_channels, **settings.options})
    if settings.name not in NETWORKS:
        raise ConfigError(
            f"no network is called {settings.name!r}", cure=f"use {', '.join(NETWORKS)}, or package.module:Class"
        )
    return NETWORKS[settings.name](in_channels, view, settings.size, settings.options)


def _imported(path: str) -> Callable[..., nn.Module]:
    module, _, name = path.partition(":")
    try:
        return cast(Callable[..., nn.Module], getattr(importlib.import_module(module), name))
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"cannot import {path}: {error}", cure="give package.module:Class on PYTHONPATH") from error
