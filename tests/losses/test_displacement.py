"""The gap matrix: targets and losses by hand."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from orienteer.losses.displacement import gap_matrix, laplace, ordered_pairs

CENTRES = torch.tensor([[[0.0, 0.0, 0.0], [30.0, -40.0, 0.0], [-10.0, 20.0, 50.0]]])


def test_gap_matrix__by_hand() -> None:
    gaps = gap_matrix(CENTRES)[0]
    assert gaps.shape == (3, 3, 3)
    assert gaps[0, 1].tolist() == [30, -40, 0]  # from 0 to 1
    assert gaps[1, 0].tolist() == [-30, 40, 0]
    assert gaps[1, 2].tolist() == [-40, 60, 50]
    assert gaps[2, 2].tolist() == [0, 0, 0]


@given(st.lists(st.tuples(*[st.floats(-300, 300, width=32)] * 3), min_size=2, max_size=5))
def test_gap_matrix__is_antisymmetric_and_adds_up(places: list[tuple[float, float, float]]) -> None:
    gaps = gap_matrix(torch.tensor([places], dtype=torch.float64))[0]
    torch.testing.assert_close(gaps, -gaps.transpose(0, 1))
    torch.testing.assert_close(gaps[0, 1] + gaps[1, -1], gaps[0, -1], rtol=0, atol=1e-9)


def test_ordered_pairs__are_all_but_the_diagonal() -> None:
    i, j = ordered_pairs(3, torch.device("cpu"))
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]


def test_laplace__equals_torch_distributions() -> None:
    random = torch.Generator().manual_seed(0)
    predicted, true, log_scale = (torch.randn(5, 4, 3, generator=random) for _ in range(3))
    reference = -torch.distributions.Laplace(predicted, log_scale.exp()).log_prob(true).mean()
    torch.testing.assert_close(laplace(predicted, true, log_scale), reference)


def test_laplace__is_least_at_the_mean_absolute_error() -> None:
    true = torch.tensor([1.0, -3.0, 2.0])
    best = math.log(2.0)  # mean |e| = 2
    losses = [laplace(torch.zeros(3), true, torch.full((3,), best + step)).item() for step in (-0.1, 0, 0.1)]
    assert losses[1] == min(losses)
