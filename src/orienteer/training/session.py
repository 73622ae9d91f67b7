"""One process's part of a run: restore, train, validate, save. Picklable, so that several can be spawned."""

import contextlib
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import torch
from lightning_fabric import Fabric
from torch import nn

from orienteer.errors import RunError, Stopped
from orienteer.signals import Asked, Interruptible
from orienteer.training.checkpoint import Checkpoint, latest_checkpoint, restore_optimiser, set_aside, sweep_checkpoints
from orienteer.training.course import Course
from orienteer.training.devices import prepare_process, resolve
from orienteer.training.folder import TrainingFolder
from orienteer.training.group import by_first, connected
from orienteer.training.keeper import Counters, Keeper, Validation
from orienteer.training.log import RunLog
from orienteer.training.loop import StepBatch, StepResult, optimise
from orienteer.training.optimiser import Gentle, build_optimiser
from orienteer.training.progress import TrainingProgress
from orienteer.training.settings import CheckpointSettings, DeviceSettings, OptimiserSettings, PlateauSettings
from orienteer.training.weights import restore_weights

PATIENCE = 4.0
"""Seconds that a batch may take once a signal asks to end; `docker stop` gives ten for all."""


class Work(Protocol):
    """What a session trains; one class per kind of run. Picklable.

    Attributes:
        early: validate soon after the start too.
    """

    early: ClassVar[bool]

    def build(self) -> nn.Module:
        """The untrained model; the same weights every time."""

    def batches(self, start: int, *, rank: int, processes: int) -> Generator[StepBatch, None, None]:
        """The batches from step ``start`` on: this process's share of each."""

    def validate(self, model: Any, device: torch.device, step: int) -> Validation | None:
        """Measure the model on subjects it does not learn from; None where there is nothing to measure on."""

    def gentle(self, model: Any) -> Gentle | None:
        """Weights that learn more slowly, if any."""

    @property
    def plateau(self) -> PlateauSettings | None:
        """When it ends before its last step; None where it never does."""

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


def nothing_asked() -> int:
    """No signal had come."""
    return 0


