"""The schedule by hand, and which weights decay."""

import math

import pytest
import torch
from torch import nn

from orienteer.training.course import learning_rate
from orienteer.training.optimiser import build_optimiser
from orienteer.training.settings import OptimiserSettings


def test_learning_rate__by_hand() -> None:
    """100 steps, 10 of warm-up, peak 1: a line up to step 9, then a cosine towards 0.1."""
    settings = OptimiserSettings(steps=100, learning_rate=1.0, warmup=0.1, final=0.1)
    assert [learning_rate(step, settings) for step in (0, 4, 9)] == pytest.approx([0.1, 0.5, 1.0])
    assert learning_rate(10, settings) == pytest.approx(1.0)
    assert learning_rate(55, settings) == pytest.approx(0.55)  # halfway down
    assert learning_rate(40, settings) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 3)) / 2)
    assert learning_rate(99, settings) == pytest.approx(0.1, abs=1e-3)
    assert learning_rate(145, settings) == pytest.approx(0.1)  # past the end it stays, where a cosine would rise again


def test_learning_rate__rises_once_and_falls_once() -> None:
    settings = OptimiserSettings(steps=50, warmup=0.2)
    rates = [learning_rate(step, settings) for step in range(50)]
    peak = rates.index(max(rates))
    assert peak in (9, 10)
    assert rates[: peak + 1] == sorted(rates[: peak + 1]) and rates[peak:] == sorted(rates[peak:], reverse=True)
    assert min(rates) > 0


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.05), (2, 0.0), (3, 0.99)])
def test_learning_rate__of_the_shortest_runs(steps: int, warmup: float) -> None:
    settings = OptimiserSettings(steps=steps, warmup=warmup, learning_rate=1.0)
    rates = [learning_rate(step, settings) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates) and max(rates) == 1.0


def test_build_optimiser__decays_matrices_only_and_every_weight_once() -> None:
    model = nn.Sequential(nn.Conv3d(1, 4, 3), nn.GroupNorm(2, 4), nn.Linear(4, 2))
    model[2].weight.requires_grad_(False)
    groups = build_optimiser(model, OptimiserSettings(weight_decay=0.3)).param_groups
    assert [group["weight_decay"] for group in groups] == [0.3, 0.0]
    assert [id(p) for p in groups[0]["params"]] == [id(model[0].weight)]
    assert {id(p) for p in groups[1]["params"]} == {
        id(p) for p in (model[0].bias, model[1].weight, model[1].bias, model[2].bias)
    }


def test_build_optimiser__is_adamw_by_hand_for_one_step() -> None:
    """First step of AdamW: the weight shrinks by lr * decay, then moves by lr against the gradient's sign."""
    layer = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        layer.weight.fill_(2.0)
    optimiser = build_optimiser(layer, OptimiserSettings(weight_decay=0.5, learning_rate=0.1))
    layer.weight.grad = torch.tensor([[3.0]])
    optimiser.step()
    assert layer.weight.item() == pytest.approx(2.0 * (1 - 0.1 * 0.5) - 0.1, rel=1e-5)
