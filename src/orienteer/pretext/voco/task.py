"""VoCo (Wu et al., VoCo: A Simple-yet-Effective Volume Contrastive Learning Framework, CVPR 2024).

https://arxiv.org/abs/2402.17300, with the momentum teacher of its published code (``teacher.enabled``): student and
teacher both encode all crops, and the student's random crops are compared with the teacher's base crops and the other
way round. Without a teacher, as in the paper, the crops are compared as they are.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from orienteer.errors import ConfigError
from orienteer.pretext.contract import EncodedViews, Interface, PretextTask, TaskOutput, TaskSettings, to_numpy
from orienteer.pretext.voco.settings import VocoSettings
from orienteer.pretext.voco.target import apart_loss, overlaps, position_loss
from orienteer.records.measures import effective_rank
from orienteer.records.records import Measure, Observation, Rows

BASES = 8
"""Base crops of a grid."""


def voco_measures(rows: Rows) -> dict[str, Measure]:
    """Errors of the predicted overlap beside those of the best constant answers, and the nearest base crop."""
    true, predicted = rows["true_overlap"].astype(float), rows["pred_overlap"].astype(float)
    if not len(true):
        return {"overlap_error": Measure(float("nan"), "fraction", None)}
    by_crop = np.lexsort((rows["view_j"], rows["view_i"], rows["sample"])).reshape(-1, len(np.unique(rows["view_j"])))
    # A crop half-way between two base crops has two nearest ones; either will do.
    nearest = true[by_crop] >= true[by_crop].max(axis=1, keepdims=True) - 1e-6
    chosen = predicted[by_crop].argmax(axis=1)
    constants = [float(_penalty(true - answer).mean()) for answer in np.linspace(0, 1, 101)]
    return {
        "overlap_error": Measure(
            float(np.abs(predicted - true).mean()), "fraction", float(np.abs(true - np.median(true)).mean())
        ),
        "nearest_base_accuracy": Measure(
            float(nearest[np.arange(len(chosen)), chosen].mean()), "fraction", float(nearest.mean()), "higher"
        ),
        "position_loss": Measure(float(_penalty(true - predicted).mean()), "1", min(constants)),
    }


def _penalty(error: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-np.log1p(-np.minimum(np.abs(error), 1 - 1e-4)), dtype=np.float64)


class AmongViews(nn.Module):
    """Normalises each channel over the views of a scan, without learned weights.

    The published head normalises over all crops of the batch; over those of one scan, scans do not mix. Without it the
    position loss does not fall: the student turns all its crops away from the teacher's, which all share one direction,
    and the teacher follows, for ever. Taking out what the views share leaves nowhere to turn to. Student and teacher
    are normalised apart: together, the lag between them would tell which crop is which.
    """

    def forward(self, x: Float[Tensor, "B K H"]) -> Float[Tensor, "B K H"]:
        """Zero mean and unit variance over K."""
        spread, mean = torch.var_mean(x.float(), dim=1, keepdim=True, correction=0)
        return (x - mean) * torch.rsqrt(spread + 1e-5)


def _cosine(crops: Float[Tensor, "B R P"], bases: Float[Tensor, "B Q P"]) -> Float[Tensor, "B R Q"]:
    """Similarities of unit vectors."""
    return (crops[:, :, None] * bases[:, None]).sum(-1)


class VocoTask(PretextTask):
    """Compares projected random crops with projected base crops: similarity should be their overlap."""

    name = "voco"
    placement = "grid"
    settings_type = VocoSettings
    settings: VocoSettings
    measure = staticmethod(voco_measures)

    def __init__(self, settings: TaskSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        assert isinstance(settings, VocoSettings)
        if interface.views != settings.random + BASES:
            raise ConfigError(
                f"tasks.voco: {interface.views} views are not {settings.random} random and {BASES} base crops",
                cure=f"set views.count={settings.random + BASES}, or tasks.voco.random",
            )
        self.head = nn.Sequential(
            nn.Linear(interface.embedding, settings.hidden),
            AmongViews(),
            nn.ReLU(),
            nn.Linear(settings.hidden, settings.hidden),
            AmongViews(),
            nn.ReLU(),
            nn.Linear(settings.hidden, settings.projection),
        )

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss and observation; rows are pairs of a random crop (view_i) and a base crop (view_j)."""
        first = self.settings.random
        true = overlaps(views.centres[:, :first], views.centres[:, first:], views.view_mm)
        student = self._projected(views.embedding)
        if views.followed is None:
            cosine = _cosine(student[:, :first], student[:, first:])
        else:
            with torch.no_grad():
                teacher = self._projected(views.followed)
            there, back = (
                _cosine(student[:, :first], teacher[:, first:]),
                _cosine(teacher[:, :first], student[:, first:]),
            )
            cosine = (there + back) / 2
        bases = student[:, first:]
        loss = position_loss(cosine, true) + self.settings.apart_weight * apart_loss(bases)
        return TaskOutput(loss, self._observe(cosine, true, bases))

    def _projected(self, embedding: Float[Tensor, "B K E"]) -> Float[Tensor, "B K P"]:
        return functional.normalize(self.head(embedding).float(), dim=-1)

    def _observe(
        self, cosine: Float[Tensor, "B R Q"], true: Float[Tensor, "B R Q"], bases: Float[Tensor, "B Q E"]
    ) -> Observation:
        samples, crops, count = true.shape
        rows: dict[str, NDArray[Any]] = {
            "sample": np.repeat(np.arange(samples, dtype=np.int32), crops * count),
            "view_i": np.tile(np.repeat(np.arange(crops, dtype=np.int8), count), samples),
            "view_j": np.tile(np.arange(crops, crops + count, dtype=np.int8), samples * crops),
            "true_overlap": to_numpy(true.flatten()),
            "pred_overlap": to_numpy(cosine.clamp(0, 1).flatten()),
        }
        measures = self.measure(rows) | {
            # Both tell a collapse: base crops that all look alike, or on one line.
            "base_similarity": Measure(float(apart_loss(bases.detach())), "1", None),
            "embedding_rank": Measure(effective_rank(to_numpy(bases.flatten(0, 1))), "rank", None, "higher"),
        }
        return Observation(self.name, measures, rows)
