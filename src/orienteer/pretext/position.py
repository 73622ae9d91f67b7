"""Sub-task 4: the position field, a position in mm for every body voxel (not in the paper)."""

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from orienteer.losses.position import cell_positions, centred, cloud
from orienteer.pretext.contract import (
    EncodedViews,
    Interface,
    PredictsPositions,
    PretextTask,
    TaskOutput,
    TaskSettings,
    to_numpy,
    vector_columns,
)
from orienteer.records import Measure, Metric, Observation, Rows
from orienteer.records.card import TaskCard
from orienteer.records.evidence import Points
from orienteer.records.statistics import mean, vectors

KEPT = 24
"""Cells per view kept in the observation."""


class PositionSettings(TaskSettings):
    """Position field: where is every voxel, up to one shift for the whole scan?"""

    length_mm: float = Field(50.0, gt=0)
    """Length scale: mm are divided by it before the loss."""
    voxels: int = Field(512, ge=2)
    """Dense cells per view that are compared, evenly spaced among those that hold body."""


class PositionTask(PretextTask[PositionSettings], PredictsPositions):
    """Predicts a position at every dense cell; the clouds of all K views of a scan are centred, then compared."""

    card = TaskCard(
        name="position",
        title="Position field",
        question="Does it place single voxels?",
        intro="The position field gives every voxel a place in mm, measured from the middle of its sample.",
        source="this project",
        spatial=True,
        metrics=(
            Metric(
                name="position_error_mm",
                title="Position error",
                unit="mm",
                meaning="how far off single voxels are placed",
                look="It should fall well below the dashed line, the error of placing every voxel in the middle.",
                chance="placing every view in the middle",
                shown="card",
            ),
        ),
        evidence=(Points(),),
    )
    needs_dense = True

    def __init__(self, settings: PositionSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
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
        loss = cloud(predicted, true, weight)
        return TaskOutput(loss, lambda: self._observe(predicted * length, true * length, weight, cells))

    def positions(self, dense: Tensor) -> Tensor:
        """Position of every dense cell, mm."""
        found: Tensor = self.head(dense).float() * self.settings.length_mm
        return found

    def _chosen(self, body: Tensor) -> Tensor:
        """1 for the compared cells: every n-th body cell, without randomness."""
        share = (body.sum(-1, keepdim=True) / self.settings.voxels).clamp(min=1)
        rank = body.cumsum(-1) - 1
        taken = (rank / share).floor() != ((rank - 1) / share).floor()
        return (body & taken).float()

    def _observe(self, predicted: Tensor, true: Tensor, weight: Tensor, cells: int) -> Observation:
        kept: list[Tensor] = []
        for each in weight:
            chosen = each.nonzero()[:, 0]
            step = max(1, len(chosen) // (KEPT * (weight.shape[1] // cells**3)))
            kept.append(chosen[::step])
        sample = torch.cat([torch.full_like(chosen, n) for n, chosen in enumerate(kept)])
        cell = torch.cat(kept)
        rows: Rows = {
            "sample": sample.cpu().numpy().astype(np.int32),
            "view": (cell // cells**3).cpu().numpy().astype(np.int8),
            **vector_columns("true", to_numpy(true[sample, cell])),
            **vector_columns("pred", to_numpy(predicted[sample, cell])),
        }
        return self.observe(rows)

    @staticmethod
    def measure(rows: Rows) -> dict[str, Measure]:
        """Mean error of the position field.

        Chance is to place every view at the scan's centre; a cell's offset within its view is known from geometry.
        """
        true, predicted = vectors(rows, "true"), vectors(rows, "pred")
        views = np.stack([np.asarray(rows["sample"]), np.asarray(rows["view"])], axis=1)
        _, view, counts = np.unique(views, axis=0, return_inverse=True, return_counts=True)
        view = view.reshape(-1)
        middles = np.stack([np.bincount(view, weights=true[:, axis]) for axis in range(3)], axis=1) / counts[:, None]
        return {
            "position_error_mm": Measure(
                mean(np.linalg.norm(predicted - true, axis=1)), "mm", mean(np.linalg.norm(middles[view], axis=1))
            )
        }
