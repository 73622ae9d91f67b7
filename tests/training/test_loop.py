"""The loop on a model small enough to follow by hand."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from orienteer.errors import RunError
from orienteer.memory import explained
from orienteer.pretext.model import ModelOutput, Seen
from orienteer.records import Measure, Observation
from orienteer.runs.pretrain import MEMORY
from orienteer.sampling.loader import Batch
from orienteer.training.course import Course, learning_rate
from orienteer.training.loop import StepResult, optimise
from orienteer.training.settings import OptimiserSettings, PlateauSettings

SETTINGS = OptimiserSettings(steps=6, learning_rate=0.1, warmup=0.5, weight_decay=0.0)


class Slope(nn.Module):
    """loss = weight * mean(images) * scale, with dropout noise where asked."""

    def __init__(self, noise: float = 0.0, fails: type[Exception] | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0]))
        self.noise, self.fails, self.modes = noise, fails, []

    def forward(self, images: Tensor, centres: Tensor, view_mm: float, address: Tensor, plain: Tensor) -> ModelOutput:
        if self.fails is not None:
            raise self.fails("no memory")
        self.modes.append(self.training)
        loss = (self.weight * images.mean()).sum() * (1 + self.noise * torch.rand(()))
        return ModelOutput(loss, Seen(lambda: Observation("slope", {"view_mm": Measure(view_mm, "mm")})))


def stream(values: list[float]) -> Iterator[Batch]:
    for number, value in enumerate(values):
        yield Batch(
            torch.full((1, 2, 1, 2, 2, 2), value),
            torch.zeros(1, 2, 3),
            72.0,
            3.0,
            torch.tensor([[0, number]]),
            torch.ones(1, 2, 2, 2, 2, dtype=torch.bool),
        )


ALWAYS = {"look": lambda _: True, "after_step": lambda: None}


def run(model: nn.Module, values: list[float], *, start: int = 0, **changes: Any) -> list[StepResult]:
    settings = SETTINGS.model_copy(update=changes)
    fabric = Fabric(accelerator="cpu", devices=1)
    wrapped, optimiser = fabric.setup(model, torch.optim.SGD(model.parameters(), lr=9.0))
    steps = optimise(
        fabric, wrapped, optimiser, stream(values), Course(settings), seed=0, start=start, **ALWAYS
    )  # fmt: skip
    return list(steps)


def test_optimise__takes_one_batch_a_step_at_the_schedules_rate() -> None:
    model = Slope()
    seen = run(model, [0.5, -0.25, 0.5, 0.5, 0.5, 0.5])
    assert [one.step for one in seen] == [1, 2, 3, 4, 5, 6]
    rates = [learning_rate(step, SETTINGS) for step in range(6)]
    assert [one.seen.learning_rate for one in seen] == pytest.approx(rates)
    weight, losses = 1.0, []
    for value, rate in zip([0.5, -0.25, 0.5, 0.5, 0.5, 0.5], rates, strict=True):
        losses.append(weight * value)
        weight -= rate * value  # the gradient of one step only: nothing is left over from the one before
    assert [one.seen.loss for one in seen] == pytest.approx(losses)
    assert model.weight.item() == pytest.approx(weight)
    assert seen[0].seen.observations[0].measures["view_mm"].value == 72.0
    assert all(0 <= one.waited <= one.seconds for one in seen)


def test_optimise__clips_the_gradients_norm() -> None:
    model = Slope()
    run(model, [1000.0], steps=1, clip=0.5)
    assert model.weight.item() == pytest.approx(1 - 0.1 * 0.5, rel=1e-4)


def test_optimise__starts_where_it_is_told() -> None:
    seen = run(Slope(), [0.5, 0.5], start=4)
    assert [one.step for one in seen] == [5, 6]
    assert seen[0].seen.learning_rate == pytest.approx(learning_rate(4, SETTINGS))


def test_optimise__random_numbers_of_a_step_do_not_depend_on_the_steps_before() -> None:
    """Dropout after a resume is that of the uninterrupted run; another step and another seed differ."""
    torch.manual_seed(1)
    whole = run(Slope(noise=1.0), [1e-6] * 6)
    torch.manual_seed(2)
    resumed = run(Slope(noise=1.0), [1e-6] * 3, start=3)
    assert [one.seen.loss for one in whole[3:]] == pytest.approx([one.seen.loss for one in resumed], rel=1e-5)
    assert len({round(one.seen.loss * 1e6, 4) for one in whole}) == 6


def test_optimise__puts_the_model_into_training_mode_each_step() -> None:
    """A validation between two steps leaves the model in evaluation mode."""
    model = Slope()
    fabric = Fabric(accelerator="cpu", devices=1)
    wrapped, optimiser = fabric.setup(model, torch.optim.SGD(model.parameters(), lr=0.1))
    steps = optimise(
        fabric, wrapped, optimiser, stream([1.0] * 6), Course(SETTINGS), seed=0, start=0, **ALWAYS
    )  # fmt: skip
    for _ in steps:
        wrapped.eval()
    assert model.modes == [True] * 6


def test_optimise__calls_after_step_once_the_weights_have_moved() -> None:
    model, seen = Slope(), []
    fabric = Fabric(accelerator="cpu", devices=1)
    wrapped, optimiser = fabric.setup(model, torch.optim.SGD(model.parameters(), lr=0.1))
    list(
        optimise(
            fabric, wrapped, optimiser, stream([1.0] * 6), Course(SETTINGS),
            seed=0, start=0, look=lambda _: False, after_step=lambda: seen.append(model.weight.item()),
        )
    )  # fmt: skip
    assert len(seen) == 6 and seen == sorted(seen, reverse=True) and seen[0] < 1.0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_optimise__a_loss_that_is_not_finite_ends_the_run_before_it_spoils_the_weights(value: float) -> None:
    model = Slope()
    with pytest.raises(RunError, match="at step 3") as caught:
        run(model, [0.5, 0.5, value, 0.5, 0.5, 0.5])
    assert "learning_rate" in caught.value.cure
    assert torch.isfinite(model.weight).all()


class Overflows(torch.autograd.Function):
    """Lets a number pass, and gives back a gradient that is not one."""

    @staticmethod
    def forward(ctx, value: torch.Tensor) -> torch.Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx, gradient: torch.Tensor) -> torch.Tensor:
        return gradient * float("nan")


class Breaks(Slope):
    """Its loss stays finite; from the third step on its gradient does not."""

    def forward(self, *inputs: Any) -> ModelOutput:
        output = super().forward(*inputs)
        return ModelOutput(Overflows.apply(output.loss), output.seen) if len(self.modes) > 2 else output


def test_optimise__a_gradient_that_is_not_finite_ends_the_run_before_it_spoils_the_weights() -> None:
    model = Breaks()
    with pytest.raises(RunError, match=r"gradient is not finite at step 3.*weight") as caught:
        run(model, [0.5] * 6)
    assert "32-true" in caught.value.cure
    assert torch.isfinite(model.weight).all()


def test_optimise__no_memory_names_the_settings_to_lower() -> None:
    with pytest.raises(RunError, match="memory ran out") as caught, explained(MEMORY):
        run(Slope(fails=torch.OutOfMemoryError), [0.5])
    assert all(setting in caught.value.cure for setting in ("optimiser.batch", "views.size", "network.size"))


class Watched(Slope):
    """Counts how often what it saw is asked for."""

    asked = 0

    def forward(self, *inputs: Any) -> ModelOutput:
        output = super().forward(*inputs)

        def observe() -> Observation:
            self.asked += 1
            return output.observations[0]

        return ModelOutput(output.loss, Seen(observe))


def test_optimise__observes_only_the_steps_that_are_looked_at() -> None:
    model, looked = Watched(), []
    fabric = Fabric(accelerator="cpu", devices=1)
    wrapped, optimiser = fabric.setup(model, torch.optim.SGD(model.parameters(), lr=0.1))

    def look(step: int) -> bool:
        looked.append(step)
        return step % 3 == 0

    results = list(
        optimise(
            fabric, wrapped, optimiser, stream([1.0] * 6), Course(SETTINGS),
            seed=0, start=0, look=look, after_step=lambda: None,
        )
    )  # fmt: skip
    assert looked == [1, 2, 3, 4, 5, 6] and model.asked == 2
    assert [one.seen is not None for one in results] == [False, False, True] * 2
    assert all(one.sound for one in results), "on a CPU every step is checked"
    share = sum(one.waited for one in results[3:]) / sum(one.seconds for one in results[3:])
    assert results[5].seen.waited == pytest.approx(share), "of all steps since the one before"


def test_optimise__hands_every_loss_on_and_ends_where_the_course_does() -> None:
    settings = SETTINGS.model_copy(update={"steps": 12, "warmup": 0.1})
    model, course = Slope(), Course(settings, PlateauSettings(window=2, fall=0.5, patience=1, decay=0.25))
    fabric = Fabric(accelerator="cpu", devices=1)
    wrapped, optimiser = fabric.setup(model, torch.optim.SGD(model.parameters(), lr=0.1))
    ended, losses = [], []
    for one in optimise(
        fabric, wrapped, optimiser, stream([1e-6] * 12), course, seed=0, start=0, losses=losses, **ALWAYS
    ):
        assert [float(loss) for loss in losses] == [one.seen.loss]
        course.note(one.step, [float(losses.pop())])
        ended.append(one.step)
    assert course.turned == 6 and ended == [*range(1, 9)]
