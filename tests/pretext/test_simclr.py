"""SimCLR: what is found among the candidates, by hand."""

import math

import numpy as np
import pytest
import torch

from orienteer.pretext.contract import Interface
from orienteer.pretext.simclr import SimclrSettings, SimclrTask
from orienteer.testing.toy_views import bare_views
from tests.losses import references


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
    same = np.kron(np.eye(2, dtype=bool), np.ones((2, 2), dtype=bool))
    expected = references.nt_xent(np.array(cosine), same & ~np.eye(4, dtype=bool), ~same, 0.5)
    assert output.loss.item() == pytest.approx(expected, rel=1e-5)


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
