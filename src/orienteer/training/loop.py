"""The optimisation loop, as a generator: it yields what was seen of each step; its caller logs and saves.

A GPU computes behind Python's back: whoever reads a number of it waits for all that is still to be done. So only the
steps that are looked at are read there. On a CPU reading costs nothing, and every step is checked.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Self

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from orienteer.errors import RunError
from orienteer.records import Observation
from orienteer.sampling import Purpose, torch_seed
from orienteer.training.course import Course
from orienteer.training.optimiser import set_rates


class StepBatch(Protocol):
    """What the loop needs of a batch."""

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The arguments of the model."""

    def to(self, device: torch.device) -> Self:
        """The same batch on another device."""


@dataclass(frozen=True)
class StepResult:
    """One optimiser step.

    Attributes:
        step: steps done, counting this one.
        seconds: wall time of the step, waiting included.
        waited: seconds of it spent waiting for data.
        sound: loss and gradient are known to be finite, up to this step.
        seen: what was to be seen of it; None for a step that was not looked at.
    """

    step: int
    seconds: float
    waited: float
    sound: bool
    seen: "StepSeen | None"


@dataclass(frozen=True)
class StepSeen:
    """What a step that was looked at showed.

    Attributes:
        loss: the weighted sum of losses, on this process's share of the batch.
        learning_rate: the rate it was made with.
        waited: share of the time since the last one that went into waiting for data.
        observations: of the tasks.
    """

    loss: float
    learning_rate: float
    waited: float
    observations: tuple[Observation, ...]


def optimise(
    fabric: Fabric,
    model: Any,
    optimiser: torch.optim.Optimizer,
    batches: Iterator[StepBatch],
    course: Course,
    *,
    seed: int,
    start: int,
    look: Callable[[int], bool],
    losses: list[Tensor] | None = None,
    after_step: Callable[[], None],
) -> Iterator[StepResult]:
    """Train from step ``start`` to the last, one batch a step.

    Args:
        fabric: launched, with ``model`` and ``optimiser`` set up.
        model: ``(*batch.inputs) ->`` an output with ``loss`` and ``observations``.
        optimiser: its rate is set here, from the step.
        batches: the remaining batches, in order.
        course: rate of every step, and the last; who reads the results may change it.
        seed: the run's seed; torch's generator is set from (seed, step), so resuming repeats dropout too.
        start: steps already done.
        look: whether a step (1 for the first) is to be observed.
        losses: takes the loss of every step, unread, on this process's share of the batch.
        after_step: called once the weights have moved (a momentum teacher follows here).

    Raises:
        RunError: the loss or its gradient is no longer finite.
    """
    free = reading_is_free(fabric.device)
    stepping = waiting = 0.0
    step = start
    while step < course.last:
        began = time.perf_counter()
        batch = next(batches).to(fabric.device)
        waited = time.perf_counter() - began
        rate = course.rate(step)
        set_rates(optimiser, step, rate)
        torch.manual_seed(torch_seed(seed, Purpose.STEP, step))
        model.train()
        output = model(*batch.inputs)
        optimiser.zero_grad(set_to_none=True)
        fabric.backward(output.loss)
        norm = fabric.clip_gradients(model, optimiser, max_norm=course.settings.clip, error_if_nonfinite=False)
        step += 1
        if losses is not None:
            losses.append(output.loss.detach())
        looked, loss = look(step), math.nan
        if looked or free:
            loss = float(output.loss.detach())
            _require_finite(fabric, loss, norm, model, step)
        observations = output.observations if looked else ()
        del output  # on a GPU its tensors would lie beside those of the next step
        optimiser.step()
        after_step()
        seconds = time.perf_counter() - began
        stepping, waiting = stepping + seconds, waiting + waited
        seen = StepSeen(loss, rate, waiting / stepping, observations) if looked else None
        if looked:
            stepping = waiting = 0.0
        yield StepResult(step, seconds, waited, sound=looked or free, seen=seen)


def reading_is_free(device: torch.device) -> bool:
    """Whether a number can be read without waiting for what is still to be computed."""
    return device.type == "cpu"


def _require_finite(fabric: Fabric, loss: float, norm: Tensor | None, model: nn.Module, step: int) -> None:
    """A step along a gradient that is not finite would ruin every weight, and the next loss would be blamed.

    Raises:
        RunError: loss or gradient is not, named; with float16 a scaler leaves such a step out by itself.
    """
    if not math.isfinite(loss):
        raise RunError(
            f"the loss is {loss} at step {step}",
            cure="start a new run with a lower optimiser.learning_rate; resumed, this one would get there again",
        )
    if norm is None or bool(torch.isfinite(norm)) or getattr(fabric.strategy.precision, "scaler", None) is not None:
        return
    ruined = [name for name, weight in model.named_parameters() if not _finite(weight.grad)]
    raise RunError(
        f"the gradient is not finite at step {step}, the loss is ({', '.join(ruined[:3]) or 'its norm overflows'})",
        cure="resume continues from the last checkpoint; where it comes back, choose devices.precision=32-true,"
        " or lower optimiser.learning_rate",
    )


def _finite(gradient: Tensor | None) -> bool:
    return gradient is None or bool(torch.isfinite(gradient).all())
