"""Pose: which way is a view turned, and which of two twins is mirrored? (not in the paper)

A view is turned in one of the 24 ways that keep its grid, and shown beside its twin, mirrored left and right before it
is turned: together the 48 orientations that a file's header can claim. Rotations as a pretext: Gidaris et al. 2018,
arXiv 1803.07728. The twins differ in nothing but left and right, so the difference of their scores is about that alone.
"""

from itertools import permutations, product
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from orienteer.pretext.contract import (
    CorruptsViews,
    EncodedViews,
    Interface,
    PretextTask,
    TaskOutput,
    TaskSettings,
    TellsMirrored,
    sample_column,
    to_numpy,
    view_columns,
)
from orienteer.records import Measure, Metric, Observation, Rows
from orienteer.records.card import TaskCard
from orienteer.records.evidence import Classes
from orienteer.records.statistics import mean
from orienteer.sampling import Purpose, generator


class PoseSettings(TaskSettings):
    """Pose: which way is a view turned, and is it mirrored?"""

    turned: float = Field(0.5, ge=0, le=1)
    """Share of twins that are turned, in any of 24 ways; the others stand upright, as scans do when asked."""
    hidden: int = Field(64, ge=1)
    """Width of the head's hidden layer."""


class Turn(NamedTuple):
    """A turn that keeps the grid: array axis ``n`` of the result is axis ``axes[n]``, backwards where ``flips[n]``."""

    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    @property
    def code(self) -> str:
        """Where the array's axes point, ``RAS`` for the turn that does nothing."""
        return "".join(("RAS", "LPI")[flip][axis] for axis, flip in zip(self.axes, self.flips, strict=True))

    def of(self, views: Float[Tensor, "*n D H W"]) -> Float[Tensor, "*n d h w"]:
        """The views, turned."""
        first = views.ndim - 3
        turned = views.permute(*range(first), *(first + axis for axis in self.axes))
        return turned.flip([first + n for n, flip in enumerate(self.flips) if flip])


def _is_proper(turn: Turn) -> bool:
    """Whether it is a rotation: its signed permutation matrix has the determinant 1."""
    matrix = np.eye(3)[list(turn.axes)] * np.where(turn.flips, -1, 1)[:, None]
    return bool(np.linalg.det(matrix) > 0)


TURNS = tuple(
    turn
    for axes in permutations((0, 1, 2))
    for flips in product((False, True), repeat=3)
    if _is_proper(turn := Turn(axes, flips))  # type: ignore[arg-type]
)
"""The 24 turns, the one that does nothing first."""

SIDES = ("as is", "mirrored")


class PoseTask(PretextTask[PoseSettings], CorruptsViews, TellsMirrored):
    """Classifies the turn of every view, and ranks each view against its mirrored twin."""

    card = TaskCard(
        name="pose",
        title="Pose",
        question="Does it know which way is up, and left from right?",
        intro="A view is shown beside its mirror image, both turned alike; the model says which one is mirrored, and "
        "which of 24 ways they are turned.",
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
                meaning="how often the turn is named, whatever of left and right",
                chance="always naming the commonest turn",
                better="higher",
                shown="card",
            ),
        ),
        evidence=(
            Classes(title="Left and right", true="true_side", pred="pred_side", names=SIDES),
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
        self.head = nn.Sequential(
            nn.Linear(interface.embedding, settings.hidden), nn.GELU(), nn.Linear(settings.hidden, len(TURNS) + 1)
        )

    def corrupt(
        self, images: Float[Tensor, "B K C S S S"], address: Int[Tensor, "B 2"]
    ) -> Float[Tensor, "B k C S S S"]:
        """Every other view and, in the place of the next one, its mirrored twin, both turned alike."""
        turns = drawn_turns(address, images.shape[1] // 2, self.settings.turned)
        shown = images[:, : 2 * turns.shape[1]].clone()
        for sample, pair in np.ndindex(*turns.shape):
            turn, view = TURNS[turns[sample, pair]], images[sample, 2 * pair]
            shown[sample, 2 * pair] = turn.of(view)
            shown[sample, 2 * pair + 1] = turn.of(view.flip(1))
        return shown

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Cross-entropy of the turn and of the mirrored twin; rows are the views shown."""
        pairs = views.embedding.shape[1] // 2
        true = drawn_turns(views.address, pairs, self.settings.turned).repeat(2, axis=1)
        scores = self.head(views.embedding).float()
        turns, side = scores[..., :-1], scores[..., -1]
        log_odds = side[:, 1::2] - side[:, ::2]
        target = torch.from_numpy(true).to(turns.device)
        loss = functional.cross_entropy(turns.flatten(0, 1), target.flatten()) + functional.softplus(-log_odds).mean()
        return TaskOutput(loss, self._observe(true, turns.argmax(-1), log_odds))

    def mirrored(self, embedding: Float[Tensor, "N E"], twin: Float[Tensor, "N E"]) -> Float[Tensor, "N"]:
        """Log-odds that views rather than their twins are mirrored; 0 knows nothing."""
        log_odds: Tensor = self.head(embedding)[..., -1].float() - self.head(twin)[..., -1].float()
        return log_odds

    def _observe(self, true: NDArray[np.int64], predicted: Tensor, log_odds: Tensor) -> Observation:
        samples, count = true.shape
        first = to_numpy(log_odds.flatten()) < 0
        rows: Rows = {
            "sample": sample_column(samples, count),
            "view": view_columns(samples, range(count)),
            "true_side": np.tile(np.array([0, 1], dtype=np.int8), true.size // 2),
            "pred_side": np.stack([first, ~first], axis=1).astype(np.int8).flatten(),
            "true_turn": true.flatten().astype(np.int8),
            "pred_turn": predicted.flatten().cpu().numpy().astype(np.int8),
        }
        return self.observe(rows)

    @staticmethod
    def measure(rows: Rows) -> dict[str, Measure]:
        """Share of twins told apart, and of turns named."""
        side, turn = (np.asarray(rows[f"true_{name}"]) == rows[f"pred_{name}"] for name in ("side", "turn"))
        commonest = np.bincount(rows["true_turn"]).max() / len(turn) if len(turn) else None
        return {
            "side_accuracy": Measure(mean(side), "fraction", 0.5, "higher"),
            "turn_accuracy": Measure(mean(turn), "fraction", commonest, "higher"),
        }


def drawn_turns(address: Int[Tensor, "B 2"], pairs: int, turned: float) -> NDArray[np.int64]:
    """``(B, pairs)`` indices into ``TURNS``, drawn from the addresses of the samples alone."""
    chosen = np.zeros((len(address), pairs), dtype=np.int64)
    for sample, (seed, number) in enumerate(address.tolist()):
        for pair in range(pairs):
            random = generator(seed, Purpose.CORRUPTION, number, 2 * pair)
            if random.random() < turned:
                chosen[sample, pair] = random.integers(len(TURNS))
    return chosen
