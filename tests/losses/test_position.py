"""The position field: where cells are, and what centring takes out."""

import pytest
import torch

from orienteer.losses.position import cell_positions, centred


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
