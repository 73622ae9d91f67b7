"""One process's part of a run: restore, train, validate, save. Picklable, so that several can be spawned."""

import contextlib
import sys
import time
from dataclasses import dataclass
from typing import Any

from lightning_fabric import Fabric

from orienteer.errors import RunError
from orienteer.evaluation.figures import headline
from orienteer.evaluation.measure import Measured, measure
from orienteer.pretext.model import SpatialModel
from orienteer.pretraining.build import build_model, measuring_sampler, training_sampler
from orienteer.pretraining.folder import RunFolder
from orienteer.pretraining.log import RunLog
from orienteer.pretraining.progress import TrainingProgress
from orienteer.pretraining.settings import PretrainSettings
from orienteer.store import Store
from orienteer.training.checkpoint import (
    Checkpoint,
    latest_checkpoint,
    optimiser_tensors,
    prune,
    restore_optimiser,
    save_checkpoint,
)
from orienteer.training.devices import set_threads
from orienteer.training.interrupt import Interruptible
from orienteer.training.loop import optimise
from orienteer.training.optimiser import build_optimiser
from orienteer.views.loader import batches, step_numbers


@dataclass
class Counters:
    """What a checkpoint remembers besides tensors.

    Attributes:
        seconds: wall time of the run so far, restarts added up.
        stepping: part of it spent in optimiser steps.
        waited: part of that spent waiting for data.
        best_step: step of the best validation so far.
        best_value: its headline figure.
    """

    seconds: float = 0.0
    stepping: float = 0.0
    waited: float = 0.0
    best_step: int | None = None
    best_value: float | None = None


@dataclass
class Session:
    """Callable with a Fabric; ``settings.devices`` is resolved."""

    settings: PretrainSettings
    store: Store
    folder: RunFolder
    progress: bool

    def __call__(self, fabric: Fabric) -> None:
        """Train from the last whole checkpoint to the last step."""
        settings = self.settings
        set_threads(settings.devices)
        entry = self.store.manifest.scans[0]
        model = build_model(settings, channels=entry.channels, spacing=entry.spacing)
        optimiser = build_optimiser(model, settings.optimiser)
        start, counters = self._restore(model, optimiser)
        wrapped, optimiser = fabric.setup(model, optimiser)
        _move_state(optimiser)
        if start >= settings.optimiser.steps:
            return
        assert isinstance(settings.devices.workers, int)
        numbers = step_numbers(
            start,
            settings.optimiser.steps,
            settings.optimiser.batch,
            rank=fabric.global_rank,
            processes=fabric.world_size,
        )
        stream = batches(training_sampler(settings, self.store), numbers, workers=settings.devices.workers)
        first = fabric.global_rank == 0
        began = time.perf_counter() - counters.seconds
        with contextlib.ExitStack() as stack:
            stack.callback(stream.close)
            line = stack.enter_context(
                TrainingProgress(settings.optimiser.steps, start, enabled=self.progress and first)
            )
            interrupt = stack.enter_context(Interruptible())
            log = RunLog(self.folder, start) if first else None
            if log is not None:
                stack.callback(log.close)
                if start == 0:
                    seen = self._validate(model, fabric)
                    log.validation(seen.observations.values(), 0)
                    line.validated(0, seen.observations, best=False)
            for result in optimise(
                fabric, wrapped, optimiser, stream, settings.optimiser,
                seed=settings.seed, start=start, after_step=model.update_teacher,
            ):  # fmt: skip
                counters.stepping += result.seconds
                counters.waited += result.waited
                last = result.step == settings.optimiser.steps
                due = last or result.step % settings.checkpoint.every == 0
                if log is not None:
                    line.step(result.step, result.observations)
                    if result.step % settings.checkpoint.log_every == 0 or last:
                        log.training(result)
                    if due:
                        seen = self._validate(model, fabric)
                        best = _note_best(counters, seen, result.step)
                        log.validation(seen.observations.values(), result.step)
                        line.validated(result.step, seen.observations, best=best)
                    if due or interrupt.asked:
                        counters.seconds = time.perf_counter() - began
                        self._save(model, optimiser, result.step, counters)
                if due:
                    fabric.barrier()
                if interrupt.asked and not last:
                    raise RunError(
                        f"stopped after step {result.step}",
                        cure="run the same command again to go on from here (orienteer pretrain wants --resume)",
                    )

    def _restore(self, model: SpatialModel, optimiser: Any) -> tuple[int, Counters]:
        checkpoint, warnings = latest_checkpoint(self.folder.checkpoints)
        for warning in warnings:
            print(f"orienteer: {warning}; going back to the one before it", file=sys.stderr)
        if checkpoint is None:
            return 0, Counters()
        try:
            model.load_state_dict(dict(checkpoint.model))
        except RuntimeError as error:
            raise RunError(
                f"{self.folder.path} does not fit its settings: {error}", cure="restore settings.yaml"
            ) from None
        restore_optimiser(optimiser, checkpoint.optimiser)
        return checkpoint.step, Counters(**checkpoint.state)

    def _validate(self, model: SpatialModel, fabric: Fabric) -> Measured:
        settings = self.settings
        sampler = measuring_sampler(settings, self.store, "val")
        samples = settings.evaluation.per_scan * len(sampler.ids)
        return measure(model, sampler, samples, batch=settings.evaluation.batch, device=fabric.device)

    def _save(self, model: SpatialModel, optimiser: Any, step: int, counters: Counters) -> None:
        save_checkpoint(
            self.folder.checkpoints,
            Checkpoint(step, model.state_dict(), optimiser_tensors(optimiser), dict(vars(counters))),
        )
        prune(self.folder.checkpoints, keep=self.settings.checkpoint.keep, best=counters.best_step)


def _note_best(counters: Counters, seen: Measured, step: int) -> bool:
    """Remember ``step`` when its headline figure is the best so far."""
    _, figure, _ = headline(seen.observations)
    before = counters.best_value
    sign = 1 if figure.better == "higher" else -1
    if figure.value == figure.value and (before is None or sign * (figure.value - before) > 0):
        counters.best_step, counters.best_value = step, figure.value
        return True
    return False


def _move_state(optimiser: Any) -> None:
    """Restored optimiser tensors follow the parameters to their device; AdamW keeps its step count where it was."""
    for parameter, slots in optimiser.state.items():
        for name, value in slots.items():
            if name != "step":
                slots[name] = value.to(parameter.device)
