"""Relative position regression, RPR-Loc (Lei et al., MICCAI 2021): one-shot localisation's pretext.

https://arxiv.org/abs/2012.07043, Contrastive Learning of Relative Position Regression for One-Shot Object Localization
in 3D Medical Images.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from orienteer.pretext.contract import (
    EncodedViews,
    Interface,
    PretextTask,
    TaskOutput,
    TaskSettings,
    to_numpy,
    vector_columns,
)
from orienteer.pretext.pairs import ordered_pairs
from orienteer.pretext.rpr.settings import RprSettings
from orienteer.records.measures import gap_measures
from orienteer.records.records import Observation


class RprTask(PretextTask):
    """Gives each view three numbers p; the offset from view i to view j is ``range * tanh(p_j - p_i)``."""

    name = "rpr"
    settings_type = RprSettings
    settings: RprSettings
    measure = staticmethod(gap_measures)

    def __init__(self, settings: TaskSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        assert isinstance(settings, RprSettings)
        self.head = nn.Sequential(
            nn.Linear(interface.embedding, settings.hidden), nn.GELU(), nn.Linear(settings.hidden, 3)
        )

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss and observation; rows are ordered pairs, in mm."""
        samples, count = views.centres.shape[:2]
        i, j = ordered_pairs(count, views.centres.device)
        place = self.head(views.embedding).float()
        predicted = torch.tanh(place[:, j] - place[:, i])
        true = (views.centres[:, j] - views.centres[:, i]) / self.settings.range_mm
        rows: dict[str, NDArray[Any]] = {
            "sample": np.repeat(np.arange(samples, dtype=np.int32), len(i)),
            "view_i": np.tile(i.cpu().numpy().astype(np.int8), samples),
            "view_j": np.tile(j.cpu().numpy().astype(np.int8), samples),
            **vector_columns("true", to_numpy(true.flatten(0, 1) * self.settings.range_mm)),
            **vector_columns("pred", to_numpy(predicted.flatten(0, 1) * self.settings.range_mm)),
        }
        return TaskOutput(functional.mse_loss(predicted, true), Observation(self.name, self.measure(rows), rows))
