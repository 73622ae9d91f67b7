"""Every loss against its formula, its gradients, what must not change it, and the examples in its docstrings."""

import doctest
import importlib
import pkgutil
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from orienteer import losses
from tests.losses import references
from tests.losses.cases import FORMS, drawn, tensors

EVERY = [(name, form) for name, forms in FORMS.items() for form in forms]
SEEDS = st.integers(0, 2**32 - 1)
each_loss = pytest.mark.parametrize(("name", "form"), EVERY, ids=lambda value: str(value))


def loss_of(name: str, arguments: dict[str, Any]) -> Tensor:
    found: Tensor = getattr(losses, name)(**arguments)
    return found


def same(one: Tensor, other: Tensor, *, relative: float = 2e-4) -> None:
    torch.testing.assert_close(one, other, rtol=relative, atol=2e-5)


def test_losses__every_public_one_is_tried_here() -> None:
    assert sorted(FORMS) == sorted(losses.__all__)
    assert all(hasattr(references, name) for name in losses.__all__)


@each_loss
@settings(max_examples=10)
@given(seed=SEEDS, samples=st.integers(1, 3), views=st.integers(2, 4))
def test_losses__are_their_formulas(name: str, form: dict[str, Any], seed: int, samples: int, views: int) -> None:
    """In float64 too, where what is left are the two roundings to float32 on purpose."""
    if name == "nt_xent" and samples == 1:
        samples = 2  # a scan alone has no rivals
    arguments = drawn(name, seed, form, samples=samples, views=views)
    loss = loss_of(name, tensors(arguments, torch.float64))
    assert loss.shape == ()
    assert float(loss) == pytest.approx(getattr(references, name)(**arguments), rel=1e-5, abs=1e-6)


@each_loss
def test_losses__give_every_prediction_a_finite_gradient(name: str, form: dict[str, Any]) -> None:
    """The first argument of each is what a network predicts; what does not count gets none."""
    arguments = tensors(drawn(name, 0, form))
    predicted = next(value for value in arguments.values() if isinstance(value, Tensor)).requires_grad_()
    loss_of(name, arguments).backward()
    assert predicted.grad is not None and torch.isfinite(predicted.grad).all() and predicted.grad.any()


DEGENERATE = [
    ("gap", {"steps": torch.zeros(1, 3, 3, 3), "centres_mm": torch.zeros(1, 3, 3)}),
    ("gap", {"steps": torch.full((1, 3, 3, 3), 1e4), "centres_mm": torch.zeros(1, 3, 3)}),
    ("route", {"steps": torch.zeros(1, 2, 2, 3), "centres_mm": torch.zeros(1, 2, 3)}),
    ("laplace", {"predicted": torch.zeros(3), "true": torch.zeros(3), "log_scale": torch.full((3,), -5.0)}),
    ("adjacency", {"adjacent": torch.full((4,), -1.0), "distant": torch.ones(4), "temperature": 1e-3}),
    ("adjacency", {"adjacent": torch.zeros(4), "distant": torch.zeros(4), "differs": torch.zeros(4, dtype=torch.bool)}),
    ("overlap", {"cosine": torch.full((1, 1, 8), -1.0), "true": torch.ones(1, 1, 8)}),
    ("position", {"predicted": torch.ones(2, 5, 3), "positions_mm": torch.ones(2, 5, 3), "weight": torch.zeros(2, 5)}),
]


@pytest.mark.parametrize(("name", "arguments"), DEGENERATE, ids=lambda value: value if isinstance(value, str) else "")
def test_losses__stay_finite_where_nothing_is_left_to_compare(name: str, arguments: dict[str, Any]) -> None:
    """Views in one place, an answer far off, nothing that counts: a finite loss with a finite gradient."""
    fresh = {key: value.clone() if isinstance(value, Tensor) else value for key, value in arguments.items()}
    predicted = next(value for value in fresh.values() if isinstance(value, Tensor)).requires_grad_()
    loss = loss_of(name, fresh)
    loss.backward()
    assert torch.isfinite(loss) and predicted.grad is not None and torch.isfinite(predicted.grad).all()


@pytest.mark.parametrize("name", ["gap", "route"])
@given(seed=SEEDS, shift=st.tuples(*[st.floats(-500, 500, width=32)] * 3))
def test_losses_of_steps__do_not_know_where_the_scan_lies(name: str, seed: int, shift: tuple[float, ...]) -> None:
    arguments = tensors(drawn(name, seed, {}), torch.float64)
    moved = {**arguments, "centres_mm": arguments["centres_mm"] + torch.tensor(shift, dtype=torch.float64)}
    same(loss_of(name, moved), loss_of(name, arguments))


@given(seed=SEEDS, shift=st.tuples(*[st.floats(-500, 500, width=32)] * 3))
def test_position__shifts_of_truth_and_of_answer_are_free(seed: int, shift: tuple[float, ...]) -> None:
    arguments = tensors(drawn("position", seed, {}), torch.float64)
    way = torch.tensor(shift, dtype=torch.float64)
    here = loss_of("position", arguments)
    same(loss_of("position", {**arguments, "positions_mm": arguments["positions_mm"] + way}), here)
    same(loss_of("position", {**arguments, "predicted": arguments["predicted"] + way / 50}), here)


