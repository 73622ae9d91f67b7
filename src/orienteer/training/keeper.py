"""What a run keeps while it trains: its log, its validations, its checkpoints. One process does this for all."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import nn

from orienteer.records import Measure, Observation
from orienteer.signals import Asked, Interruptible
from orienteer.training.checkpoint import Checkpoint, milestones, optimiser_tensors, prune, save_checkpoint
from orienteer.training.course import Course
from orienteer.training.folder import TrainingFolder
from orienteer.training.log import RunLog
from orienteer.training.loop import StepResult
from orienteer.training.progress import TrainingProgress
from orienteer.training.settings import CheckpointSettings

LATER = ("validate", "course")
"""What a checkpoint remembers only where there is something to remember."""


class Validation(NamedTuple):
    """Observations of a validation, and the figure that decides which checkpoint is best (None: the last one is).

    ``verdict`` is what to think of the run so far, in a few words; ``judged`` is what the figure is called.
    """

    observations: Mapping[str, Observation]
    figure: Measure | None
    verdict: str = ""
    judged: str = ""


@dataclass
class Counters:
    """What a checkpoint remembers besides tensors.

    Attributes:
        seconds: wall time of the run so far, restarts added up.
        stepping: part of it spent in optimiser steps.
        waited: part of that spent waiting for data.
        best_step: step of the best validation so far.
        best_value: its headline figure.
        scaler: how float16 gradients are scaled at the moment; empty in other precisions.
        validate: the validation of this step was left out or broken off, and is made when the run goes on.
        course: what decides when a training ends that goes on until it learns no more; empty in others.
    """

    seconds: float = 0.0
    stepping: float = 0.0
    waited: float = 0.0
    best_step: int | None = None
    best_value: float | None = None
    scaler: dict[str, Any] = field(default_factory=dict)
    validate: bool = False
    course: dict[str, Any] = field(default_factory=dict)

    def note(self, figure: Measure | None, step: int) -> bool:
        """Remember ``step`` when its figure is the best so far."""
        if figure is None or figure.value != figure.value:
            return False
        sign = 1 if figure.better == "higher" else -1
        if self.best_value is None or sign * (figure.value - self.best_value) > 0:
            self.best_step, self.best_value = step, figure.value
            return True
        return False


@dataclass(eq=False)
class Keeper:
    """Logs, validates and saves.

    Attributes:
        folder: where all goes.
        settings: what is kept.
        course: of the whole run.
        earlier: totals it had before it was extended; their milestones are kept.
        model: as it is built, not as it is wrapped.
        optimiser: its optimiser.
        precision: of the strategy; holds the scaler.
        counters: go into every checkpoint.
        validation: measures the model, given the step; None where there is nothing to measure on.
        log: of the run.
        line: on the terminal.
        interrupt: signals; they break a validation off, which is made again later.
    """

    folder: TrainingFolder
    settings: CheckpointSettings
    course: Course
    earlier: tuple[int, ...]
    model: nn.Module
    optimiser: Any
    precision: Any
    counters: Counters
    validation: Callable[[int], Validation | None]
    log: RunLog
    line: TrainingProgress
    interrupt: Interruptible

    def __post_init__(self) -> None:
        self._began = time.perf_counter() - self.counters.seconds
        self.saved = 0

    def begin(self, start: int) -> None:
        """Validate the untrained model, or make a validation that is still to be made."""
        self.saved = start
        if start == 0:
            self._validate(0)
        elif self.counters.validate:
            self.settle(start)

    def note(self, result: StepResult) -> None:
        """Log a step."""
        self.counters.stepping += result.seconds
        self.counters.waited += result.waited
        self.line.step(result.step, result.seen.observations if result.seen is not None else ())
        if self.settings.logged(result.step, of=self.course.last):
            self.log.training(result)

    def turned(self) -> None:
        """Say that the training loss decided when the run ends."""
        self.line.turned(self.course)

    def settle(self, step: int) -> None:
        """Validate and save; where a signal asks, save at once and leave the validation for later."""
        while not self._validate(step):
            self.counters.validate = True
            self.save(step)
            if self.interrupt.asked:
                return
        self.counters.validate = False
        self.save(step)

    def _validate(self, step: int) -> bool:
        """False when a signal broke it off."""
        try:
            with self.interrupt.breakable(to_save=step > 0):
                seen = self.validation(step)
        except Asked:
            return False
        if seen is not None:
            best = step > 0 and self.counters.note(seen.figure, step)  # the untrained model has no checkpoint
            self.log.validation(seen.observations.values(), step)
            self.line.validated(step, seen.observations, best=seen.judged if best else "", verdict=seen.verdict)
        return True

    def save(self, step: int) -> None:
        """Write a checkpoint, then delete those that need not be kept."""
        self.saved = step
        self.interrupt.save = False
        self.log.flush()  # what is recorded of these steps must outlive a power cut as they do
        self.counters.seconds = time.perf_counter() - self._began
        self.counters.scaler = self.precision.state_dict()
        state = {name: value for name, value in vars(self.counters).items() if value or name not in LATER}
        tensors = optimiser_tensors(self.optimiser)
        save_checkpoint(self.folder.checkpoints, Checkpoint(step, self.model.state_dict(), tensors, state))
        kept = self.settings
        totals = (*self.earlier, self.course.settings.steps) if kept.milestones else ()
        also = frozenset[int]().union(*(milestones(total, kept.every) for total in totals))
        prune(self.folder.checkpoints, keep=kept.keep, best=self.counters.best_step, also=also)
