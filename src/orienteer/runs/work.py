"""What a pretraining run asks of a session: the spatial model, its views, its validation."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

from orienteer.evaluation.chosen import chosen
from orienteer.evaluation.measure import measure
from orienteer.evaluation.so_far import NAME, judge_so_far
from orienteer.pretext.model import SpatialModel
from orienteer.records.card import judged_card
from orienteer.runs.build import build_model, measuring_sampler, training_sampler
from orienteer.runs.settings import PretrainSettings
from orienteer.sampling.loader import Batch, batches, step_numbers
from orienteer.store import Store
from orienteer.training.devices import resolve
from orienteer.training.keeper import Validation
from orienteer.units import in_sentence


@dataclass
class Pretraining:
    """Views of a store's training subjects, validated on its validation subjects.

    Attributes:
        settings: of the run.
        store: what it learns from.
        evaluations: where the verdict so far is written.
    """

    early: ClassVar = True
    plateau: ClassVar = None  # its schedule says how long it learns
    settings: PretrainSettings
    store: Store
    evaluations: Path

    def build(self) -> SpatialModel:
        """The untrained model."""
        entry = self.store.manifest.scans[0]
        convention = self.store.manifest.convention
        return build_model(self.settings, channels=entry.channels, spacing=entry.spacing, convention=convention)

    def batches(self, start: int, *, rank: int, processes: int) -> Generator[Batch, None, None]:
        """Augmented views of training subjects."""
        settings = self.settings
        numbers = step_numbers(
            start, settings.optimiser.steps, settings.optimiser.batch, rank=rank, processes=processes
        )
        sampler, on_device = training_sampler(settings, self.store), settings.views.appearance.on_device
        return batches(sampler, numbers, workers=resolve(settings.devices).workers, on_device=on_device)

    def validate(self, model: Any, device: torch.device, step: int) -> Validation:
        """Metrics on untouched views of validation subjects, and once it has learned anything what to think of it."""
        settings = self.settings
        every = measuring_sampler(settings, self.store, "val")
        sampler, samples = chosen(every, settings.evaluation.per_scan, settings.evaluation.samples)
        seen = measure(model, sampler, samples, batch=settings.evaluation.batch, device=device)
        judged = judged_card(model.cards)
        measures = seen.observations[judged.name].measures
        metric = judged.judged_in(measures)
        figure = measures[metric.name]
        if step == 0:
            return Validation(seen.observations, figure)
        record = judge_so_far(
            model,
            sampler,
            seen.observations,
            settings.evaluation,
            samples=samples,
            among=len(every.ids),
            step=step,
            folder=self.evaluations / NAME,
            device=device,
        )
        return Validation(seen.observations, figure, record.so_far, in_sentence(metric.title))

    def gentle(self, model: Any) -> None:
        """All weights learn alike."""

    def follow(self, model: Any) -> Callable[[], None]:
        """A momentum teacher follows the backbone."""
        follow: Callable[[], None] = model.update_teacher
        return follow
