"""Taken weights that learn more slowly or later than fresh ones."""

import pytest
import torch
from torch import nn

from orienteer.training.course import learning_rate
from orienteer.training.optimiser import Gentle, build_optimiser, set_rates
from orienteer.training.settings import OptimiserSettings

SETTINGS = OptimiserSettings(steps=20, learning_rate=0.5, warmup=0.2, weight_decay=0.1)
TAKEN = frozenset({"0.weight", "0.bias"})


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))


def test_gentle__groups_hold_every_weight_once_with_its_rate_and_decay() -> None:
    model = network()
    groups = build_optimiser(model, SETTINGS, Gentle(TAKEN, 0.1, 5)).param_groups
    said = [([id(p) for p in g["params"]], g["weight_decay"], g.get("scale"), g.get("starts")) for g in groups]
    assert said == [
        ([id(model[1].weight)], 0.1, None, None),
        ([id(model[1].bias)], 0.0, None, None),
        ([id(model[0].weight)], 0.1, 0.1, 5),
        ([id(model[0].bias)], 0.0, 0.1, 5),
    ]


def test_gentle__nothing_taken_is_the_plain_optimiser() -> None:
    plain = build_optimiser(network(), SETTINGS).param_groups
    gentle = build_optimiser(network(), SETTINGS, Gentle(frozenset(), 0.1, 5)).param_groups
    assert [len(g["params"]) for g in gentle] == [len(g["params"]) for g in plain] == [2, 2]
    assert not any("scale" in group for group in gentle)


def test_gentle__all_taken_leaves_no_empty_group() -> None:
    model = network()
    everything = frozenset(name for name, _ in model.named_parameters())
    groups = build_optimiser(model, SETTINGS, Gentle(everything, 0.5, 0)).param_groups
    assert all(group["params"] and group["scale"] == 0.5 for group in groups)


def test_gentle__frozen_weights_are_in_no_group() -> None:
    model = network()
    model[0].requires_grad_(False)
    groups = build_optimiser(model, SETTINGS, Gentle(TAKEN, 0.1, 0)).param_groups
    assert {id(p) for group in groups for p in group["params"]} == {id(p) for p in model[1].parameters()}


@pytest.mark.parametrize("step", [0, 3, 4, 5, 19])
def test_set_rates__scale_and_start_by_hand(step: int) -> None:
    optimiser = build_optimiser(network(), SETTINGS, Gentle(TAKEN, 0.1, 5))
    rate = learning_rate(step, SETTINGS)
    set_rates(optimiser, step, rate)
    fresh, taken = rate, (0.1 * rate if step >= 5 else 0.0)
    assert [group["lr"] for group in optimiser.param_groups] == pytest.approx([fresh, fresh, taken, taken])


def moved(gentle: Gentle | None, step: int) -> list[torch.Tensor]:
    """How far each layer's weights go in one first update, with the rates of ``step``."""
    model = network()
    optimiser = build_optimiser(model, SETTINGS, gentle)
    before = [layer.weight.detach().clone() for layer in model]
    set_rates(optimiser, step, learning_rate(step, SETTINGS))
    model(torch.ones(5, 3)).square().mean().backward()
    optimiser.step()
    return [layer.weight.detach() - old for layer, old in zip(model, before, strict=True)]


def test_gentle__taken_weights_move_by_their_share() -> None:
    """AdamW's update and its decay are both proportional to the rate."""
    taken, fresh = moved(None, 6)
    gently, freshly = moved(Gentle(TAKEN, 0.1, 5), 6)
    assert taken.abs().max() > 0.1
    assert torch.allclose(gently, 0.1 * taken, atol=1e-6)
    assert torch.equal(freshly, fresh)


def test_gentle__taken_weights_stay_until_their_start() -> None:
    taken, fresh = moved(Gentle(TAKEN, 0.1, 5), 4)
    assert not taken.any()
    assert fresh.abs().max() > 0.1
