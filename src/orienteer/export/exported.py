"""What leaves: an encoder with its contract, and the test that every copy of it has to pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from orienteer.errors import OrienteerError
from orienteer.export.contract import Contract
from orienteer.export.phantom import phantom
from orienteer.geometry import Volume
from orienteer.networks.encoders import Encoder, build_encoder
from orienteer.networks.recipe import Recipe
from orienteer.networks.settings import NetworkSettings
from orienteer.runs.scan import prepared

TOLERANCE = 1e-5
"""Largest difference of features, as a share of their largest, that a copy in the same arithmetic may show."""


@dataclass(frozen=True, eq=False)
class SelfTest:
    """A phantom, what the preparation makes of it, and what the encoder says to a view of that.

    Attributes:
        phantom: ``(C, I, J, K)``, its affine no program's default.
        prepared: ``(C, D, H, W)`` float32 as the contract says, in the network's units.
        view: ``(C, S, S, S)``, the middle of it.
        maps: the encoder's maps of the view, finest first, each ``(C_l, s, s, s)``.
    """

    phantom: Volume
    prepared: NDArray[np.float32]
    view: NDArray[np.float32]
    maps: tuple[NDArray[np.float32], ...]

    @classmethod
    def of(cls, contract: Contract, encoder: Encoder) -> Self:
        """The test of an encoder, in evaluation mode on the CPU."""
        asked = contract.input
        volume = phantom(contract.grid.spacing_mm, asked.view_voxels, asked.channels, contract.intensities.range)
        ready = contract.parameters.convention.to_network(prepared(volume, contract.parameters).array)
        low = [(size - asked.view_voxels) // 2 for size in ready.shape[1:]]
        view = ready[(slice(None), *(slice(n, n + asked.view_voxels) for n in low))]
        return cls(volume, ready, view, maps_of(encoder.network, view))


def maps_of(network: nn.Module, view: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """The maps ``(C_l, s, s, s)`` of one view ``(C, S, S, S)`` in the network's units, finest first."""
    with torch.no_grad():
        output = network(torch.from_numpy(np.ascontiguousarray(view))[None])
    return tuple(each[0].float().numpy() for each in ([output] if isinstance(output, Tensor) else output))


def apart(one: tuple[NDArray[np.float32], ...], other: tuple[NDArray[np.float32], ...]) -> float:
    """The largest difference of two encoders' maps, as a share of the largest value.

    Infinite where shapes differ or a value is not finite.
    """
    if [each.shape for each in one] != [each.shape for each in other]:
        return float("inf")
    if not all(np.isfinite(each).all() for each in (*one, *other)):
        return float("inf")
    return max(float(np.abs(a - b).max()) / max(float(np.abs(a).max()), 1e-12) for a, b in zip(one, other, strict=True))


@dataclass(frozen=True, eq=False)
class Exported:
    """An encoder that leaves.

    Attributes:
        contract: how to prepare its input.
        encoder: in evaluation mode on the CPU.
        recipe: how its network is built.
        test: what every copy has to pass.
    """

    contract: Contract
    encoder: Encoder
    recipe: Recipe
    test: SelfTest

    @classmethod
    def of(cls, contract: Contract, encoder: Encoder, recipe: Recipe) -> Self:
        """An encoder with its test."""
        return cls(contract, encoder, recipe, SelfTest.of(contract, encoder))

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """The network's weights under its own names."""
        return {name: value.contiguous() for name, value in self.encoder.network.state_dict().items()}


def without_code(settings: NetworkSettings) -> NetworkSettings:
    """Settings of a network that somebody else's file names.

    Raises:
        OrienteerError: they name code to import.
    """
    if ":" in settings.name:
        raise OrienteerError(
            f"the contract names code, {settings.name}, which is not imported because a file says so",
            cure="where you trust it, load the run that was exported instead: orienteer.Run.open(run)",
        )
    return settings


def empty_encoder(contract: Contract) -> Encoder:
    """The encoder that a contract describes, its weights drawn anew.

    Raises:
        OrienteerError: a network that is code, which is not imported because a file names it.
        ConfigError: a network that cannot be built here.
    """
    settings = without_code(NetworkSettings.model_validate(contract.network))
    return build_encoder(settings, contract.input.channels, contract.input.view_voxels).eval()
