"""VoCo (Wu et al., VoCo: A Simple-yet-Effective Volume Contrastive Learning Framework, CVPR 2024).

https://arxiv.org/abs/2402.17300, with the momentum teacher of its published code (``teacher.enabled``): student and
teacher both encode all crops, and the student's random crops are compared with the teacher's base crops and the other
way round. Without a teacher, as in the paper, the crops are compared as they are.
"""

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from orienteer.errors import ConfigError
from orienteer.losses.overlap import apart_loss, overlap, overlaps
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
from orienteer.records.evidence import Numbers
from orienteer.records.statistics import effective_rank

BASES = 8
"""Base crops of a grid."""


class VocoSettings(TaskSettings):
    """VoCo: how much of a random crop lies in each base crop of a 2 x 2 x 2 grid?"""

    random: int = Field(2, ge=1)
    """Number of random crops, which are the first views; the other 8 are the base crops, so ``views.count`` is this
    plus 8."""
    hidden: int = Field(256, ge=1)
    """Width of the projection's hidden layers."""
    projection: int = Field(128, ge=8)
    """Length of the projected embedding that is compared."""
    apart_weight: float = Field(1.0, ge=0)
    """Weight of the second loss, which pushes the base crops of a scan apart."""


METRICS = (
    Metric(
        name="overlap_error",
        title="Overlap error",
        unit="fraction",
        meaning="how far off the predicted share of a crop that lies in a base crop is",
        chance="answering the median overlap",
        shown="card",
    ),
    Metric(
        name="nearest_base_accuracy",
        title="Nearest base crop found",
        unit="fraction",
        meaning="how often the base crop that is called most similar is the one that overlaps most",
        chance="any of the base crops",
        better="higher",
        shown="card",
    ),
    Metric(name="position_loss", title="Position loss", unit="1", chance="the best constant answer"),
    Metric(
        name="base_similarity",
        title="Similarity of base crops",
        unit="1",
        look="A value near 1 means that all base crops look the same to the model (collapse).",
    ),
    Metric(name="embedding_rank", title="Effective rank of the base crops", unit="rank", better="higher"),
)


class AmongViews(nn.Module):
    """Normalises each channel over the views of a scan, without learned weights.

    The published head normalises over all crops of the batch; here over those of one scan, so that scans do not mix.
    Without it the position loss does not fall: the student moves all its crops away from the common direction of the
    teacher's, and the teacher follows. Removing what the views share prevents that. Student and teacher are normalised
    separately: together, the lag between them would reveal which crop is which.
    """

    def forward(self, x: Float[Tensor, "B K H"]) -> Float[Tensor, "B K H"]:
        """Zero mean and unit variance over K."""
        spread, mean = torch.var_mean(x.float(), dim=1, keepdim=True, correction=0)
        return (x - mean) * torch.rsqrt(spread + 1e-5)


def cosine(crops: Float[Tensor, "B R P"], bases: Float[Tensor, "B Q P"]) -> Float[Tensor, "B R Q"]:
    """Similarities of unit vectors."""
    return (crops[:, :, None] * bases[:, None]).sum(-1)


class VocoTask(PretextTask[VocoSettings]):
    """Compares projected random and base crops: their similarity should be their overlap."""

    card = TaskCard(
        name="voco",
        title="VoCo",
        question="Does it know how much two crops overlap?",
        intro="A random crop is compared with the eight base crops of a grid; its similarity to each should be the "
        "share of it that lies there.",
        source="Wu et al. 2024, arXiv 2402.17300",
        spatial=True,
        overlapping=True,
        metrics=METRICS,
        evidence=(
            Numbers(title="Overlap with a base crop", unit="fraction", true="true_overlap", pred="pred_overlap"),
        ),
    )
    placement = "grid"

    def __init__(self, settings: VocoSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
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
            similarity = cosine(student[:, :first], student[:, first:])
        else:
            with torch.no_grad():
                teacher = self._projected(views.followed)
            similarity = self._followed(student, teacher)
        bases = student[:, first:]
        loss = overlap(similarity, true) + self.settings.apart_weight * apart_loss(bases)
        return TaskOutput(loss, lambda: self._observe(similarity, true, bases))

    def _followed(self, student: Float[Tensor, "B K P"], teacher: Float[Tensor, "B K P"]) -> Float[Tensor, "B R Q"]:
        """Similarities of random and base crops, each way round."""
        first = self.settings.random
        there, back = (
            cosine(student[:, :first], teacher[:, first:]),
            cosine(teacher[:, :first], student[:, first:]),
        )
        return (there + back) / 2

    def _projected(self, embedding: Float[Tensor, "B K E"]) -> Float[Tensor, "B K P"]:
        return functional.normalize(self.head(embedding).float(), dim=-1)

    def _observe(
        self, cosine: Float[Tensor, "B R Q"], true: Float[Tensor, "B R Q"], bases: Float[Tensor, "B Q E"]
    ) -> Observation:
        samples, crops, count = true.shape
        rows: Rows = {
            "sample": sample_column(samples, crops * count),
            "view_i": view_columns(samples, np.repeat(np.arange(crops), count)),
            "view_j": view_columns(samples * crops, range(crops, crops + count)),
            "true_overlap": to_numpy(true.flatten()),
            "pred_overlap": to_numpy(cosine.clamp(0, 1).flatten()),
        }
        # Both reveal a collapse: base crops that are all alike, or on one line.
        return self.observe(
            rows,
            base_similarity=Measure(float(apart_loss(bases.detach())), "1", None),
            embedding_rank=Measure(effective_rank(to_numpy(bases.flatten(0, 1))), "rank", None, "higher"),
        )

    @staticmethod
    def measure(rows: Rows) -> dict[str, Measure]:
        """Errors of the predicted overlap with those of the best constants as chance, and the nearest base crop."""
        true, predicted = rows["true_overlap"].astype(float), rows["pred_overlap"].astype(float)
        if not len(true):
            return {"overlap_error": Measure(float("nan"), "fraction", None)}
        by_crop = np.lexsort((rows["view_j"], rows["view_i"], rows["sample"])).reshape(
            -1, len(np.unique(rows["view_j"]))
        )
        # A crop half-way between two base crops has two nearest ones; both are right.
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
