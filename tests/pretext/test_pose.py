"""Pose: turns by hand, labels that say what was done to a view, and left from right."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from orienteer.errors import ConfigError
from orienteer.geometry.pose import TURNS, UPRIGHT, Pose
from orienteer.pretext.contract import EncodedViews, Interface
from orienteer.pretext.pose import PoseSettings, PoseTask, Shown, turned
from orienteer.testing.task_contract import TaskContract
from orienteer.testing.toy_views import chosen, toy_views

INTERFACE = Interface(embedding=24, dense_channels=12, views=3, view_mm=72.0, view_voxels=12)
POSES = [(turn, mirrored) for turn in range(24) for mirrored in (0, 1)]


def posed(view: Tensor, turn: int, mirrored: int) -> Tensor:
    """``(C, S, S, S)`` mirrored, then turned."""
    return turned(TURNS[turn], view.flip(1) if mirrored else view)


def seen(shown: Tensor, view: Tensor) -> int:
    """The pose in which a view is shown, found by trying all 48: an index into ``POSES``."""
    (found,) = [n for n, pose in enumerate(POSES) if torch.equal(posed(view, *pose), shown)]
    return found


def told(views: EncodedViews, task: PoseTask) -> EncodedViews:
    """The views as the task shows them; the embedding says, in a fixed random code, in which pose."""
    code = torch.randn(len(POSES), 24, generator=torch.Generator().manual_seed(7))
    shown = task.corrupt(views.images, views.address)
    poses = [
        [seen(view, original[2 if n == 2 else 0]) for n, view in enumerate(of_sample)]
        for of_sample, original in zip(shown, views.images, strict=True)
    ]
    first = chosen(views, (slice(None), slice(3)))
    return dataclasses.replace(first, embedding=code[torch.tensor(poses)], shown=shown)


class TestPose(TaskContract):
    task = PoseTask
    metric = False
    view_order_matters = True  # the first view has a twin, the third is turned
    view_counts = (3, 4, 5)

    def views(self, interface: Interface, *, samples: int = 4, seed: int = 0) -> EncodedViews:
        """Toy views whose embedding says how they are shown."""
        task = self.build(views=interface.views)[0]
        assert isinstance(task, PoseTask)
        return told(toy_views(interface, samples=samples, seed=seed, dense=False), task)


def test_turns__are_the_24_rotations_of_a_cube() -> None:
    assert TURNS[0] == UPRIGHT
    marked = torch.arange(27.0).reshape(1, 3, 3, 3)
    turns, mirrored = ({tuple(posed(marked, n, side).flatten().tolist()) for n in range(24)} for side in (0, 1))
    assert len(turns) == len(mirrored) == len({turn.code for turn in TURNS}) == 24
    assert not turns & mirrored


@pytest.mark.parametrize("turn", TURNS, ids=[turn.code for turn in TURNS])
def test_turn__code_says_where_axes_point(turn: Pose) -> None:
    """A ramp that rises to the right still rises along the axis with the letter R, and falls along one with L."""
    ramp = turned(turn, torch.arange(4.0)[:, None, None].expand(4, 4, 4))
    steps = [ramp.diff(dim=axis).mean().item() for axis in range(3)]
    assert steps == [{"R": 1, "L": -1}.get(letter, 0) for letter in turn.code]


def test_pose__labels_say_what_was_done_to_the_views() -> None:
    views = toy_views(INTERFACE, samples=64, seed=4, dense=False)
    task = PoseTask(PoseSettings(), INTERFACE)
    rows = task(told(views, task)).observation.rows
    for sample, shown in enumerate(task.corrupt(views.images, views.address)):
        mirrored = rows["true_side"][sample]
        assert POSES[seen(shown[mirrored], views.images[sample, 0])] == (0, 1)
        assert POSES[seen(shown[1 - mirrored], views.images[sample, 0])] == (0, 0)
        assert POSES[seen(shown[2], views.images[sample, 2])][0] == rows["true_turn"][sample]


def test_shown__every_pose_is_as_likely() -> None:
    drawn = [Shown.of(0, number) for number in range(9600)]
    poses = np.bincount([2 * shown.turn + shown.mirrored for shown in drawn], minlength=48)
    np.testing.assert_allclose(poses, 200, atol=60)
    assert sum(shown.side for shown in drawn) / 9600 == pytest.approx(0.5, abs=0.02)


def test_pose__loss_and_log_odds_by_hand() -> None:
    """Twins scored 2 and 0, the one with 2 mirrored; a turn named with log-odds 3 over each of 23 others."""
    task = PoseTask(PoseSettings(hidden=1), dataclasses.replace(INTERFACE, embedding=2))
    views = chosen(toy_views(INTERFACE, samples=1, seed=0, dense=False), (slice(None), slice(3)))
    drawn = Shown.of(*views.address[0].tolist())
    task.side = torch.nn.Sequential(torch.nn.Linear(2, 1))
    task.turn = torch.nn.Sequential(torch.nn.Linear(2, 24))
    with torch.no_grad():
        for head in (task.side, task.turn):
            for parameter in head.parameters():
                parameter.zero_()
        task.side[0].weight[0, 0] = 1.0
        task.turn[0].bias[drawn.turn] = 3.0
    embedding = torch.zeros(1, 3, 2)
    embedding[0, drawn.side, 0] = 2.0
    output = task(dataclasses.replace(views, embedding=embedding))
    assert output.loss.item() == pytest.approx(np.log1p(np.exp(-2)) + np.log(np.exp(3) + 23) - 3, rel=1e-5)
    assert [measure.value for measure in output.observation.measures.values()] == [1.0, 1.0]
    twin, other = embedding[:, drawn.side], embedding[:, 1 - drawn.side]
    assert task.mirrored(twin, other).item() == -task.mirrored(other, twin).item() == 2.0


def test_pose__refuses_two_views() -> None:
    with pytest.raises(ConfigError, match=r"tasks\.pose.* 2 views"):
        PoseTask(PoseSettings(), dataclasses.replace(INTERFACE, views=2))
