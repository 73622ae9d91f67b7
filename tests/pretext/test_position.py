"""The position field: which cells are compared, and that background is ignored."""

import dataclasses

import numpy as np
import pytest
import torch

from orienteer.losses.position import cell_positions
from orienteer.pretext.contract import Interface
from orienteer.pretext.position import PositionSettings, PositionTask
from orienteer.testing.toy_views import bare_views, toy_views

INTERFACE = Interface(embedding=8, dense_channels=12, views=3, view_mm=72.0)


def task(**settings: float) -> PositionTask:
    torch.manual_seed(0)
    return PositionTask(PositionSettings(**settings), INTERFACE)


def test_position__background_is_ignored() -> None:
    """What the features say of air changes nothing, and no gradient reaches them."""
    views = toy_views(INTERFACE, samples=2, seed=0)
    assert views.dense is not None and views.body is not None
    dense = views.dense.clone().requires_grad_()
    position = task()
    before = position(dataclasses.replace(views, dense=dense))
    before.loss.backward()
    air = ~views.body[:, :, None].expand_as(dense)
    assert dense.grad is not None and not dense.grad[air].any()
    assert dense.grad[~air].any()
    after = position(dataclasses.replace(views, dense=torch.where(air, torch.full_like(dense, 99.0), dense)))
    assert torch.equal(before.loss, after.loss)
    for name, column in before.observation.rows.items():
        np.testing.assert_array_equal(column, after.observation.rows[name])


def test_position__a_field_right_up_to_one_shift_has_no_loss() -> None:
    """Features that are the positions themselves, shifted: the head copies them, and nothing is left to learn."""
    position = task()
    with torch.no_grad():
        position.head.weight.zero_()
        position.head.weight[:, :3, 0, 0, 0] = torch.eye(3)
    views = toy_views(INTERFACE, samples=2, seed=0)
    places = cell_positions(views.centres, 6, 72.0) / 50 + torch.tensor([3.0, -2.0, 1.0])
    dense = torch.zeros(2, 3, 12, 6, 6, 6)
    dense[:, :, :3] = places.reshape(2, 3, 6, 6, 6, 3).movedim(-1, 2)
    output = position(dataclasses.replace(views, dense=dense))
    assert output.loss.item() < 1e-9
    assert output.observation.measures["position_error_mm"].value < 1e-3
    # Turned about, axis against axis, the same field is wrong.
    turned = position(dataclasses.replace(views, dense=dense.transpose(-1, -3).contiguous()))
    assert turned.loss.item() > 0.1


def test_position__loss_by_hand() -> None:
    """One view of two body cells 36 mm apart, answer nowhere: each misses by 18 mm on one axis."""
    position = task()
    with torch.no_grad():
        position.head.weight.zero_()
    body = torch.zeros(1, 1, 2, 2, 2, dtype=torch.bool)
    body[0, 0, 0, 0, 0] = body[0, 0, 1, 0, 0] = True
    views = bare_views(torch.zeros(1, 1, 8), torch.zeros(1, 1, 3), dense=torch.zeros(1, 1, 12, 2, 2, 2), body=body)
    output = position(views)
    assert output.loss.item() == pytest.approx((18 / 50 - 0.05) / 3)
    assert output.observation.rows["true_r"].tolist() == pytest.approx([-18, 18])
    assert output.observation.rows["view"].tolist() == [0, 0]


@pytest.mark.parametrize(("cells", "voxels"), [(1000, 512), (1000, 40), (511, 512), (512, 512), (7, 2), (0, 2)])
def test_position__compares_at_most_so_many_cells_evenly_taken(cells: int, voxels: int) -> None:
    body = torch.zeros(1, 1, 1728, dtype=torch.bool)
    body[0, 0, torch.randperm(1728, generator=torch.Generator().manual_seed(0))[:cells]] = True
    chosen = task(voxels=voxels)._chosen(body)
    assert not chosen[~body].any()
    assert chosen.sum() == min(cells, voxels)
    if cells > 2 * voxels:  # as many from the first half of the body as from the second
        rank = body.cumsum(-1)[chosen.bool()]
        assert abs((rank <= cells // 2).sum().item() - voxels / 2) <= 1


def test_position__all_air_is_no_loss_and_no_rows() -> None:
    views = toy_views(INTERFACE, samples=2, seed=0)
    assert views.body is not None
    empty = dataclasses.replace(views, body=torch.zeros_like(views.body))
    output = task()(empty)
    output.loss.backward()
    assert output.loss.item() == 0
    assert len(output.observation.rows["sample"]) == 0
