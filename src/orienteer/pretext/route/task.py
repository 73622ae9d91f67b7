"""Sub-task 3: directions whose routes must arrive and close (Zhang et al., arXiv 2509.05967)."""

import numpy as np
import torch
from torch import Tensor
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
from orienteer.pretext.pairs import PairHead, ordered_pairs
from orienteer.pretext.route.settings import RouteSettings
from orienteer.pretext.route.target import Route, displacement, follow, routes, tours
from orienteer.records.measures import route_measures
from orienteer.records.records import Observation


class RouteTask(PretextTask):
    """Predicts the step between any two views; supervises single steps, whole routes and closed tours."""

    name = "route"
    settings_type = RouteSettings
    settings: RouteSettings
    measure = staticmethod(route_measures)

    def __init__(self, settings: TaskSettings, interface: Interface) -> None:
        super().__init__(settings, interface)
        assert isinstance(settings, RouteSettings)
        self.head = PairHead(interface.embedding, settings.form)

    def forward(self, views: EncodedViews) -> TaskOutput:
        """Loss and observation; rows are steps, routes and tours, in mm from their start."""
        settings, length = self.settings, self.settings.length_mm
        count = views.centres.shape[1]
        i, j = ordered_pairs(count, views.centres.device)
        single = tuple((int(a), int(b)) for a, b in zip(i, j, strict=True))
        whole, closed = routes(count, settings.max_routes), tours(count, settings.max_routes)
        steps = self.head(views.embedding).float()
        ends = {kind: follow(steps, paths) for kind, paths in _kinds(single, whole, closed)}
        truth = {kind: displacement(views.centres, paths) / length for kind, paths in _kinds(single, whole, closed)}
        loss = functional.smooth_l1_loss(ends["step"], truth["step"], beta=0.1)
        loss = loss + settings.arrival_weight * functional.smooth_l1_loss(ends["route"], truth["route"], beta=0.1)
        loss = loss + settings.closure_weight * functional.smooth_l1_loss(ends["tour"], truth["tour"], beta=0.1)
        return TaskOutput(loss, self._observe(ends, truth, _kinds(single, whole, closed)))

    def _observe(
        self, ends: dict[str, Tensor], truth: dict[str, Tensor], kinds: list[tuple[str, tuple[Route, ...]]]
    ) -> Observation:
        length = self.settings.length_mm
        samples = ends["step"].shape[0]
        names = [kind for kind, paths in kinds for _ in paths]
        paths = ["-".join(map(str, path)) for _, group in kinds for path in group]
        predicted = torch.cat([ends[kind] for kind, _ in kinds], dim=1).flatten(0, 1) * length
        true = torch.cat([truth[kind] for kind, _ in kinds], dim=1).flatten(0, 1) * length
        rows = {
            "sample": np.repeat(np.arange(samples, dtype=np.int32), len(names)),
            "kind": np.tile(np.array(names), samples),
            "path": np.tile(np.array(paths), samples),
            **vector_columns("true", to_numpy(true)),
            **vector_columns("pred", to_numpy(predicted)),
        }
        return Observation(self.name, self.measure(rows), rows)


def _kinds(
    single: tuple[Route, ...], whole: tuple[Route, ...], closed: tuple[Route, ...]
) -> list[tuple[str, tuple[Route, ...]]]:
    return [("step", single), ("route", whole), ("tour", closed)]
