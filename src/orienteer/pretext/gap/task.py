"""Sub-task 1: the gap matrix between views (Zhang et al., arXiv 2509.05967, in our own words in METHOD)."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
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
from orienteer.pretext.gap.settings import GapSettings
from orienteer.pretext.gap.target import gap_matrix
from orienteer.pretext.pairs import PairHead, ordered_pairs
from orienteer.records.measures import gap_measures
from orienteer.records.records import Observation


class GapTask(PretextTask):
    """Predicts G_ij for every ordered pair from (z_i, z_j): a loss per axis and one on the distance."""

    name = "gap"
    settings_type = GapSettings
    settings: GapSettings
    measure = staticmethod(gap_measures)

    def __init__(self, settings: TaskSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        assert isinstance(settings, GapSettings)
        self.head = PairHead(interface.embedding, settings.form)
        # The scale always looks at the pair: how sure one is depends on both views.
        self.scale_head = PairHead(interface.embedding, "pairwise") if settings.uncertainty else None

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss and observation; rows are ordered pairs, in mm."""
        i, j = ordered_pairs(views.centres.shape[1], views.centres.device)
        true = gap_matrix(views.centres)[:, i, j] / self.settings.length_mm
        predicted = self.head(views.embedding)[:, i, j].float()
        if self.scale_head is None:
            log_scale = None
            loss = functional.smooth_l1_loss(predicted, true, beta=0.1)
        else:
            log_scale = self.scale_head(views.embedding)[:, i, j].float().clamp(-5, 3)
            loss = laplace_loss(predicted, true, log_scale)
        distance = functional.smooth_l1_loss(_length(predicted), _length(true), beta=0.1)
        return TaskOutput(
            loss + self.settings.distance_weight * distance,
            self._observe(predicted * self.settings.length_mm, true * self.settings.length_mm, log_scale, i, j),
        )

    def _observe(self, predicted: Tensor, true: Tensor, log_scale: Tensor | None, i: Tensor, j: Tensor) -> Observation:
        samples, pairs = true.shape[:2]
        rows: dict[str, NDArray[Any]] = {
            "sample": np.repeat(np.arange(samples, dtype=np.int32), pairs),
            "view_i": np.tile(i.cpu().numpy().astype(np.int8), samples),
            "view_j": np.tile(j.cpu().numpy().astype(np.int8), samples),
            **vector_columns("true", to_numpy(true.flatten(0, 1))),
            **vector_columns("pred", to_numpy(predicted.flatten(0, 1))),
        }
        if log_scale is not None:
            rows |= vector_columns("scale", to_numpy(log_scale.exp().flatten(0, 1) * self.settings.length_mm))
        return Observation(self.name, self.measure(rows), rows)


def laplace_loss(predicted: Tensor, true: Tensor, log_scale: Tensor) -> Tensor:
    """Mean negative log-likelihood of a Laplace distribution, ``|e| / b + log 2b``."""
    return ((predicted - true).abs() * torch.exp(-log_scale) + log_scale + math.log(2)).mean()


def _length(vectors: Tensor) -> Tensor:
    # The small constant keeps the gradient finite where two views share a centre.
    return (vectors.square().sum(-1) + 1e-8).sqrt()