@dataclass
class Session:
    """Callable with a Fabric; ``settings.devices`` is resolved.

    Attributes:
        work: what is trained.
        settings: how.
        folder: where its records go.
        again: the command that continues it, for the message of an interruption.
        progress: show a live line.
        earlier: totals of its steps before it was extended.
        asked_before: the signal that had asked before this process could hear it; 0 for none.
    """

    work: Work
    settings: Plan
    folder: TrainingFolder
    again: str
    progress: bool
    earlier: tuple[int, ...] = ()
    asked_before: Callable[[], int] = nothing_asked

    def __call__(self, fabric: Fabric) -> None:
        """Train from the last whole checkpoint to the last step.

        Raises:
            Stopped: a signal asked; every process stops after the same step, which is saved.
        """
        settings, done = self.settings, 0
        with contextlib.ExitStack() as stack:
            stack.enter_context(connected(lambda: f" after step {done}", self.again))
            prepare_process(resolve(settings.devices))
            model = self.work.build()
            fused = settings.devices.precision != "16-mixed"
            gentle = self.work.gentle(model)
            optimiser = build_optimiser(model, settings.optimiser, gentle, fused=fused)
            start, counters = self._restore(model, optimiser)
            course = Course(settings.optimiser, self.work.plateau, counters.course, gentle.starts if gentle else 0)
            losses: list[torch.Tensor] | None = [] if course.plateau is not None else None
            done = start
            wrapped, optimiser = fabric.setup(model, optimiser)
            _move_state(optimiser)
            if counters.scaler:
                fabric.strategy.precision.load_state_dict(counters.scaler)
            if start >= course.last and not counters.validate:
                return
            stream = self.work.batches(start, rank=fabric.global_rank, processes=fabric.world_size)
            stack.callback(stream.close)
            interrupt = stack.enter_context(Interruptible(before=self.asked_before))
            keeper = None
            if fabric.global_rank == 0:
                keeper = self._keeper(stack, fabric, model, optimiser, start, counters, course, interrupt)
            by_first(lambda: keeper.begin(start) if keeper is not None else None)
            self._stop_if_asked(_agreed(fabric, interrupt)[0], start)
            try:
                for result in optimise(
                    fabric, wrapped, optimiser, _until_asked(stream, interrupt) if fabric.world_size == 1 else stream,
                    course, seed=settings.seed, start=start, losses=losses,
                    look=self._looks(fabric, interrupt, course), after_step=self.work.follow(model),
                ):  # fmt: skip
                    done = result.step
                    self._noted(fabric, keeper, result)
                    if result.sound:
                        self._weighed(fabric, keeper, course, losses, done)
                        self._stop_if_asked(self._kept(fabric, keeper, interrupt, course, done), done)
            except Asked:
                if keeper is not None and done > keeper.saved:
                    self._weighed(fabric, keeper, course, losses, done)
                    keeper.save(done)
                self._stop_if_asked(interrupt.asked, done)
                raise

    def _looks(self, fabric: Fabric, interrupt: Interruptible, course: Course) -> Callable[[int], bool]:
        """Steps that are logged, validated or saved; a signal is heeded at once where no other process must agree."""
        settings, alone = self.settings, fabric.world_size == 1

        def look(step: int) -> bool:
            asked = alone and bool(interrupt.asked or interrupt.save)
            looked = settings.checkpoint.logged(step, of=course.last) or course.closes(step)
            return asked or looked or self._due(step, course)

        return look

    def _due(self, step: int, course: Course) -> bool:
        return step == course.last or self.settings.checkpoint.due(step, early=self.work.early)

    def _noted(self, fabric: Fabric, keeper: Keeper | None, result: StepResult) -> None:
        """Log the step, with the loss of the whole batch."""
        if fabric.world_size > 1 and result.seen is not None:
            loss = torch.tensor(result.seen.loss, device=fabric.device, dtype=torch.float64)
            mean = float(fabric.all_reduce(loss, reduce_op="mean"))
            result = replace(result, seen=replace(result.seen, loss=mean))
        if keeper is not None:
            keeper.note(result)

    def _weighed(
        self, fabric: Fabric, keeper: Keeper | None, course: Course, losses: list[torch.Tensor] | None, step: int
    ) -> None:
        """Let the course go on by the losses of the whole batches since the last time."""
        if not losses:
            return
        whole = torch.stack(losses).double()
        losses.clear()
        if fabric.world_size > 1:
            whole = fabric.all_reduce(whole, reduce_op="mean")
        if course.note(step, whole.tolist()) and keeper is not None:
            keeper.turned()

    def _kept(self, fabric: Fabric, keeper: Keeper | None, interrupt: Interruptible, course: Course, step: int) -> int:
        """Validate and save where it is time to; the signal that asked to end, 0 where none did."""
        due = self._due(step, course)
        asked, save = _agreed(fabric, interrupt)

        def keep() -> None:
            if keeper is not None and due:
                keeper.settle(step)
            elif keeper is not None:
                keeper.save(step)

        if due or asked or save:
            by_first(keep)
        # The others wait for a validation, in which a signal may come.
        return asked or (_agreed(fabric, interrupt)[0] if due else 0)

    def _keeper(
        self, stack: contextlib.ExitStack, fabric: Fabric, model: nn.Module, optimiser: Any, start: int,
        counters: Counters, course: Course, interrupt: Interruptible,
    ) -> Keeper:  # fmt: skip
        log = RunLog(self.folder, start, validate=counters.validate, shown=self.progress)
        stack.callback(log.close)
        line = stack.enter_context(TrainingProgress(course.last, start, enabled=self.progress))
        return Keeper(
            self.folder,
            self.settings.checkpoint,
            course,
            self.earlier,
            model,
            optimiser,
            fabric.strategy.precision,
            counters,
            lambda step: self.work.validate(model, fabric.device, step),
            log,
            line,
            interrupt,
        )

    def _stop_if_asked(self, asked: int, step: int) -> None:
        if asked:
            done = f"stopped after step {step}, which is saved" if step else "stopped before the first step"
            raise Stopped(done, cure=self.again, number=asked)

    def _restore(self, model: nn.Module, optimiser: Any) -> tuple[int, Counters]:
        checkpoint = by_first(self._latest)  # the others need not see the folder
        if checkpoint is None:
            return 0, Counters()
        restore_weights(model, checkpoint.model, self.folder.path)
        restore_optimiser(optimiser, checkpoint.optimiser)
        return checkpoint.step, Counters(**checkpoint.state)

    def _latest(self) -> Checkpoint | None:
        """The last whole checkpoint; what is not whole is set aside."""
        checkpoint, warnings = latest_checkpoint(self.folder.checkpoints)
        if checkpoint is None:
            if warnings:
                raise RunError(
                    f"no checkpoint of {self.folder.path} is whole: {'; '.join(warnings)}",
                    cure="put one back from a copy, or start a new run; nothing was deleted",
                )
            return None
        for warning in warnings:
            print(f"orienteer: {warning}; going back to step {checkpoint.step}", file=sys.stderr)
        sweep_checkpoints(self.folder.checkpoints)
        set_aside(self.folder.checkpoints, after=checkpoint.step)
        return checkpoint


def _agreed(fabric: Fabric, interrupt: Interruptible) -> tuple[int, bool]:
    """Signal that asked any process to end (0: none), and whether one is to save: the same answer in all of them."""
    save, interrupt.save = interrupt.save, False
    if fabric.world_size == 1:
        return interrupt.asked, save
    told = torch.tensor([float(interrupt.asked), float(save)], device=fabric.device)
    asked, saving = fabric.all_reduce(told, reduce_op="max").tolist()
    return int(asked), bool(saving)


def _until_asked(batches: Iterator[StepBatch], interrupt: Interruptible) -> Iterator[StepBatch]:
    """The batches; what is waited for may be long in coming, or never come.

    Raises:
        Asked: a signal asks to end, and no batch comes. No step has begun.
    """
    while True:
        try:
            # Not at once: a batch that is just being received would break in its loader's hands.
            with interrupt.breakable(patience=PATIENCE):
                batch = next(batches)
        except StopIteration:
            return
        yield batch


def _move_state(optimiser: Any) -> None:
    """Restored optimiser tensors follow the parameters to their device; AdamW's step count only if it is fused."""
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            slots = optimiser.state.get(parameter, {})
            for name, value in slots.items():
                if name != "step" or group.get("fused"):
                    slots[name] = value.to(parameter.device)
