"""Routes and tours as the task observes them, and what missing costs."""

import numpy as np
import pytest
import torch

from orienteer.pretext.contract import EncodedViews, Interface
from orienteer.pretext.route import RouteSettings, RouteTask
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
