"""SimCLR: its loss against a computation spelt out term by term, and what is found among the candidates."""

import math

import numpy as np
import pytest
import torch
from orienteer.pretext.simclr.settings import SimclrSettings
from orienteer.pretext.simclr.target import nt_xent, same_scan
from orienteer.pretext.simclr.task import SimclrTask

from orienteer.pretext.contract import Interface
from orienteer.testing.toy_views import bare_views


def task_that_compares_as_given(temperature: float = 0.5) -> SimclrTask:
    """Embeddings of length 4 are compared as they are."""
    task = SimclrTask(
        SimclrSettings(temperature=temperature, hidden=8, projection=4),
        Interface(embedding=4, dense_channels=4, views=2, view_mm=72.0),
    )
    with torch.no_grad():
        for parameter in task.parameters():
            parameter.zero_()
        task.head[0].weight.copy_(torch.cat([torch.eye(4), -torch.eye(4)]))
        task.head[2].weight.copy_(torch.cat([torch.eye(4), -torch.eye(4)]).T)
    return task


def loss_by_hand(cosine: list[list[float]], owner: list[int], temperature: float) -> float:
    """Every (view, positive) pair against that view's negatives, written as sums of exponentials."""
    terms = []
    for i, own in enumerate(owner):
        rivals = sum(math.exp(cosine[i][n] / temperature) for n, other in enumerate(owner) if other != own)
        for p, other in enumerate(owner):
            if p != i and other == own:
                good = math.exp(cosine[i][p] / temperature)
                terms.append(-math.log(good / (good + rivals)))
    return sum(terms) / len(terms)


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
    owner = [n // views for n in range(samples * views)]
    loss = nt_xent(cosine, *same_scan(samples, views, cosine.device), temperature)
    assert loss.item() == pytest.approx(loss_by_hand(cosine.tolist(), owner, temperature), rel=1e-5)


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


def test_simclr__rows_by_hand() -> None:
    """View 3 points where scan 0 points: its partner is not found, and it distracts nobody of scan 0."""
    embedding = torch.tensor([[[2.0, 0, 0, 0], [3, 0, 0, 0]], [[0, 1, 0, 0], [5, 0, 0, 1]]])
    output = task_that_compares_as_given()(bare_views(embedding, torch.zeros(2, 2, 3)))
    rows, near = output.observation.rows, 5 / math.sqrt(26)
    assert rows["sample"].tolist() == [0, 0, 1, 1] and rows["view_i"].tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(rows["partner_similarity"], [1, 1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(rows["other_similarity"], [near, near, 0, near], atol=1e-6)
    found = output.observation.measures["partner_found"]
    assert (found.value, found.chance) == (0.5, pytest.approx(1 / 3))
    cosine = [[1, 1, 0, near], [1, 1, 0, near], [0, 0, 1, 0], [near, near, 0, 1]]
    assert output.loss.item() == pytest.approx(loss_by_hand(cosine, [0, 0, 1, 1], 0.5), rel=1e-5)


def test_simclr__chance_counts_all_partners() -> None:
    """Three views of five scans: 2 of 14 candidates are right."""
    random = torch.Generator().manual_seed(0)
    output = task_that_compares_as_given()(bare_views(torch.randn(5, 3, 4, generator=random), torch.zeros(5, 3, 3)))
    assert output.observation.measures["partner_found"].chance == pytest.approx(2 / 14)


def test_simclr__a_collapse_shows() -> None:
    """One vector for everything finds nobody, and has no rank."""
    measures = task_that_compares_as_given()(bare_views(torch.ones(4, 2, 4), torch.zeros(4, 2, 3))).observation.measures
    assert measures["partner_found"].value == 0
    assert measures["embedding_rank"].value == pytest.approx(0, abs=1e-6)
    assert measures["similarity_other"].value == pytest.approx(1)
