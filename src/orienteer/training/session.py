"""One process's part of a run: restore, train, validate, save. Picklable, so that several can be spawned."""

import contextlib
import sys
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import torch
from lightning_fabric import Fabric
from torch import nn

from orienteer.errors import RunError
from orienteer.records import Measure, Observation
from orienteer.training.checkpoint import (
    Checkpoint,
    latest_checkpoint,
    milestones,
    optimiser_tensors,
    prune,
    restore_optimiser,
    save_checkpoint,
    set_aside,
    sweep_checkpoints,
)
from orienteer.training.devices import resolve, set_threads
from orienteer.training.folder import TrainingFolder
from orienteer.training.interrupt import Interruptible
from orienteer.training.log import RunLog
from orienteer.training.loop import StepBatch, optimise
from orienteer.training.optimiser import Gentle, build_optimiser
from orienteer.training.progress import TrainingProgress
from orienteer.training.settings import CheckpointSettings, DeviceSettings, OptimiserSettings
from orienteer.training.weights import restore_weights


class Validation(NamedTuple):
    """Observations of a validation, and the figure that decides which checkpoint is best (None: the last one is)."""

    observations: Mapping[str, Observation]
    figure: Measure | None


class Work(Protocol):
    """What a session trains; one class per kind of run. Picklable."""

    def build(self) -> nn.Module:
        """The untrained model; the same weights every time."""

    def batches(self, start: int, *, rank: int, processes: int) -> Generator[StepBatch, None, None]:
        """The batches from step ``start`` on: this process's share of each."""

    def validate(self, model: Any, device: torch.device) -> Validation | None:
        """Measure the model on subjects it does not learn from; None where there is nothing to measure on."""

    def gentle(self, model: Any) -> Gentle | None:
        """Weights that learn more slowly, if any."""

    def follow(self, model: Any) -> Callable[[], None]:
        """What to call once the weights have moved."""


class Plan(Protocol):
    """The settings a session reads."""

    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def optimiser(self) -> OptimiserSettings: ...  # noqa: D102
    @property
    def devices(self) -> DeviceSettings: ...  # noqa: D102
    @property
    def checkpoint(self) -> CheckpointSettings: ...  # noqa: D102


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
    """

    seconds: float = 0.0
    stepping: float = 0.0
    waited: float = 0.0
    best_step: int | None = None
    best_value: float | None = None
    scaler: dict[str, Any] = field(default_factory=dict)

    def note(self, figure: Measure | None, step: int) -> bool:
        """Remember ``step`` when its figure is the best so far."""
        if figure is None or figure.value != figure.value:
            return False
        sign = 1 if figure.better == "higher" else -1
        if self.best_value is None or sign * (figure.value - self.best_value) > 0:
            self.best_step, self.best_value = step, figure.value
            return True
        return False


@dataclass
class Session:
    """Callable with a Fabric; ``settings.devices`` is resolved.

    Attributes:
        work: what is trained.
        settings: how.
        folder: where its records go.
        again: the command that continues it, for the message of an interruption.
        progress: show a live line.
    """

    work: Work
    settings: Plan
    folder: TrainingFolder
    again: str
    progress: bool

    def __call__(self, fabric: Fabric) -> None:
        """Train from the last whole checkpoint to the last step."""
        settings, steps = self.settings, self.settings.optimiser.steps
        set_threads(resolve(settings.devices))
        model = self.work.build()
        optimiser = build_optimiser(model, settings.optimiser, self.work.gentle(model))
        first = fabric.global_rank == 0
        start, counters = self._restore(model, optimiser, first=first)
        wrapped, optimiser = fabric.setup(model, optimiser)
        _move_state(optimiser)
        precision = fabric.strategy.precision
        if counters.scaler:
            precision.load_state_dict(counters.scaler)
        if start >= steps:
            return
        stream = self.work.batches(start, rank=fabric.global_rank, processes=fabric.world_size)
        began = time.perf_counter() - counters.seconds
        with contextlib.ExitStack() as stack:
            stack.callback(stream.close)
            line = stack.enter_context(TrainingProgress(steps, start, enabled=self.progress and first))
            interrupt = stack.enter_context(Interruptible())
            log = RunLog(self.folder, start) if first else None
            if log is not None:
                stack.callback(log.close)
                if start == 0 and (seen := self.work.validate(model, fabric.device)):
                    log.validation(seen.observations.values(), 0)
                    line.validated(0, seen.observations, best=False)
            for result in optimise(
                fabric, wrapped, optimiser, stream, settings.optimiser,
                seed=settings.seed, start=start, after_step=self.work.follow(model),
            ):  # fmt: skip
                counters.stepping += result.seconds
                counters.waited += result.waited
                last = result.step == steps
                due = last or result.step % settings.checkpoint.every == 0
                if log is not None:
                    line.step(result.step, result.observations)
                    if result.step % settings.checkpoint.log_every == 0 or last:
                        log.training(result)
                    if due and (seen := self.work.validate(model, fabric.device)):
                        best = counters.note(seen.figure, result.step)
                        log.validation(seen.observations.values(), result.step)
                        line.validated(result.step, seen.observations, best=best)
                    if due or interrupt.asked:
                        log.flush()  # what is recorded of these steps must outlive a power cut as they do
                        counters.seconds = time.perf_counter() - began
                        counters.scaler = precision.state_dict()
                        self._save(model, optimiser, result.step, counters)
                if due:
                    fabric.barrier()
                if interrupt.asked and not last:
                    raise RunError(f"stopped after step {result.step}", cure=self.again)

    def _restore(self, model: nn.Module, optimiser: Any, *, first: bool) -> tuple[int, Counters]:
        checkpoint, warnings = latest_checkpoint(self.folder.checkpoints)
        if checkpoint is None:
            if warnings:
                raise RunError(
                    f"no checkpoint of {self.folder.path} is whole: {'; '.join(warnings)}",
                    cure="put one back from a copy, or start a new run; nothing was deleted",
                )
            return 0, Counters()
        for warning in warnings if first else ():
            print(f"orienteer: {warning}; going back to step {checkpoint.step}", file=sys.stderr)
        if first:
            sweep_checkpoints(self.folder.checkpoints)
            set_aside(self.folder.checkpoints, after=checkpoint.step)
        restore_weights(model, checkpoint.model, self.folder.path)
        restore_optimiser(optimiser, checkpoint.optimiser)
        return checkpoint.step, Counters(**checkpoint.state)

    def _save(self, model: nn.Module, optimiser: Any, step: int, counters: Counters) -> None:
        save_checkpoint(
            self.folder.checkpoints,
            Checkpoint(step, model.state_dict(), optimiser_tensors(optimiser), dict(vars(counters))),
        )
        kept, steps = self.settings.checkpoint, self.settings.optimiser.steps
        also = milestones(steps, kept.every) if kept.milestones else ()
        prune(self.folder.checkpoints, keep=kept.keep, best=counters.best_step, also=also)


def _move_state(optimiser: Any) -> None:
    """Restored optimiser tensors follow the parameters to their device; AdamW keeps its step count where it was."""
    for parameter, slots in optimiser.state.items():
        for name, value in slots.items():
            if name != "step":
                slots[name] = value.to(parameter.device)
