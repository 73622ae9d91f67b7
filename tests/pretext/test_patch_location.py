"""Relative patch location: the class of each direction, by hand and after augmentation."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from orienteer.pretext.contract import Interface
from orienteer.pretext.patch_location import PatchLocationSettings, PatchLocationTask, direction_class
from orienteer.sampling import ViewSettings
from orienteer.sampling.placement import DIRECTIONS, neighbours
from orienteer.sampling.region import Region
from orienteer.sampling.sampler import draw_linear
from orienteer.sampling.settings import GeometrySettings
from orienteer.testing.toy_views import bare_views

STEPS = [(r, a, s) for r in (-1, 0, 1) for a in (-1, 0, 1) for s in (-1, 0, 1) if (r, a, s) != (0, 0, 0)]


def test_direction_class__of_each_direction_by_hand() -> None:
    assert direction_class(torch.tensor(STEPS) * 54.0).tolist() == list(range(26))
    assert direction_class(torch.tensor([1.0, 0.0, 0.0])).item() == STEPS.index((1, 0, 0)) == 21
    assert direction_class(torch.tensor([0.0, -3.0, 3.0])).item() == STEPS.index((0, -1, 1)) == 11


@given(
    step=st.sampled_from(STEPS),
    length=st.floats(20, 200),
    jitter=st.tuples(*[st.floats(-0.15, 0.15)] * 3),
)
def test_direction_class__jitter_does_not_change_it(step: tuple, length: float, jitter: tuple) -> None:
    offset = length * (torch.tensor(step) + torch.tensor(jitter))
    assert direction_class(offset).item() == STEPS.index(step)


def test_direction_class__lies_nearest_in_angle() -> None:
    """25 degrees from an axis towards its neighbour is past the half-way line of 22.5 degrees."""
    angle = torch.deg2rad(torch.tensor([20.0, 25.0]))
    offset = torch.stack([angle.cos(), angle.sin(), torch.zeros(2)], dim=1)
    assert direction_class(offset).tolist() == [STEPS.index((1, 0, 0)), STEPS.index((1, 1, 0))]


@given(seed=st.integers(0, 10_000))
def test_direction_class__after_augmentation_neighbours_keep_distinct_classes(seed: int) -> None:
    """Neighbours are placed in the turned frame, so that turning never moves one into another's class."""
    turned = GeometrySettings(rotation_deg=20, scale=0.1, flip=True)
    linear = draw_linear(np.random.default_rng(seed), turned)
    region = Region((70, 70, 70), 16, linear, np.ones((18, 18, 18), bool), 4, 0.15)
    chosen = ViewSettings(placement="neighbours", count=8, size=16)
    places = neighbours(region, chosen, lambda view: np.random.default_rng((seed, view)))
    assert places is not None
    centres = 3.0 * places @ np.linalg.inv(linear).T  # mm, in the frame the network sees
    offsets = torch.from_numpy(centres[1:] - centres[0]).float()
    classes = direction_class(offsets)
    assert len(set(classes.tolist())) == 7
    assert DIRECTIONS[classes].tolist() == torch.round(offsets / 54).tolist()


def test_patch_location__rows_measures_and_loss_by_hand() -> None:
    """A head that always says "straight up": right once of two, and 90 degrees off the other time."""
    task = PatchLocationTask(
        PatchLocationSettings(hidden=4), Interface(embedding=8, dense_channels=4, views=3, view_mm=48.0)
    )
    with torch.no_grad():
        for parameter in task.parameters():
            parameter.zero_()
        task.head[2].bias[STEPS.index((0, 0, 1))] = 2.0
    centres = torch.tensor([[[5.0, 5.0, 5.0], [5.0, 5.0, 60.0], [60.0, 4.0, 5.0]]])
    output = task(bare_views(torch.zeros(1, 3, 8), centres))
    rows, measures = output.observation.rows, output.observation.measures
    assert rows["view_i"].tolist() == [0, 0] and rows["view_j"].tolist() == [1, 2]
    assert rows["true_direction"].tolist() == [STEPS.index((0, 0, 1)), STEPS.index((1, 0, 0))]
    assert measures["direction_accuracy"].value == 0.5
    assert measures["direction_accuracy"].chance == pytest.approx(1 / 26)
    assert measures["direction_error_deg"].value == pytest.approx(45.0)
    total = np.exp(2) + 25
    assert output.loss.item() == pytest.approx((np.log(total / np.exp(2)) + np.log(total)) / 2, rel=1e-5)


def test_measures__a_guesser_is_at_chance() -> None:
    random = np.random.default_rng(0)
    rows = {name: random.integers(0, 26, 40_000) for name in ("true_direction", "pred_direction")}
    measures = PatchLocationTask.measure(rows)
    assert measures["direction_accuracy"].value == pytest.approx(1 / 26, abs=4e-3)
    assert measures["direction_error_deg"].value == pytest.approx(90.0, abs=0.8)
