"""nnU-Net's own U-Nets, in the words of its plans, and our encoders in them."""

import importlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor, nn

from orienteer.config import Tree
from orienteer.errors import OrienteerError, needs
from orienteer.export.contract import Contract
from orienteer.export.exported import Exported, maps_of
from orienteer.export.tensors import AGAIN
from orienteer.networks.nnunet import StagedEncoder
from orienteer.networks.settings import NetworkSettings
from orienteer.training.weights import restore_weights

CLASSES = {"ResidualEncoder": "ResidualEncoderUNet", "PlainConvEncoder": "PlainConvUNet"}
MODULE = "dynamic_network_architectures.architectures.unet"
ENCODERS = {"ResidualEncoderUNet": "resenc", "PlainConvUNet": "plainconv"}
"""Our names of their encoders."""
DEPTH = {"ResidualEncoderUNet": "n_blocks_per_stage", "PlainConvUNet": "n_conv_per_stage"}
LAYERS: dict[str, Any] = {
    "conv_op": "torch.nn.modules.conv.Conv3d",
    "conv_bias": True,
    "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
    "norm_op_kwargs": {"eps": 1e-5, "affine": True},
    "dropout_op": None,
    "dropout_op_kwargs": None,
    "nonlin": "torch.nn.modules.activation.LeakyReLU",
    "nonlin_kwargs": {"inplace": True},
}
"""Of every stage, as nnU-Net's planners choose them and our encoders are built."""
IMPORTED = ["conv_op", "norm_op", "dropout_op", "nonlin"]
SHAPING = ("features_per_stage", "kernel_sizes", "strides")
RESENC_L = {
    "network_class_name": f"{MODULE}.ResidualEncoderUNet",
    "arch_kwargs": {
        "n_stages": 6,
        "features_per_stage": [32, 64, 128, 256, 320, 320],
        "kernel_sizes": [[3, 3, 3]] * 6,
        "strides": [[1, 1, 1], *([[2, 2, 2]] * 5)],
        "n_blocks_per_stage": [1, 3, 4, 6, 6, 6],
        **LAYERS,
        "n_conv_per_stage_decoder": [1] * 5,
    },
    "_kw_requires_import": IMPORTED,
}
"""What nnssl calls ``ResEncL``."""
PREPARES = (
    "nnU-Net prepares scans itself, and does not need this: it is what the encoder learned with, and how to prepare"
    " scans for it elsewhere."
)
NORMALISED = (
    "nnU-Net scales each channel by a rule of its own, mostly to mean 0 and deviation 1 over the image. Its networks"
    " normalise after their first convolution, so that this costs an encoder that learned otherwise next to nothing."
)
"""Measured: correlations of 0.999 and more between a window's features and a z-score's (docs/log.md)."""
CLASSES_OUT = 2
"""Segmented classes of a U-Net that is only built to hold weights; nnU-Net puts its own last layers in."""


