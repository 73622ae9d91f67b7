"""Relative position regression, RPR-Loc (Lei et al., MICCAI 2021): one-shot localisation's pretext.

https://arxiv.org/abs/2012.07043, Contrastive Learning of Relative Position Regression for One-Shot Object Localization
in 3D Medical Images.
"""

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional

from orienteer.losses.displacement import ordered_pairs
from orienteer.pretext.contract import (
    EncodedViews,
    Interface,
    PretextTask,
    TaskOutput,
    TaskSettings,
)
from orienteer.pretext.displacement import METRICS, displacement_measures, pair_rows
from orienteer.records.card import TaskCard
from orienteer.records.evidence import Displacements


class RprSettings(TaskSettings):
    """Relative position regression: how far, in mm along each axis, is it from one view to another?"""

    range_mm: float = Field(300.0, gt=0)
    """Largest offset it can predict along each axis; mm are divided by it before the loss."""
    hidden: int = Field(256, ge=1)
    """Width of the head's hidden layer."""


class RprTask(PretextTask[RprSettings]):
    """Maps each view to three numbers p; the offset from view i to view j is ``range * tanh(p_j - p_i)``."""

    card = TaskCard(
        name="rpr",
        title="Relative position regression",
        question="Does it know where things are?",
        intro="Each view gets three numbers; their difference is the way from one view to another.",
        source="Lei et al. 2021, arXiv 2012.07043",
        spatial=True,
        metrics=METRICS,
        evidence=(Displacements(),),
    )
    measure = staticmethod(displacement_measures)

    def __init__(self, settings: RprSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        self.head = nn.Sequential(
            nn.Linear(interface.embedding, settings.hidden), nn.GELU(), nn.Linear(settings.hidden, 3)
        )

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss and observation; rows are ordered pairs, in mm."""
        i, j = ordered_pairs(views.centres.shape[1], views.centres.device)
        range_mm = self.settings.range_mm
        numbers = self.head(views.embedding).float()
        predicted = torch.tanh(numbers[:, j] - numbers[:, i])
        true = (views.centres[:, j] - views.centres[:, i]) / range_mm
        return TaskOutput(
            functional.mse_loss(predicted, true),
            lambda: self.observe(pair_rows(i, j, true * range_mm, predicted * range_mm)),
        )
