"""Routes and tours: which there are, where they end, and what missing costs."""

import itertools
import math

import numpy as np
import pytest
import torch
from orienteer.pretext.route.settings import RouteSettings
from orienteer.pretext.route.target import displacement, follow, routes, tours
from orienteer.pretext.route.task import RouteTask

from orienteer.pretext.contract import EncodedViews, Interface
from orienteer.testing.toy_views import bare_views

INTERFACE = Interface(embedding=8, dense_channels=4, views=3, view_mm=72.0)
CENTRES = torch.tensor([[[0.0, 0.0, 0.0], [30.0, -40.0, 0.0], [-10.0, 20.0, 50.0]]])


def constant_task(answer: tuple[float, float, float], **settings: float) -> RouteTask:
    """A task whose every step is the same, in length scales."""
    task = RouteTask(RouteSettings(**settings), INTERFACE)
    with torch.no_grad():
        for parameter in task.parameters():
            parameter.zero_()
        task.head.mlp[-1].bias.copy_(torch.tensor(answer))
    return task


def views(centres: torch.Tensor = CENTRES) -> EncodedViews:
    return bare_views(torch.zeros(*centres.shape[:2], 8), centres)


def test_routes__of_three_views() -> None:
    assert set(routes(3, 120)) == {(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)}
    assert tours(3, 120) == ((0, 1, 2, 0), (0, 2, 1, 0))


@pytest.mark.parametrize("views", [2, 3, 4, 5])
def test_routes__all_orderings_and_all_tours(views: int) -> None:
    assert len(set(routes(views, 1000))) == len(routes(views, 1000)) == math.factorial(views)
    assert len(set(tours(views, 1000))) == len(tours(views, 1000)) == math.factorial(views - 1)
    assert all(sorted(path) == list(range(views)) for path in routes(views, 1000))
    assert all(path[0] == path[-1] == 0 and sorted(path[:-1]) == list(range(views)) for path in tours(views, 1000))


def test_routes__too_many_are_thinned_evenly() -> None:
    every, some = list(itertools.permutations(range(5))), routes(5, 30)
    assert some == tuple(every[::4])
    assert {path[0] for path in some} == set(range(5))
    assert len(tours(8, 120)) == 120 == len(set(tours(8, 120)))


@pytest.mark.parametrize("most", [1, 5, 7, 119, 120, 500])
def test_routes__are_those_of_the_full_list(most: int) -> None:
    every = list(itertools.permutations(range(5)))
    kept = every if len(every) <= most else [every[n * len(every) // most] for n in range(most)]
    assert list(routes(5, most)) == kept


def test_routes__of_many_views_are_not_listed_first() -> None:
    found = routes(16, 24)
    assert len(set(found)) == 24 and all(sorted(route) == list(range(16)) for route in found)
    assert all(tour[0] == tour[-1] == 0 for tour in tours(16, 24))


def test_follow__sums_the_steps_of_a_path() -> None:
    steps = torch.zeros(1, 3, 3, 3)
    steps[0, 0, 1], steps[0, 1, 2] = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([10.0, 20.0, 30.0])
    steps[0, 2, 0], steps[0, 2, 1] = torch.tensor([100.0, 0.0, 0.0]), torch.tensor([1000.0, 0.0, 0.0])
    assert follow(steps, ((0, 1, 2), (1, 2, 0), (2, 1, 2)))[0].tolist() == [[11, 22, 33], [110, 20, 30], [1010, 20, 30]]
    assert follow(steps, ((0, 1, 2, 0),))[0, 0].tolist() == [111, 22, 33]


def test_displacement__by_hand() -> None:
    assert displacement(CENTRES, ((0, 1, 2), (2, 0, 1), (0, 1, 2, 0)))[0].tolist() == [
        [-10, 20, 50],
        [40, -60, -50],
        [0, 0, 0],
    ]


def test_follow__true_steps_arrive_and_close() -> None:
    true_steps = CENTRES[:, None] - CENTRES[:, :, None]
    for paths in (routes(3, 120), tours(3, 120)):
        torch.testing.assert_close(follow(true_steps, paths), displacement(CENTRES, paths))


def test_route__rows_are_steps_routes_and_tours_in_mm() -> None:
    rows = constant_task((0.2, 0.0, -0.4))(views(CENTRES.repeat(2, 1, 1))).observation.rows
    first = rows["sample"] == 0
    assert rows["kind"][first].tolist() == ["step"] * 6 + ["route"] * 6 + ["tour"] * 2
    assert rows["path"][first].tolist()[6:] == [
        "0-1-2", "0-2-1", "1-0-2", "1-2-0", "2-0-1", "2-1-0", "0-1-2-0", "0-2-1-0"
    ]  # fmt: skip
    predicted = {kind: rows["pred_s"][rows["kind"] == kind] for kind in ("step", "route", "tour")}
    for kind, hops in (("step", 1), ("route", 2), ("tour", 3)):
        np.testing.assert_allclose(predicted[kind], -0.4 * 50 * hops, rtol=1e-5)
    place = rows["path"].tolist().index("1-2-0")
    assert [rows[f"true_{axis}"][place] for axis in "ras"] == pytest.approx([-30, 40, 0], abs=1e-4)
    assert all(not rows[f"true_{axis}"][rows["kind"] == "tour"].any() for axis in "ras")


def test_route__loss_by_hand() -> None:
    """All centres in one place, every step 1 length scale along R: a step misses by 1, a route by 2, a tour by 3."""
    losses = {}
    for arrival, closure in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.5, 0.25)):
        task = constant_task((1.0, 0.0, 0.0), arrival_weight=arrival, closure_weight=closure)
        losses[arrival, closure] = task(views(torch.zeros(1, 3, 3))).loss.item()
    step, route, tour = ((miss - 0.05) / 3 for miss in (1, 2, 3))
    assert losses[0.0, 0.0] == pytest.approx(step)
    assert losses[1.0, 0.0] == pytest.approx(step + route)
    assert losses[0.0, 1.0] == pytest.approx(step + tour)
    assert losses[0.5, 0.25] == pytest.approx(step + 0.5 * route + 0.25 * tour)


def test_route__length_scale_cancels_in_mm() -> None:
    """The true rows are mm whatever the length scale is, and the loss is not."""
    one, two = constant_task((0, 0, 0), length_mm=50.0)(views()), constant_task((0, 0, 0), length_mm=25.0)(views())
    np.testing.assert_allclose(one.observation.rows["true_r"], two.observation.rows["true_r"], atol=1e-4)
    assert two.loss > 1.8 * one.loss


def test_route__max_routes_limits_what_is_followed() -> None:
    task = constant_task((0, 0, 0), max_routes=3)
    rows = task(views((torch.rand(1, 4, 3) - 0.5) * 100)).observation.rows
    assert (rows["kind"] == "route").sum() == 3 and (rows["kind"] == "tour").sum() == 3
    assert (rows["kind"] == "step").sum() == 12
