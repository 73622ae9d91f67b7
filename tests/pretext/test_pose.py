"""Pose: turns by hand, labels that say what was done to a view, and left from right."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from orienteer.pretext.contract import EncodedViews, Interface
from orienteer.pretext.pose import TURNS, PoseSettings, PoseTask, Turn, drawn_turns
from orienteer.testing.task_contract import TaskContract
from orienteer.testing.toy_views import toy_views

INTERFACE = Interface(embedding=24, dense_channels=12, views=4, view_mm=72.0, view_voxels=12)


def recognised(shown: Tensor, original: Tensor) -> tuple[int, int]:
    """The turn and the side of ``(C, S, S, S)`` by comparing it with all 48 poses of the original."""
    found = [
        (number, side)
        for number, turn in enumerate(TURNS)
        for side in (0, 1)
        if torch.equal(turn.of(original.flip(1) if side else original), shown)
    ]
    assert len(found) == 1
    return found[0]


def told(views: EncodedViews, shown: Tensor) -> EncodedViews:
    """Views whose embedding says, in a fixed random code, which pose the shown view has."""
    code = torch.randn(2 * len(TURNS), 24, generator=torch.Generator().manual_seed(7))
    poses = [
        [recognised(view, views.images[sample, 2 * (n // 2)]) for n, view in enumerate(of_sample)]
        for sample, of_sample in enumerate(shown)
    ]
    index = torch.tensor([[2 * turn + side for turn, side in of_sample] for of_sample in poses])
    k = shown.shape[1]
    return EncodedViews(
        code[index],
        None,
        None,
        views.centres[:, :k],
        views.view_mm,
        views.images[:, :k],
        views.plain[:, :k],
        shown,
        views.address,
    )


class TestPose(TaskContract):
    task = PoseTask
    metric = False
    view_order_matters = True  # every other view is shown as the twin of the one before it

    def views(self, interface: Interface, *, samples: int = 4, seed: int = 0) -> EncodedViews:
        """Toy views whose embedding encodes the pose in which they are shown."""
        views = toy_views(interface, samples=samples, seed=seed, dense=False)
        return told(views, self.build(views=interface.views)[0].corrupt(views.images, views.address))


def test_turns__are_the_24_rotations_of_a_cube() -> None:
    assert len(set(TURNS)) == len({turn.code for turn in TURNS}) == 24
    assert TURNS[0] == Turn((0, 1, 2), (False, False, False)) and TURNS[0].code == "RAS"
    marked = torch.arange(27.0).reshape(3, 3, 3)
    turned = {tuple(turn.of(marked).flatten().tolist()) for turn in TURNS}
    mirrored = {tuple(turn.of(marked.flip(0)).flatten().tolist()) for turn in TURNS}
    assert len(turned) == len(mirrored) == 24 and not turned & mirrored


def test_turn__code_says_where_axes_point() -> None:
    """Voxel (1, 2, 3) of a ramp along R is found along the axis that the code calls R or L."""
    for turn in TURNS:
        ramp = torch.arange(4.0)[:, None, None].expand(4, 4, 4)
        axis = next(n for n, letter in enumerate(turn.code) if letter in "RL")
        step = turn.of(ramp).diff(dim=axis)
        assert (step == (1 if turn.code[axis] == "R" else -1)).all()


def test_pose__labels_say_what_was_done_to_the_views() -> None:
    task = PoseTask(PoseSettings(turned=0.7), INTERFACE)
    views = toy_views(INTERFACE, samples=16, seed=4, dense=False)
    shown = task.corrupt(views.images, views.address)
    rows = task(told(views, shown)).observation.rows
    poses = [
        recognised(view, views.images[sample, 2 * (n // 2)])
        for sample, of_sample in enumerate(shown)
        for n, view in enumerate(of_sample)
    ]
    assert rows["true_turn"].tolist() == [turn for turn, _ in poses]
    assert rows["true_side"].tolist() == [side for _, side in poses] == [0, 1] * 32
    assert len(set(rows["true_turn"].tolist())) > 8


def test_drawn_turns__share_of_turned_views() -> None:
    address = torch.stack([torch.zeros(4000, dtype=torch.long), torch.arange(4000)], dim=1)
    assert not drawn_turns(address, 1, 0.0).any()
    counts = np.bincount(drawn_turns(address, 1, 0.48).ravel(), minlength=24) / 4000
    assert counts[0] == pytest.approx(0.54, abs=0.03)
    np.testing.assert_allclose(counts[1:], 0.02, atol=0.01)


def test_pose__loss_measures_and_log_odds_by_hand() -> None:
    """A head that always says upright, and gives the mirrored twin a score 2 higher."""
    task = PoseTask(PoseSettings(turned=0.0), Interface(embedding=3, dense_channels=4, views=2, view_mm=48.0))
    task.head = nn.Linear(3, 25)  # type: ignore[assignment]
    with torch.no_grad():
        task.head.weight.zero_()
        task.head.bias.zero_()
        task.head.bias[0] = 3.0
        task.head.weight[24, 0] = 1.0
    views = toy_views(Interface(embedding=3, dense_channels=4, views=2, view_mm=48.0), samples=1, seed=0, dense=False)
    embedding = torch.tensor([[[0.0, 0, 0], [2.0, 0, 0]]])
    views = EncodedViews(
        embedding, None, None, views.centres, 48.0, views.images, views.plain, views.shown, views.address
    )
    output = task(views)
    expected = np.log(np.exp(3) + 23) - 3 + np.log1p(np.exp(-2))
    assert output.loss.item() == pytest.approx(expected, rel=1e-5)
    assert output.observation.rows["pred_side"].tolist() == [0, 1]
    assert {name: measure.value for name, measure in output.observation.measures.items()} == {
        "side_accuracy": 1.0,
        "turn_accuracy": 1.0,
    }
    assert task.mirrored(embedding[0, 1:], embedding[0, :1]).tolist() == [2.0]
    assert task.mirrored(embedding[0, :1], embedding[0, 1:]).tolist() == [-2.0]
