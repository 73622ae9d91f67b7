"""Relative patch location (Doersch et al., ICCV 2015), in 3D as of Taleb et al. (NeurIPS 2020).

https://arxiv.org/abs/1505.05192 and https://arxiv.org/abs/2006.03829: the first view is the centre of a 3 x 3 x 3 grid
with gaps and jitter, and each of the others lies in one of its 26 other cells.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from orienteer.pretext.contract import (
    EncodedViews,
    Interface,
    PretextTask,
    TaskOutput,
    TaskSettings,
    sample_column,
    to_numpy,
    view_columns,
)
from orienteer.records import Measure, Metric, Observation, Rows
from orienteer.records.card import TaskCard
from orienteer.records.evidence import Classes
from orienteer.records.statistics import angles_deg
from orienteer.sampling.placement import DIRECTIONS


class PatchLocationSettings(TaskSettings):
    """Relative patch location: in which of 26 directions from the first view does each other view lie?"""

    hidden: int = Field(256, ge=1)
    """Width of the head's hidden layer."""


DIRECTION_NAMES = tuple(
    "".join(letters[int(step) + 1] for letters, step in zip(("L R", "P A", "I S"), steps, strict=True)).replace(" ", "")
    for steps in DIRECTIONS
)
"""``RAS`` is to the patient's right, front and head, ``A`` straight ahead."""
METRICS = (
    Metric(
        name="direction_accuracy",
        title="Right cell",
        unit="fraction",
        meaning="how often a neighbour is put into the right one of 26 cells",
        chance="any of the 26 cells",
        better="higher",
        shown="card",
    ),
    Metric(
        name="direction_error_deg",
        title="Direction error",
        unit="deg",
        meaning="angle between the chosen and the true direction",
        look="90° is a direction drawn at random; it should fall towards 0°.",
        chance="a direction drawn at random",
        shown="card",
    ),
)


class PatchLocationTask(PretextTask[PatchLocationSettings]):
    """Classifies each neighbour's direction from the embeddings of the centre and the neighbour."""

    card = TaskCard(
        name="patch_location",
        title="Relative patch location",
        question="Does it know in which direction a neighbour lies?",
        intro="The first view is the centre of a 3 x 3 x 3 grid; in which of the 26 other cells does each view lie?",
        source="Doersch et al. 2015, arXiv 1505.05192; Taleb et al. 2020, arXiv 2006.03829",
        spatial=True,
        metrics=METRICS,
        evidence=(
            Classes(
                title="Direction of a neighbour", true="true_direction", pred="pred_direction", names=DIRECTION_NAMES
            ),
        ),
    )
    placement = "neighbours"

    def __init__(self, settings: PatchLocationSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
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
        return TaskOutput(loss, lambda: self._observe(scores, true))

    def _observe(self, scores: Tensor, true: Tensor) -> Observation:
        samples, count = true.shape
        rows: Rows = {
            "sample": sample_column(samples, count),
            "view_i": np.zeros(samples * count, dtype=np.int8),
            "view_j": view_columns(samples, range(1, count + 1)),
            "true_direction": to_numpy(true.flatten()).astype(np.int8),
            "pred_direction": to_numpy(scores.argmax(-1).flatten()).astype(np.int8),
        }
        return self.observe(rows)

    @staticmethod
    def measure(rows: Rows) -> dict[str, Measure]:
        """Share of neighbours in the right cell, and the angle between predicted and true direction."""
        true, predicted = rows["true_direction"], rows["pred_direction"]
        angle = angles_deg(DIRECTIONS[predicted], DIRECTIONS[true])
        empty = not len(true)
        return {
            "direction_accuracy": Measure(
                float("nan") if empty else float((true == predicted).mean()), "fraction", 1 / len(DIRECTIONS), "higher"
            ),
            # Every direction has its opposite, so a random guess is 90 degrees off on average.
            "direction_error_deg": Measure(float("nan") if empty else float(angle.mean()), "deg", 90.0),
        }


def direction_class(offset: Float[Tensor, "*n 3"]) -> Int[Tensor, "*n"]:
    """The nearest in angle of the 26 directions of a 3 x 3 x 3 grid, as an index into ``DIRECTIONS``."""
    directions = offset.new_tensor(DIRECTIONS)
    nearest: Tensor = (offset @ (directions / directions.norm(dim=1, keepdim=True)).T).argmax(-1)
    return nearest
