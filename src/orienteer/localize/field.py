"""The position field of a whole scan: where in the run's own frame every cell lies, mm, up to one shift a scan."""

from collections.abc import Callable

import torch
from torch import Tensor

from orienteer.errors import ConfigError
from orienteer.geometry import Volume
from orienteer.networks.feature_map import FeatureMap, blended_map
from orienteer.pretext.contract import PredictsPositions
from orienteer.pretext.model import SpatialModel

HOP = 0.9
"""Distance of neighbouring windows, as a share of their edge."""


def position_field(model: SpatialModel, scan: Volume, *, view: int) -> FeatureMap:
    """Positions ``(3, d, h, w)`` of a scan's cells.

    Args:
        model: in evaluation mode.
        scan: on the run's grid and in window units, as ``Run.read`` gives it.
        view: edge of the views it learned from, voxels.

    Raises:
        ConfigError: the model learned no task that places single voxels.
    """
    return blended_map(placing(model), scan, view=view, stride=model.backbone.dense_stride, hop=HOP)


def placing(model: SpatialModel) -> Callable[[Tensor], Tensor]:
    """What maps windows ``(N, C, S, S, S)`` to the positions of their cells ``(N, 3, s, s, s)``, mm, on the CPU.

    Raises:
        ConfigError: the model learned no task that places single voxels.
    """
    task, decoder = placing_task(model), model.backbone.decoder
    if task is None or decoder is None:
        raise ConfigError(
            "no task of this run places single voxels, so it cannot say where a point lies",
            cure="train with the default tasks",
        )
    encoder, device = model.backbone.encoder, next(model.parameters()).device

    @torch.no_grad()
    def encode(images: Tensor) -> Tensor:
        return task.positions(decoder(encoder(images.to(device)))).cpu()

    return encode


def placing_task(model: SpatialModel) -> PredictsPositions | None:
    """The task of a model that places single voxels; None where it learned none."""
    tasks = (model.task(name) for name in model.tasks)
    return next((task for task in tasks if isinstance(task, PredictsPositions)), None)