class Architecture(BaseModel):
    """``architecture`` of a configuration in nnU-Net's plans."""

    model_config = ConfigDict(frozen=True)

    network_class_name: str
    arch_kwargs: dict[str, Any]
    requires_import: list[str] = Field(alias="_kw_requires_import")

    @classmethod
    def around(cls, exported: Exported) -> Self:
        """That of the U-Net whose encoder leaves.

        Raises:
            OrienteerError: an encoder that nnU-Net has no U-Net for.
        """
        if exported.recipe.network is not StagedEncoder:
            raise OrienteerError(
                f"nnU-Net has no U-Net with a {exported.contract.network['name']!r} encoder",
                cure="pretrain with --set network.name=resenc, or plainconv, nnU-Net's default",
            )
        given = exported.recipe.arguments["arguments"]
        name = CLASSES[exported.recipe.arguments["class_name"]]
        stages = int(given["n_stages"])
        kwargs = {key: value for key, value in given.items() if key != "input_channels"} | {
            **LAYERS,
            "n_conv_per_stage_decoder": [1 if name == "ResidualEncoderUNet" else 2] * (stages - 1),
        }
        return cls(network_class_name=f"{MODULE}.{name}", arch_kwargs=kwargs, _kw_requires_import=IMPORTED)

    @classmethod
    def read(cls, name: Any, kwargs: Any, requires_import: Any) -> Self:
        """As a file says it; a preset of nnssl's has a name alone.

        Raises:
            OrienteerError: it is nothing of the kind.
        """
        if name == "ResEncL" and kwargs is None:
            return cls.model_validate(RESENC_L)
        with suppress(ValidationError):
            found = cls(network_class_name=name, arch_kwargs=kwargs, _kw_requires_import=requires_import or [])
            if found.kind in DEPTH and found.arch_kwargs.keys() >= {"n_stages", DEPTH[found.kind], *SHAPING}:
                return found
        raise OrienteerError(
            f"{name!r} with these arguments is no architecture of nnU-Net's that Orienteer knows",
            cure=f"use one of {', '.join(DEPTH)}, with all its arguments, or ResEncL",
        )

    @property
    def kind(self) -> str:
        """The class without its module."""
        return self.network_class_name.rpartition(".")[2]

    @property
    def depth(self) -> list[int]:
        """Blocks, or convolutions, of each stage."""
        given = self.arch_kwargs[DEPTH[self.kind]]
        return [int(given)] * self.stages if isinstance(given, int) else list(given)

    @property
    def stages(self) -> int:
        """How many."""
        return int(self.arch_kwargs["n_stages"])

    @property
    def other_layers(self) -> str:
        """The first layer that is not as nnU-Net's planners choose it, in words; empty where all are."""
        usual: dict[str, Any] = LAYERS | {"nonlin_first": False, "stem_channels": None, "bottleneck_channels": None}
        for name, wanted in usual.items():
            given = self.arch_kwargs.get(name, wanted)
            if name in IMPORTED and None not in (given, wanted):
                same = str(given).rpartition(".")[2] == str(wanted).rpartition(".")[2]
            elif name == "nonlin_kwargs":  # in place or not, it is the same function
                same = {key: value for key, value in (given or {}).items() if key != "inplace"} == {}
            else:
                same = given == wanted
            if not same:
                return f"{name} is {given!r}, not {wanted!r}"
        block = str(self.arch_kwargs.get("block", "BasicBlockD")).rpartition(".")[2]
        return "" if block == "BasicBlockD" else f"block is {block}, not BasicBlockD"

    def differences(self, other: "Architecture") -> list[str]:
        """Where the stages of an encoder are not the first stages of another, in words."""
        if self.kind != other.kind:
            return [f"{self.kind}, there {other.kind}"]
        found = [other.other_layers] if other.other_layers else []
        if self.stages > other.stages:
            found.append(f"{self.stages} stages, there {other.stages}")
        pairs = [(DEPTH[self.kind], self.depth, other.depth)]
        pairs += [(name, _listed(self.arch_kwargs[name]), _listed(other.arch_kwargs[name])) for name in SHAPING]
        for name, mine, theirs in pairs:
            shared = min(self.stages, other.stages)
            if mine[:shared] != theirs[:shared]:
                found.append(f"{name} {mine[:shared]}, there {theirs[:shared]}")
        return found

    @property
    def settings(self) -> NetworkSettings:
        """The encoder here that is this one's, its kernels along the same axes."""
        options: Tree = {"n_stages": self.stages, DEPTH[self.kind]: self.depth}
        options |= {name: self.arch_kwargs[name] for name in SHAPING}
        return NetworkSettings(name=ENCODERS[self.kind], size="base", options=options)

    def unet(self, channels: int) -> nn.Module:
        """The U-Net with weights drawn as nnU-Net draws them, the same at each call.

        Raises:
            OrienteerError: arguments that it refuses, or layers that are none of torch's.
        """
        with needs("nnunet", "dynamic_network_architectures"):
            module = importlib.import_module(MODULE)
        kwargs = {
            key: _class(value) if key in self.requires_import else value for key, value in self.arch_kwargs.items()
        }
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                network: Any = getattr(module, self.kind)(input_channels=channels, num_classes=CLASSES_OUT, **kwargs)
                network.apply(network.initialize)
        except (TypeError, ValueError, AssertionError, RuntimeError) as error:
            raise OrienteerError(
                f"no {self.kind} can be built as its architecture says: {str(error).splitlines()[0]}",
                cure="use the file as nnU-Net wrote it",
            ) from None
        built: nn.Module = network.eval()
        return built


def filled(architecture: Architecture, weights: Mapping[str, Tensor], channels: int) -> nn.Module:
    """A U-Net with an encoder's weights in it; stages beyond the encoder's keep what nnU-Net drew.

    Raises:
        OrienteerError: a weight has no place in it.
    """
    network = architecture.unet(channels)
    own = network.state_dict()
    unlike = [name for name, value in weights.items() if name not in own or own[name].shape != value.shape]
    if unlike:
        raise OrienteerError(
            f"nnU-Net's {architecture.kind} has no weight {unlike[0]} of that shape",
            cure="use the dynamic-network-architectures with which the run was trained",
        )
    network.load_state_dict(dict(weights), strict=False)
    return network


def staged_maps(
    architecture: Architecture, weights: Mapping[str, Tensor], contract: Contract, view: NDArray[np.float32], path: Path
) -> tuple[NDArray[np.float32], ...]:
    """The maps of a view by the encoder of nnU-Net's U-Net, as many as the encoder that left has.

    Args:
        architecture: of the U-Net.
        weights: of the U-Net, or of its encoder, under its own names.
        contract: of the folder.
        view: ``(C, S, S, S)``.
        path: where the weights were read, for the message.
    """
    encoder = architecture.unet(contract.input.channels).get_submodule("encoder")
    own = {name.removeprefix("encoder."): value for name, value in weights.items() if name.startswith("encoder.")}
    restore_weights(encoder, own, path, cure=AGAIN)
    return maps_of(encoder, view)[: contract.input.levels or None]


def _class(name: Any) -> Any:
    """A class of ``torch.nn`` by its path, as plans name it; other code is never imported."""
    if name is None:
        return None
    found = getattr(nn, str(name).rpartition(".")[2], None) if str(name).startswith("torch.nn.") else None
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise OrienteerError(f"{name!r} is no layer of torch.nn", cure="use plans as nnU-Net wrote them")
    return found


def _listed(value: Any) -> list[Any]:
    return [list(each) if isinstance(each, list | tuple) else each for each in value]
