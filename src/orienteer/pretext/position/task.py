"""Sub-task 4: the position field, one position in mm at every voxel of body (see METHOD, beyond the paper)."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
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
from orienteer.pretext.position.settings import PositionSettings
from orienteer.pretext.position.target import cell_positions, centred
from orienteer.records.measures import position_measures
from orienteer.records.records import Observation

SHOWN = 24
"""Cells per view kept in the observation: enough for a figure, few enough for a record."""


class PositionTask(PretextTask):
    """Predicts a position at every dense cell; the clouds of all K views of a scan are centred, then compared."""

    name = "position"
    needs_dense = True
    settings_type = PositionSettings
    settings: PositionSettings
    measure = staticmethod(position_measures)

    def __init__(self, settings: TaskSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        assert isinstance(settings, PositionSettings)
        self.head = nn.Conv3d(interface.dense_channels, 3, kernel_size=1)

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss and observation; rows are a few cells of every view, mm from the scan's centre of cells."""
        assert views.dense is not None and views.body is not None
        batch, count = views.centres.shape[:2]
        cells = views.dense.shape[-1]
        field = self.head(views.dense.flatten(0, 1)).float().flatten(2).transpose(1, 2)
        predicted = field.reshape(batch, count * cells**3, 3)
        length = self.settings.length_mm
        true = cell_positions(views.centres, cells, views.view_mm).reshape(batch, -1, 3) / length
        weight = self._chosen(views.body.reshape(batch, count, -1)).reshape(batch, -1)
        predicted, true = centred(predicted, weight), centred(true, weight)
        each = functional.smooth_l1_loss(predicted, true, beta=0.1, reduction="none").mean(-1)
        loss = (each * weight).sum() / weight.sum().clamp(min=1)
        return TaskOutput(loss, self._observe(predicted * length, true * length, weight, cells))

    def _chosen(self, body: Tensor) -> Tensor:
        """1 for the compared cells: every n-th cell of body, so that no random choice is needed."""
        share = (body.sum(-1, keepdim=True) / self.settings.voxels).clamp(min=1)
        rank = body.cumsum(-1) - 1
        taken = (rank / share).floor() != ((rank - 1) / share).floor()
        return (body & taken).float()

    def _observe(self, predicted: Tensor, true: Tensor, weight: Tensor, cells: int) -> Observation:
        kept: list[Tensor] = []
        for each in weight:
            chosen = each.nonzero()[:, 0]
            step = max(1, len(chosen) // (SHOWN * (weight.shape[1] // cells**3)))
            kept.append(chosen[::step])
        sample = torch.cat([torch.full_like(chosen, n) for n, chosen in enumerate(kept)])
        place = torch.cat(kept)
        rows: dict[str, NDArray[Any]] = {
            "sample": sample.cpu().numpy().astype(np.int32),
            "view": (place // cells**3).cpu().numpy().astype(np.int8),
            **vector_columns("true", to_numpy(true[sample, place])),
            **vector_columns("pred", to_numpy(predicted[sample, place])),
        }
        return Observation(self.name, self.measure(rows), rows)
