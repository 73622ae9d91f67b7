"""NT-Xent against a computation spelt out term by term."""

import math

import pytest
import torch

from orienteer.losses.contrastive import nt_xent, same_scan
from tests.losses import references


def test_same_scan__two_scans_of_two_views() -> None:
    positive, negative = same_scan(2, 2, torch.device("cpu"))
    assert positive.int().tolist() == [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]]
    assert negative.int().tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]]


def test_nt_xent__two_pairs_by_hand() -> None:
    """Partners at cosine 1, strangers at 0, temperature 0.5: -log(e^2 / (e^2 + 2)) = 0.2395."""
    cosine = torch.tensor([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]])
    loss = nt_xent(cosine, *same_scan(2, 2, torch.device("cpu")), 0.5)
    assert loss.item() == pytest.approx(0.2395447, abs=1e-6)
    assert loss.item() == pytest.approx(math.log(1 + 2 / math.exp(2)), abs=1e-6)


@pytest.mark.parametrize(("samples", "views"), [(2, 2), (3, 2), (2, 3), (3, 4)])
@pytest.mark.parametrize("temperature", [0.5, 0.1])
def test_nt_xent__against_sums_spelt_out(samples: int, views: int, temperature: float) -> None:
    random = torch.Generator().manual_seed(samples + views)
    cosine = torch.rand(samples * views, samples * views, generator=random) * 2 - 1
    positive, negative = same_scan(samples, views, cosine.device)
    loss = nt_xent(cosine, positive, negative, temperature)
    expected = references.nt_xent(cosine.double().numpy(), positive.numpy(), negative.numpy(), temperature)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_nt_xent__positives_do_not_push_each_other_away() -> None:
    """Of three views of a scan, how alike 0 and 2 are says nothing about the pair (0, 1)."""
    positive, negative = same_scan(2, 3, torch.device("cpu"))
    cosine = torch.zeros(6, 6, requires_grad=True)
    only = torch.zeros_like(positive)
    only[0, 1] = True
    nt_xent(cosine, only & positive, negative, 0.5).backward()
    assert cosine.grad is not None
    assert cosine.grad[0, 1] < 0 and (cosine.grad[0, 3:] > 0).all()
    assert cosine.grad[0, 2] == 0 and cosine.grad[1:].abs().max() == 0


def test_nt_xent__without_rivals_there_is_nothing_to_learn() -> None:
    cosine = torch.rand(3, 3, requires_grad=True)
    loss = nt_xent(cosine, *same_scan(1, 3, cosine.device), 0.5)
    loss.backward()
    assert loss.item() == 0 and torch.isfinite(cosine.grad).all()
