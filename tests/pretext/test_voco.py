"""VoCo: figures by hand, its normalisation, and where gradient flows."""

import copy
import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

from orienteer.errors import ConfigError
from orienteer.pretext.contract import EncodedViews, Interface
from orienteer.pretext.voco import AmongViews, VocoSettings, VocoTask
from orienteer.sampling.placement import BASE
from orienteer.testing.toy_views import bare_views, toy_views

BASES = torch.tensor(BASE, dtype=torch.float32)[None] * 40 + 7


def test_measures__by_hand() -> None:
    """Two crops, two base crops: the first is put right, the second wrong."""
    rows = {
        "sample": np.array([0, 0, 0, 0]),
        "view_i": np.array([0, 0, 1, 1]),
        "view_j": np.array([2, 3, 2, 3]),
        "true_overlap": np.array([0.75, 0.25, 0.25, 0.75]),
        "pred_overlap": np.array([0.65, 0.25, 0.50, 0.25]),
    }
    measures = VocoTask.measure(rows)
    assert measures["overlap_error"].value == pytest.approx((0.1 + 0 + 0.25 + 0.5) / 4)
    assert measures["overlap_error"].chance == pytest.approx(0.25)  # always 0.5
    assert (measures["nearest_base_accuracy"].value, measures["nearest_base_accuracy"].chance) == (0.5, 0.5)
    loss = -(math.log(0.9) + math.log(0.75) + math.log(0.5)) / 4
    assert measures["position_loss"].value == pytest.approx(loss)
    assert measures["position_loss"].chance == pytest.approx(-math.log(0.75))
    # The order of rows, and merging batches, changes nothing.
    turned = {name: column[[3, 1, 0, 2]] for name, column in rows.items()}
    assert VocoTask.measure(turned)["nearest_base_accuracy"].value == 0.5


def test_measures__of_two_nearest_base_crops_either_will_do() -> None:
    rows = {
        "sample": np.zeros(4, int),
        "view_i": np.zeros(4, int),
        "view_j": np.arange(4),
        "true_overlap": np.array([0.5, 0.5, 0.0, 0.0]),
        "pred_overlap": np.array([0.1, 0.6, 0.2, 0.3]),
    }
    accuracy = VocoTask.measure(rows)["nearest_base_accuracy"]
    assert (accuracy.value, accuracy.chance) == (1.0, 0.5)


def test_among_views__by_hand() -> None:
    """Two views of one scan: +1 and -1 in every channel, whatever they share; scans do not mix."""
    x = torch.tensor([[[7.0, 100.0], [9.0, 60.0]], [[0.0, 0.0], [0.0, 0.0]]])
    expected = torch.tensor([[[-1.0, 1.0], [1.0, -1.0]], [[0.0, 0.0], [0.0, 0.0]]])
    torch.testing.assert_close(AmongViews()(x), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("normalised", [True, False])
def test_voco__its_position_loss_falls_with_a_teacher(normalised: bool) -> None:
    """A small encoder and its copy; without the normalisation the one runs after the other for ever."""
    torch.manual_seed(0)
    interface = Interface(embedding=24, dense_channels=4, views=10, view_mm=72.0)
    task = VocoTask(VocoSettings(projection=64), interface)
    if not normalised:
        task.head = nn.Sequential(*(layer for layer in task.head if not isinstance(layer, AmongViews)))
    encoder = nn.Sequential(nn.Linear(24, 64), nn.GELU(), nn.Linear(64, 24), nn.LayerNorm(24))
    copied = copy.deepcopy(encoder)
    optimiser = torch.optim.AdamW([*encoder.parameters(), *task.parameters()], lr=2e-3)

    def encoded(seed: int, samples: int, teacher: nn.Module | None = None) -> EncodedViews:
        views = toy_views(interface, samples=samples, seed=seed, dense=False, placement="grid")
        with torch.no_grad():
            followed = None if teacher is None else teacher(views.embedding)
        return dataclasses.replace(views, embedding=encoder(views.embedding), followed=followed)

    for step in range(80):
        optimiser.zero_grad()
        task(encoded(step, 4, copied)).loss.backward()
        optimiser.step()
        with torch.no_grad():
            for slow, fast in zip(copied.parameters(), encoder.parameters(), strict=True):
                slow.lerp_(fast, 0.1)
    figure = task(encoded(9999, 32)).observation.measures["position_loss"]
    assert figure.chance is not None
    assert (figure.value < 0.6 * figure.chance) == normalised, figure


def test_voco__the_lag_of_the_teacher_tells_nothing() -> None:
    """A teacher that is off by one vector says the same as one that is not: which encoder spoke cannot be read."""
    torch.manual_seed(0)
    interface = Interface(embedding=24, dense_channels=4, views=10, view_mm=72.0)
    task = VocoTask(VocoSettings(), interface)
    views = toy_views(interface, samples=6, seed=1, dense=False, placement="grid")
    alone = task(views)
    same = task(dataclasses.replace(views, followed=views.embedding))
    lagging = task(dataclasses.replace(views, followed=views.embedding + 5 * torch.randn(24)))
    torch.testing.assert_close(same.loss, alone.loss, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(lagging.loss, alone.loss, rtol=1e-3, atol=1e-4)


def test_voco__every_crop_trains_the_student_and_none_the_teacher() -> None:
    torch.manual_seed(0)
    interface = Interface(embedding=24, dense_channels=4, views=10, view_mm=72.0)
    task = VocoTask(VocoSettings(apart_weight=0.0), interface)
    views = toy_views(interface, samples=3, seed=2, dense=False, placement="grid")
    student, teacher = views.embedding.clone().requires_grad_(), (views.embedding + 0.1).requires_grad_()
    task(dataclasses.replace(views, embedding=student, followed=teacher)).loss.backward()
    assert student.grad is not None and (student.grad.abs().amax(-1) > 0).all()
    assert teacher.grad is None


def test_voco__both_losses_add_up_and_a_collapse_shows() -> None:
    """One vector for every crop: similarity 1 everywhere, base crops as alike as can be."""
    torch.manual_seed(0)
    interface = Interface(embedding=8, dense_channels=4, views=10, view_mm=40.0)
    task = VocoTask(VocoSettings(apart_weight=3.0), interface)
    crops = BASES.mean(1, keepdim=True).expand(-1, 2, -1)
    output = task(bare_views(torch.ones(1, 10, 8), torch.cat([crops, BASES], 1), view_mm=40.0))
    assert output.loss.item() == pytest.approx(-math.log(0.125) + 3.0, rel=1e-4)
    measures = output.observation.measures
    assert measures["base_similarity"].value == pytest.approx(1, abs=1e-5)
    assert measures["embedding_rank"].value == pytest.approx(0, abs=1e-5)
    assert measures["overlap_error"].value == pytest.approx(0.875, abs=1e-5)
    rows = output.observation.rows
    assert rows["view_i"].tolist() == [0] * 8 + [1] * 8 and rows["view_j"].tolist() == [*range(2, 10)] * 2


@pytest.mark.parametrize(("views", "random"), [(3, 2), (9, 2), (11, 2), (10, 1)])
def test_voco__a_number_of_views_that_is_no_grid_is_refused(views: int, random: int) -> None:
    interface = Interface(embedding=8, dense_channels=4, views=views, view_mm=40.0)
    with pytest.raises(ConfigError, match=f"{views} views") as error:
        VocoTask(VocoSettings(random=random), interface)
    assert f"views.count={random + 8}" in error.value.cure
