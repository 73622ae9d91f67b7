"""Relative patch location (Doersch et al., ICCV 2015), in 3D as of Taleb et al. (NeurIPS 2020).

https://arxiv.org/abs/1505.05192 and https://arxiv.org/abs/2006.03829: the first view is the centre of a 3 x 3 x 3 grid
with gaps and jitter, and each of the others lies in one of its 26 other cells.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from orienteer.pretext.contract import EncodedViews, Interface, PretextTask, TaskOutput, TaskSettings, to_numpy
from orienteer.pretext.patch_location.settings import PatchLocationSettings
from orienteer.pretext.patch_location.target import direction_class
from orienteer.records.measures import angles_deg
from orienteer.records.records import Measure, Observation, Rows
from orienteer.sampling.placement import DIRECTIONS


def patch_location_measures(rows: Rows) -> dict[str, Measure]:
    """Share of neighbours put into the right cell, and how far the chosen direction points from the true one."""
    true, predicted = rows["true_direction"], rows["pred_direction"]
    angle = angles_deg(DIRECTIONS[predicted], DIRECTIONS[true])
    empty = not len(true)
    return {
        "direction_accuracy": Measure(
            float("nan") if empty else float((true == predicted).mean()), "fraction", 1 / len(DIRECTIONS), "higher"
        ),
        # Every direction has its opposite, so a guess is 90 degrees off on average.
        "direction_error_deg": Measure(float("nan") if empty else float(angle.mean()), "deg", 90.0),
    }


class PatchLocationTask(PretextTask):
    """Classifies each neighbour's direction from the embeddings of the centre and the neighbour."""

    name = "patch_location"
    placement = "neighbours"
    settings_type = PatchLocationSettings
    settings: PatchLocationSettings
    measure = staticmethod(patch_location_measures)

    def __init__(self, settings: TaskSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        assert isinstance(settings, PatchLocationSettings)
        self.head = nn.Sequential(
            nn.Linear(2 * interface.embedding, settings.hidden),
            nn.GELU(),
            nn.Linear(settings.hidden, len(DIRECTIONS)),
        )

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss and observation; rows are the neighbours (view_j) of the centre (view_i = 0)."""
        centre = views.embedding[:, :1].expand(-1, views.embedding.shape[1] - 1, -1)
        scores = self.head(torch.cat([centre, views.embedding[:, 1:]], dim=-1)).float()
        true = direction_class(views.centres[:, 1:] - views.centres[:, :1])
        loss = functional.cross_entropy(scores.flatten(0, 1), true.flatten())
        return TaskOutput(loss, self._observe(scores, true))

    def _observe(self, scores: Tensor, true: Tensor) -> Observation:
        samples, count = true.shape
        rows: dict[str, NDArray[Any]] = {
            "sample": np.repeat(np.arange(samples, dtype=np.int32), count),
            "view_i": np.zeros(samples * count, dtype=np.int8),
            "view_j": np.tile(np.arange(1, count + 1, dtype=np.int8), samples),
            "true_direction": to_numpy(true.flatten()).astype(np.int8),
            "pred_direction": to_numpy(scores.argmax(-1).flatten()).astype(np.int8),
        }
        return Observation(self.name, self.measure(rows), rows)
