"""Sub-task 1: the gap matrix between views (Zhang et al., arXiv 2509.05967)."""

import numpy as np
from pydantic import Field
from torch import Tensor

from orienteer import losses
from orienteer.losses.displacement import gap_matrix, ordered_pairs
from orienteer.pretext.contract import (
    EncodedViews,
    Interface,
    PretextTask,
    TaskOutput,
    TaskSettings,
    to_numpy,
    vector_columns,
)
from orienteer.pretext.displacement import METRICS, Form, PairHead, displacement_measures, pair_rows
from orienteer.records import Measure, Metric, Observation, Rows
from orienteer.records.card import TaskCard
from orienteer.records.evidence import Displacements
from orienteer.records.statistics import mean, vectors


class GapSettings(TaskSettings):
    """Gap matrix: how far apart are two views, in mm along each axis?"""

    form: Form = "pairwise"
    """``difference`` of two positions, or a ``pairwise`` head."""
    length_mm: float = Field(50.0, gt=0)
    """Length scale: mm are divided by it before the loss, so that the loss is near 1."""
    distance_weight: float = Field(0.5, ge=0)
    """Weight of the second loss, on the distance alone."""
    uncertainty: bool = False
    """Also predict a Laplace scale per axis as uncertainty, observed as the coverage of its intervals."""


COVERAGE = tuple(
    Metric(
        name=f"coverage_{percent}",
        title=f"Truth inside the {percent} % interval",
        unit="fraction",
        look=f"{percent} % is right: below it the model is too sure of itself.",
        better="higher",
    )
    for percent in (50, 90)
)


class GapTask(PretextTask[GapSettings]):
    """Predicts G_ij for every ordered pair from (z_i, z_j): a loss per axis and one on the distance."""

    card = TaskCard(
        name="gap",
        title="Gap matrix",
        question="Does it know where things are?",
        intro="Two views are cut out of a scan; the model says how far apart they are, and in which direction.",
        source="Zhang et al. 2025, arXiv 2509.05967",
        spatial=True,
        metrics=METRICS,
        evidence=(Displacements(),),
    )

    def __init__(self, settings: GapSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        self.head = PairHead(interface.embedding, settings.form)
        # The uncertainty always depends on both views.
        self.scale_head = PairHead(interface.embedding, "pairwise") if settings.uncertainty else None

    def describe(self) -> TaskCard:
        """With a predicted scale, adds the coverage of its intervals."""
        if self.scale_head is None:
            return self.card
        return self.card.model_copy(
            update={"metrics": (*METRICS, *COVERAGE), "evidence": (Displacements(scale="scale"),)}
        )

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss and observation; rows are ordered pairs, in mm."""
        length = self.settings.length_mm
        steps, log_scale = self.head(views.embedding), self._log_scale(views.embedding)
        loss = losses.gap(
            steps,
            views.centres,
            length_mm=length,
            distance_weight=self.settings.distance_weight,
            log_scale=log_scale,
        )
        return TaskOutput(loss, lambda: self._observe(views.centres, steps, log_scale))

    def _observe(self, centres: Tensor, steps: Tensor, log_scale: Tensor | None) -> Observation:
        length = self.settings.length_mm
        i, j = ordered_pairs(centres.shape[1], centres.device)
        # Divided by the length scale and multiplied again, as in the loss.
        true = gap_matrix(centres)[:, i, j] / length
        rows = pair_rows(i, j, true * length, steps[:, i, j].float() * length)
        if log_scale is not None:
            rows |= vector_columns("scale", to_numpy(log_scale[:, i, j].exp().flatten(0, 1) * length))
        return self.observe(rows)

    @staticmethod
    def measure(rows: Rows) -> dict[str, Measure]:
        """Mean errors with chance, and coverage where there are scales."""
        measures = displacement_measures(rows)
        if "scale_r" in rows:
            scaled = np.abs(vectors(rows, "pred") - vectors(rows, "true")) / vectors(rows, "scale")
            for percent in (50, 90):
                # A Laplace interval of probability p reaches -log(1 - p) scales to either side.
                inside = scaled <= -np.log(1 - percent / 100)
                measures[f"coverage_{percent}"] = Measure(mean(inside), "fraction", None, "higher")
        return measures

    def _log_scale(self, embedding: Tensor) -> Tensor | None:
        return None if self.scale_head is None else self.scale_head(embedding).float().clamp(-5, 3)
