"""Sub-task 3: directions, with routes that must arrive and tours that must close (Zhang et al., arXiv 2509.05967)."""

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from orienteer.losses.routes import Route, arrival, displacement, follow, walks
from orienteer.pretext.contract import (
    EncodedViews,
    Interface,
    PretextTask,
    TaskOutput,
    TaskSettings,
    sample_column,
    to_numpy,
    vector_columns,
)
from orienteer.pretext.displacement import Form, PairHead
from orienteer.records import Measure, Metric, Observation, Rows
from orienteer.records.card import TaskCard
from orienteer.records.evidence import Paths
from orienteer.records.statistics import angles_deg, mean, vectors


class RouteSettings(TaskSettings):
    """Directions and routes: do steps from view to view arrive, and do tours come home?"""

    form: Form = "pairwise"
    """``difference`` closes every tour by algebra (nothing is learned from closure); ``pairwise`` must learn it."""
    length_mm: float = Field(50.0, gt=0)
    """Length scale: mm are divided by it before the loss."""
    arrival_weight: float = Field(0.5, ge=0)
    """Weight of the arrival error of routes over several views."""
    closure_weight: float = Field(0.5, ge=0)
    """Weight of the closure error of tours."""
    max_routes: int = Field(120, ge=1)
    """Largest number of routes, and of tours, evenly spaced among all orderings."""


DIRECTION = Metric(
    name="direction_error_deg",
    title="Direction error",
    unit="deg",
    meaning="angle between predicted and true direction",
    look="90° is a direction drawn at random; it should fall towards 0°.",
    chance="a direction drawn at random",
    shown="card",
)
STEP = Metric(
    name="step_error_mm",
    title="Error of a step",
    unit="mm",
    meaning="how far off one view is placed, seen from another",
    chance="not moving at all",
    per_row=None,
)
ARRIVAL = Metric(
    name="route_arrival_mm",
    title="Route arrival",
    unit="mm",
    meaning="how far from the goal a chain of predicted steps ends",
    look="It should fall like the error of a step: a chain of steps adds up the errors of its steps.",
    chance="never leaving the start",
    shown="card",
)
CLOSURE = Metric(
    name="route_closure_mm",
    title="Route closure",
    unit="mm",
    meaning="how far from its start a predicted round trip ends; standing still would close too, so read it together "
    "with the arrival",
    look="Standing still closes every round trip, so a small value means little without a small arrival error.",
    shown="card",
)
CLOSES = CLOSURE.model_copy(
    update={
        "meaning": "zero by construction: steps are differences of positions, so every round trip closes. No finding",
        "look": "Zero by construction in this run: no finding.",
    }
)


class RouteTask(PretextTask[RouteSettings]):
    """Predicts the step between any two views; supervises single steps, whole routes and closed tours."""

    card = TaskCard(
        name="route",
        title="Directions and routes",
        question="Does it find its way?",
        intro="Predicted steps are walked one after the other; the error is the distance between arrival and goal.",
        source="Zhang et al. 2025, arXiv 2509.05967",
        spatial=True,
        metrics=(DIRECTION, STEP, ARRIVAL, CLOSURE),
        evidence=(Paths(),),
        judged_by=STEP.name,
    )

    def __init__(self, settings: RouteSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        self.head = PairHead(interface.embedding, settings.form)

    def describe(self) -> TaskCard:
        """Where steps are differences of positions, closure is an identity and no finding."""
        if self.settings.form == "pairwise":
            return self.card
        return self.card.model_copy(
            update={"metrics": (DIRECTION, STEP, ARRIVAL, CLOSES), "evidence": (Paths(closes=True),)}
        )

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss and observation; rows are steps, routes and tours, in mm from their start."""
        settings = self.settings
        paths = walks(views.centres, settings.max_routes)
        steps = self.head(views.embedding).float()
        ends = {kind: follow(steps, group) for kind, group in paths.items()}
        true = {kind: displacement(views.centres, group) / settings.length_mm for kind, group in paths.items()}
        loss = arrival(ends, true, arrival_weight=settings.arrival_weight, closure_weight=settings.closure_weight)
        return TaskOutput(loss, lambda: self._observe(ends, true, paths))

    def _observe(
        self, ends: dict[str, Tensor], true: dict[str, Tensor], paths: dict[str, tuple[Route, ...]]
    ) -> Observation:
        length, samples = self.settings.length_mm, ends["step"].shape[0]
        kinds = [kind for kind, group in paths.items() for _ in group]
        named = ["-".join(map(str, path)) for group in paths.values() for path in group]
        predicted, truth = (torch.cat([one[kind] for kind in paths], dim=1).flatten(0, 1) for one in (ends, true))
        rows: Rows = {
            "sample": sample_column(samples, len(kinds)),
            "kind": np.tile(np.array(kinds), samples),
            "path": np.tile(np.array(named), samples),
            **vector_columns("true", to_numpy(truth * length)),
            **vector_columns("pred", to_numpy(predicted * length)),
        }
        return self.observe(rows)

    @staticmethod
    def measure(rows: Rows) -> dict[str, Measure]:
        """Direction of single steps, arrival of routes over all views, closure of tours."""
        kind = np.asarray(rows["kind"])
        true, predicted = vectors(rows, "true"), vectors(rows, "pred")
        step, route, tour = (kind == name for name in ("step", "route", "tour"))
        missed = np.linalg.norm(predicted - true, axis=1)
        length = np.linalg.norm(true, axis=1)
        return {
            # Random directions in space are 90 degrees off on average.
            DIRECTION.name: Measure(mean(angles_deg(predicted[step], true[step])), "deg", 90.0),
            STEP.name: Measure(mean(missed[step]), "mm", mean(length[step])),
            ARRIVAL.name: Measure(mean(missed[route]), "mm", mean(length[route])),
            # Zero steps close every tour: closure has no chance level and means nothing by itself.
            CLOSURE.name: Measure(mean(missed[tour]), "mm", None),
        }
