"""Muon: orthogonal steps for matrices, AdamW for the rest, and a state that resumes exactly."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from orienteer.training.checkpoint import optimiser_tensors, restore_optimiser
from orienteer.training.course import learning_rate
from orienteer.training.muon import AS_ADAMW, COEFFICIENTS, ITERATIONS, MOMENTUM, Muon, orthogonal
from orienteer.training.optimiser import Gentle, build_optimiser, set_rates
from orienteer.training.settings import OptimiserSettings
from orienteer.training.stored import as_stored

MUON = OptimiserSettings(name="muon", learning_rate=0.01, weight_decay=0.1, steps=20, warmup=0)


def by_definition(matrix: Tensor) -> Tensor:
    """The iteration as it is published, on the matrix itself."""
    x = matrix.double() / matrix.double().norm()
    x = x.T if len(x) > x.shape[1] else x
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if len(matrix) > matrix.shape[1] else x


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(1, 8, 3), nn.GroupNorm(2, 8), nn.Conv3d(8, 16, 3), nn.Flatten(), nn.Linear(16, 3))


def train(model: nn.Module, optimiser: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        torch.manual_seed(step)
        set_rates(optimiser, step, learning_rate(step, MUON))
        optimiser.zero_grad()
        (model(torch.randn(4, 1, 5, 5, 5)) - 1).square().mean().backward()
        optimiser.step()


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 60),
    scale=st.sampled_from((1e-6, 1.0, 1e4)),
    seed=st.integers(0, 99),
)
def test_orthogonal__is_the_published_iteration_at_any_shape_and_scale(
    rows: int, columns: int, scale: float, seed: int
) -> None:
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)) * scale
    found = orthogonal(matrix)
    assert found.shape == matrix.shape and found.dtype == matrix.dtype
    torch.testing.assert_close(found.double(), by_definition(matrix), rtol=0, atol=2e-3)


def test_orthogonal__singular_values_come_near_one_and_directions_stay() -> None:
    matrix = torch.randn(16, 200, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    turned = left.T @ orthogonal(matrix) @ right.T  # in the matrix's own directions it only stretches
    assert (turned - torch.diag(turned.diag())).abs().max() < 1e-3
    assert turned.diag().min() > 0.6 and turned.diag().max() < 1.25


def test_orthogonal__of_nothing_is_nothing() -> None:
    assert not orthogonal(torch.zeros(8, 12)).any()


def test_muon__first_step_by_hand() -> None:
    layer = nn.Conv3d(2, 8, 3, bias=False)
    before, gradient = layer.weight.detach().clone(), torch.randn_like(layer.weight)
    layer.weight.grad = gradient
    optimiser = build_optimiser(layer, MUON)
    optimiser.step()
    expected = before * (1 - 0.01 * 0.1)
    expected -= 0.01 * AS_ADAMW * 54**0.5 * orthogonal((gradient * (1 + MOMENTUM)).flatten(1)).view_as(before)
    torch.testing.assert_close(layer.weight.detach(), expected)
    rms = (layer.weight.detach() - before * (1 - 0.001)).square().mean().sqrt()
    assert rms == pytest.approx(0.01 * AS_ADAMW, rel=0.15), "as large a step as AdamW's"


def test_muon__vectors_and_narrow_heads_are_stepped_by_adamw() -> None:
    model, twin = network(), network()
    twin.load_state_dict(model.state_dict())
    muon, adamw = build_optimiser(model, MUON), build_optimiser(twin, MUON.model_copy(update={"name": "adamw"}))
    assert isinstance(muon, Muon) and isinstance(adamw, torch.optim.AdamW)
    for parameter, other in zip(model.parameters(), twin.parameters(), strict=True):
        other.grad = parameter.grad = torch.randn_like(parameter)
    muon.step(), adamw.step()
    same = [torch.allclose(p, o, atol=1e-7) for p, o in zip(model.parameters(), twin.parameters(), strict=True)]
    names = [name for name, _ in model.named_parameters()]
    assert [name for name, equal in zip(names, same, strict=True) if not equal] == ["0.weight", "2.weight"]


def test_muon__resumes_bit_for_bit() -> None:
    model = network()
    optimiser = build_optimiser(model, MUON)
    train(model, optimiser, range(3))
    kept, tensors = copy.deepcopy(model), copy.deepcopy(optimiser_tensors(optimiser))
    train(model, optimiser, range(3, 6))
    again = build_optimiser(kept, MUON)
    restore_optimiser(again, tensors)
    train(kept, again, range(3, 6))
    assert all(torch.equal(p, o) for p, o in zip(model.parameters(), kept.parameters(), strict=True))


def test_muon__gentle_weights_learn_at_their_own_rate() -> None:
    model = network()
    gentle = Gentle(frozenset({"0.weight", "0.bias"}), 0.1, 2)
    optimiser = build_optimiser(model, MUON, gentle)
    assert sum(len(group["params"]) for group in optimiser.param_groups) == len(list(model.parameters()))
    before = [parameter.detach().clone() for parameter in model.parameters()]
    train(model, optimiser, range(1))
    still = [torch.equal(p, o) for p, o in zip(model.parameters(), before, strict=True)]
    assert still == [True, True, *[False] * 6]


def test_muon__frozen_weights_and_weights_without_gradient_stay() -> None:
    model = network()
    model[2].weight.requires_grad_(False)
    optimiser = build_optimiser(model, MUON)
    model[0].weight.grad = torch.ones_like(model[0].weight)
    before = copy.deepcopy(model.state_dict())
    optimiser.step()
    changed = [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])]
    assert changed == ["0.weight"]


def test_as_stored__what_was_no_setting_yet_is_what_it_was() -> None:
    old = as_stored({"network": {"name": "unet"}, "optimiser": {"steps": 5}})
    assert old["network"]["decoder"] == "residual" and old["optimiser"] == {"name": "adamw", "steps": 5}
    new = {"network": {"decoder": "pyramid"}, "optimiser": {"name": "muon"}, "seed": 3}
    assert as_stored(new) == new
    assert as_stored({"seed": 3}) == {"seed": 3}
