"""The momentum teacher: its formula, and where gradient flows with it."""

import pytest
import torch
from pydantic import ValidationError

from orienteer.pretext.model import SpatialModel
from orienteer.pretext.teacher import TeacherSettings
from orienteer.training.optimiser import build_optimiser
from orienteer.training.settings import OptimiserSettings
from tests.pretext.test_model import batch, model

TASKS = {"gap": {}, "position": {}}


def taught(momentum: float = 0.9) -> SpatialModel:
    return model(TASKS, TeacherSettings(enabled=True, momentum=momentum))


def test_teacher__starts_as_a_copy_that_shares_no_memory() -> None:
    spatial = taught()
    assert spatial.teacher is not None
    for slow, fast in zip(spatial.teacher.parameters(), spatial.backbone.parameters(), strict=True):
        assert torch.equal(slow, fast) and slow.data_ptr() != fast.data_ptr()
        assert not slow.requires_grad and fast.requires_grad


def test_teacher__follows_by_the_ema_formula() -> None:
    """teacher = m * teacher + (1 - m) * online, in float64 by hand, over three steps."""
    spatial = taught(0.9)
    assert spatial.teacher is not None
    expected = [p.detach().double().clone() for p in spatial.teacher.parameters()]
    for _ in range(3):
        with torch.no_grad():
            for fast in spatial.backbone.parameters():
                fast.add_(torch.randn_like(fast))
        spatial.update_teacher()
        online = [p.detach().double() for p in spatial.backbone.parameters()]
        expected = [0.9 * slow + 0.1 * fast for slow, fast in zip(expected, online, strict=True)]
    for slow, value in zip(spatial.teacher.parameters(), expected, strict=True):
        torch.testing.assert_close(slow.double(), value, rtol=1e-5, atol=1e-6)


def test_teacher__copies_buffers() -> None:
    spatial = taught()
    assert spatial.teacher is not None
    spatial.backbone.register_buffer("seen", torch.tensor(5.0))
    spatial.teacher.register_buffer("seen", torch.tensor(0.0))
    spatial.update_teacher()
    assert spatial.teacher.seen == 5.0


def test_teacher__without_one_updating_does_nothing() -> None:
    spatial = model(TASKS)
    before = {name: value.clone() for name, value in spatial.state_dict().items()}
    spatial.update_teacher()
    assert spatial.teacher is None
    assert all(torch.equal(value, before[name]) for name, value in spatial.state_dict().items())


def test_teacher__carries_no_gradient() -> None:
    spatial = taught().train()
    images, centres, view_mm, address = batch()
    images.requires_grad_()
    spatial(images, centres, view_mm, address).loss.backward()
    assert images.grad is not None
    assert (images.grad.flatten(2).abs().amax(-1) > 0).all(), "every view is encoded by the student"
    assert spatial.teacher is not None
    assert all(p.grad is None for p in spatial.teacher.parameters())
    assert all(p.grad is not None for p in spatial.backbone.parameters())


def test_teacher__encodes_the_same_views_in_training_and_none_in_evaluation() -> None:
    """A fresh copy says what the student says; zeroed it says nothing, and the student is not touched."""
    spatial = taught().train()
    views = spatial.encode(*batch())
    assert views.followed is not None and not views.followed.requires_grad
    torch.testing.assert_close(views.followed, views.embedding)
    assert spatial.teacher is not None
    with torch.no_grad():
        for slow in spatial.teacher.parameters():
            slow.zero_()
    again = spatial.encode(*batch())
    assert again.followed is not None and not again.followed.any()
    torch.testing.assert_close(again.embedding, views.embedding)
    assert spatial.eval().encode(*batch()).followed is None


def test_teacher__does_not_look_at_corrupted_views() -> None:
    spatial, inputs = taught().train(), batch()
    assert spatial.encode(*inputs, shown=inputs[0] * 0).followed is None


def test_teacher__settings_of_runs_from_before_are_read() -> None:
    assert TeacherSettings.build({"enabled": False, "online": 1}) == TeacherSettings()


def test_teacher__is_not_optimised() -> None:
    spatial = taught()
    assert spatial.teacher is not None
    slow = {id(p) for p in spatial.teacher.parameters()}
    groups = build_optimiser(spatial, OptimiserSettings()).param_groups
    assert not slow & {id(p) for group in groups for p in group["params"]}


@pytest.mark.parametrize("momentum", [-0.1, 1.0])
def test_teacher__momentum_is_a_share_below_one(momentum: float) -> None:
    with pytest.raises(ValidationError):
        TeacherSettings(momentum=momentum)
