"""Pose: which of two twins is mirrored, and which way is a view turned? (not in the paper)

A view is shown beside its twin, mirrored left and right. The two differ in nothing else, so the difference of their
scores is about left and right alone. Another view is shown in one of the 48 ways to turn and mirror it that keep its
grid, all that a file's header can claim of it; rotations as a pretext: Gidaris et al. 2018, arXiv 1803.07728. Twins
stand upright: turned ones were learned far more slowly (docs/log.md), and a scan is turned upright before it is asked.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from orienteer.errors import ConfigError
from orienteer.geometry.pose import TURNS, Pose
from orienteer.pretext.contract import (
    CorruptsViews,
    EncodedViews,
    Interface,
    PretextTask,
    TaskOutput,
    TaskSettings,
    TellsMirrored,
)
from orienteer.records import Measure, Metric, Observation, Rows
from orienteer.records.card import TaskCard
from orienteer.records.evidence import Classes
from orienteer.records.statistics import mean
from orienteer.sampling import Purpose, generator


class PoseSettings(TaskSettings):
    """Pose: which of two twins is mirrored, and which way is a view turned?"""

    hidden: int = Field(64, ge=1)
    """Width of the head's hidden layer."""


def turned(turn: Pose, views: Float[Tensor, "*n D H W"]) -> Float[Tensor, "*n d h w"]:
    """The views as a pose shows them."""
    first = views.ndim - 3
    moved = views.permute(*range(first), *(first + axis for axis in turn.axes))
    return moved.flip([first + n for n, sign in enumerate(turn.signs) if sign < 0])


class Shown(NamedTuple):
    """What is drawn for one sample."""

    side: int
    """Which of the twins is mirrored: the first (0) or the second (1)."""
    turn: int
    """Of the turned view, as an index into ``TURNS``."""
    mirrored: bool
    """Whether the turned view is mirrored as well, before it is turned."""

    @classmethod
    def of(cls, seed: int, number: int) -> "Shown":
        """Drawn from the sample's address alone."""
        random = generator(seed, Purpose.CORRUPTION, number)
        return cls(int(random.integers(2)), int(random.integers(len(TURNS))), bool(random.integers(2)))


class PoseTask(PretextTask[PoseSettings], CorruptsViews, TellsMirrored):
    """Ranks a view against its mirrored twin, and classifies the turn of another view."""

    card = TaskCard(
        name="pose",
        title="Pose",
        question="Does it know left from right, and which way is up?",
        intro="A view is shown beside its mirror image: which one is mirrored? Another view is turned: which way?",
        source="this project; rotations after Gidaris et al. 2018, arXiv 1803.07728",
        spatial=False,
        metrics=(
            Metric(
                name="side_accuracy",
                title="Left from right",
                unit="fraction",
                meaning="how often the mirrored one of two twins is named",
                look="Half is a guess. One side of a body nearly mirrors the other: a view must hold both.",
                chance="a guess",
                better="higher",
                shown="card",
            ),
            Metric(
                name="turn_accuracy",
                title="Right way up",
                unit="fraction",
                meaning="how often a view's turn is named, mirrored or not",
                chance="any of the 24 turns",
                better="higher",
                shown="card",
            ),
        ),
        evidence=(
            Classes(title="The mirrored twin", true="true_side", pred="pred_side", names=("first", "second")),
            Classes(
                title="Where the axes point",
                true="true_turn",
                pred="pred_turn",
                names=tuple(turn.code for turn in TURNS),
            ),
        ),
    )

    def __init__(self, settings: PoseSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        if interface.views < 3:
            raise ConfigError(
                f"tasks.pose shows a view, its twin and a turned view, but a sample has {interface.views} views",
                cure="set views.count to 3 or more",
            )
        self.side, self.turn = (
            nn.Sequential(
                nn.Linear(interface.embedding, settings.hidden), nn.GELU(), nn.Linear(settings.hidden, scores)
            )
            for scores in (1, len(TURNS))
        )

    def corrupt(
        self, images: Float[Tensor, "B K C S S S"], address: Int[Tensor, "B 2"]
    ) -> Float[Tensor, "B 3 C S S S"]:
        """The first view and its mirrored twin, in either order, and the third view in one of 48 poses."""
        shown = images[:, :3].clone()
        for sample, (seed, number) in enumerate(address.tolist()):
            drawn = Shown.of(seed, number)
            shown[sample, 1 - drawn.side] = images[sample, 0]
            shown[sample, drawn.side] = images[sample, 0].flip(1)
            view = images[sample, 2]
            shown[sample, 2] = turned(TURNS[drawn.turn], view.flip(1) if drawn.mirrored else view)
        return shown

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Logistic loss of the mirrored twin and cross-entropy of the turn; one row per sample."""
        first, second, third = views.embedding[:, :3].unbind(1)
        drawn = [Shown.of(seed, number) for seed, number in views.address.tolist()]
        side, turn = (first.new_tensor(column, dtype=torch.long) for column in list(zip(*drawn, strict=True))[:2])
        log_odds, scores = self.mirrored(second, first), self.turn(third).float()
        loss = functional.binary_cross_entropy_with_logits(log_odds, side.float())
        loss = loss + functional.cross_entropy(scores, turn)

        def observe() -> Observation:
            answers = {"true_side": side, "pred_side": log_odds > 0, "true_turn": turn, "pred_turn": scores.argmax(-1)}
            rows: Rows = {name: answer.cpu().numpy().astype(np.int8) for name, answer in answers.items()}
            return self.observe({"sample": np.arange(len(drawn), dtype=np.int32), **rows})

        return TaskOutput(loss, observe)

    @staticmethod
    def measure(rows: Rows) -> dict[str, Measure]:
        """Share of twins told apart, and of turns named."""
        side, turn = (np.asarray(rows[f"true_{name}"]) == rows[f"pred_{name}"] for name in ("side", "turn"))
        return {
            "side_accuracy": Measure(mean(side), "fraction", 1 / 2, "higher"),
            "turn_accuracy": Measure(mean(turn), "fraction", 1 / len(TURNS), "higher"),
        }

    def mirrored(self, embedding: Float[Tensor, "N E"], twin: Float[Tensor, "N E"]) -> Float[Tensor, "N"]:
        """Log-odds that upright views, rather than their twins, are mirrored; the difference of their scores."""
        log_odds: Tensor = (self.side(embedding).float() - self.side(twin).float()).squeeze(-1)
        return log_odds