@pytest.mark.parametrize("name", ["gap", "route"])
@given(seed=SEEDS, views=st.integers(2, 4), data=st.data())
def test_losses_of_steps__numbers_of_views_mean_nothing(name: str, seed: int, views: int, data: st.DataObject) -> None:
    arguments = tensors(drawn(name, seed, {}, views=views), torch.float64)
    order = data.draw(st.permutations(range(views)))
    turned = {
        **arguments,
        "steps": arguments["steps"][:, order][:, :, order],
        "centres_mm": arguments["centres_mm"][:, order],
    }
    same(loss_of(name, turned), loss_of(name, arguments))


@given(seed=SEEDS, data=st.data())
def test_nt_xent__order_of_scans_and_of_their_views_means_nothing(seed: int, data: st.DataObject) -> None:
    arguments = tensors(drawn("nt_xent", seed, {"temperature": 0.5}))
    scans = data.draw(st.permutations(range(3)))
    order = [scan * 3 + view for scan in scans for view in data.draw(st.permutations(range(3)))]
    turned = {key: value[order][:, order] if isinstance(value, Tensor) else value for key, value in arguments.items()}
    same(loss_of("nt_xent", turned), loss_of("nt_xent", arguments))


@pytest.mark.parametrize("name", ["position", "adjacency", "overlap", "laplace"])
@given(seed=SEEDS, data=st.data())
def test_losses__order_of_what_is_compared_means_nothing(name: str, seed: int, data: st.DataObject) -> None:
    """Cells of a cloud, pairs of views, crops, numbers: along their second axis."""
    arguments = tensors(drawn(name, seed, {}))
    first = next(iter(arguments.values()))
    order = data.draw(st.permutations(range(first.shape[1])))
    same(loss_of(name, {key: value[:, order] for key, value in arguments.items()}), loss_of(name, arguments))


@pytest.mark.parametrize("name", ["gap", "route", "position"])
@given(seed=SEEDS, factor=st.floats(0.1, 10))
def test_metric_losses__mm_and_length_scale_go_together(name: str, seed: int, factor: float) -> None:
    """The same scan in another unit: mm times a factor, and the length scale with them."""
    arguments = tensors(drawn(name, seed, {"length_mm": 40.0}), torch.float64)
    key = "positions_mm" if name == "position" else "centres_mm"
    scaled = {**arguments, key: arguments[key] * factor, "length_mm": 40.0 * factor}
    same(loss_of(name, scaled), loss_of(name, arguments))


@pytest.mark.parametrize(("name", "keys"), [("adjacency", ("adjacent", "distant")), ("nt_xent", ("cosine",))])
@given(seed=SEEDS, factor=st.floats(0.2, 5), shift=st.floats(-1, 1))
def test_ranking_losses__only_differences_in_units_of_the_temperature_count(
    name: str, keys: tuple[str, ...], seed: int, factor: float, shift: float
) -> None:
    arguments = tensors(drawn(name, seed, {"temperature": 0.5}), torch.float64)
    changed = {key: arguments[key] * factor + shift for key in keys}
    same(loss_of(name, {**arguments, **changed, "temperature": 0.5 * factor}), loss_of(name, arguments))


@given(seed=SEEDS)
def test_losses__a_perfect_answer_costs_nothing(seed: int) -> None:
    arguments = tensors(drawn("gap", seed, {}))
    true = (arguments["centres_mm"][:, None] - arguments["centres_mm"][:, :, None]) / 50
    assert loss_of("gap", {**arguments, "steps": true}) < 1e-6
    assert loss_of("route", {**arguments, "steps": true}) < 1e-6
    cloud = tensors(drawn("position", seed, {}))
    assert loss_of("position", {**cloud, "predicted": cloud["positions_mm"] / 50}) < 1e-6
    shares = tensors(drawn("overlap", seed, {}))
    assert loss_of("overlap", {**shares, "cosine": shares["true"]}) < 1e-6
    views = tensors(drawn("masked", seed, {}))
    answer = torch.where(views["hidden"], views["true"], torch.full((), torch.nan))
    assert loss_of("masked", {**views, "predicted": answer}) == 0


@given(seed=SEEDS)
def test_masked__intensities_may_be_shifted_together(seed: int) -> None:
    arguments = tensors(drawn("masked", seed, {}), torch.float64)
    moved = {key: arguments[key] + 3.0 for key in ("predicted", "true")}
    same(loss_of("masked", {**arguments, **moved}), loss_of("masked", arguments))


@pytest.mark.parametrize("form", [{}, {"max_routes": 3}])
def test_route__a_step_further_off_never_costs_less(form: dict[str, Any]) -> None:
    """All steps right but for one axis that is off by e: the loss grows with e."""
    centres = torch.tensor([[[0.0, 0, 0], [30, 0, 0], [0, 40, 0], [9, 9, 9]]])
    true = (centres[:, None] - centres[:, :, None]) / 50
    costs = [float(losses.route(true + torch.tensor([e, 0, 0]), centres, **form)) for e in (0.0, 0.01, 0.1, 1.0, 10.0)]
    assert costs == sorted(costs) and np.unique(np.round(costs, 9)).size == 5


MODULES = [losses.__name__, *(f"{losses.__name__}.{module.name}" for module in pkgutil.iter_modules(losses.__path__))]


@pytest.mark.parametrize("name", MODULES)
def test_losses__the_examples_in_docstrings_are_true(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name), extraglobs={"torch": torch})
    assert found.failed == 0
    assert found.attempted or name == losses.__name__, "a module of losses shows how it is used"


@pytest.mark.parametrize("name", losses.__all__)
def test_losses__each_has_an_example(name: str) -> None:
    loss = getattr(losses, name)
    assert doctest.DocTestFinder().find(loss)[0].examples, f"losses.{name} has no example"
