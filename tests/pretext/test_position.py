"""The position field: where cells are, what centring takes out, and that background is nobody's business."""

import dataclasses

import numpy as np
import pytest
import torch
from orienteer.pretext.position.settings import PositionSettings
from orienteer.pretext.position.target import cell_positions, centred
from orienteer.pretext.position.task import PositionTask

from orienteer.pretext.contract import Interface
from orienteer.testing.toy_views import bare_views, toy_views

INTERFACE = Interface(embedding=8, dense_channels=12, views=3, view_mm=72.0)


def task(**settings: float) -> PositionTask:
    torch.manual_seed(0)
    return PositionTask(PositionSettings(**settings), INTERFACE)


def test_cell_positions__by_hand() -> None:
    """Two cells an edge in a view of 40 mm sit 10 mm to either side of its centre; the last axis runs fastest."""
    places = cell_positions(torch.tensor([[[100.0, 0.0, -5.0]]]), 2, 40.0)[0, 0]
    assert places.tolist() == [
        [90, -10, -15], [90, -10, 5], [90, 10, -15], [90, 10, 5],
        [110, -10, -15], [110, -10, 5], [110, 10, -15], [110, 10, 5],
    ]  # fmt: skip


@pytest.mark.parametrize("cells", [1, 3, 12])
def test_cell_positions__fill_the_view_evenly_around_its_centre(cells: int) -> None:
    centre = torch.tensor([[[3.0, -7.0, 11.0]]])
    places = cell_positions(centre, cells, 72.0)[0, 0]
    torch.testing.assert_close(places.mean(0), centre[0, 0])
    assert (places.amax(0) - places.amin(0)).tolist() == pytest.approx([72 * (cells - 1) / cells] * 3)


def test_centred__takes_the_weighted_mean_out() -> None:
    cloud = torch.tensor([[[0.0, 0.0, 0.0], [10.0, 2.0, 4.0], [1000.0, 1000.0, 1000.0]]])
    assert centred(cloud, torch.tensor([[1.0, 1.0, 0.0]]))[0, :2].tolist() == [[-5, -1, -2], [5, 1, 2]]


def test_centred__comparing_clouds_compares_every_pair() -> None:
    """Sum over pairs of |(x_i - x_j) - (y_i - y_j)|^2 is 2 n times the sum over centred points."""
    random = torch.Generator().manual_seed(0)
    one, two = torch.randn(1, 6, 3, generator=random).double(), torch.randn(1, 6, 3, generator=random).double()
    weight = torch.ones(1, 6).double()
    points = (centred(one, weight) - centred(two, weight)).square().sum()
    pairs = ((one[:, :, None] - one[:, None]) - (two[:, :, None] - two[:, None])).square().sum()
    torch.testing.assert_close(pairs, 2 * 6 * points)


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
