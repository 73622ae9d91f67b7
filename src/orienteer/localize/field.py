"""The position field of a whole scan: where in the run's own frame every cell lies, mm, up to one shift a scan."""

import torch
from torch import Tensor

from orienteer.errors import ConfigError
from orienteer.geometry import Volume
from orienteer.networks.feature_map import FeatureMap, blended_map
from orienteer.pretext.contract import PredictsPositions
from orienteer.pretext.model import SpatialModel

HOP = 2 / 3
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
    tasks = (model.task(name) for name in model.tasks)
    task = next((task for task in tasks if isinstance(task, PredictsPositions)), None)
    if task is None or model.backbone.decoder is None:
        raise ConfigError(
            "no task of this run places single voxels, so it cannot say where a point lies",
            cure="train with the default tasks",
        )
    encoder, decoder = model.backbone.encoder, model.backbone.decoder
    device = next(model.parameters()).device

    @torch.no_grad()
    def encode(images: Tensor) -> Tensor:
        return task.positions(decoder(encoder(images.to(device)))).cpu()

    return blended_map(encode, scan, view=view, stride=model.backbone.dense_stride, hop=HOP)
