"""Chunks: from which view each is cut, and what is said of them."""

import dataclasses

import numpy as np
import pytest
import torch

from orienteer.pretext.adjacency import AdjacencySettings, AdjacencyTask
from orienteer.pretext.contract import Interface
from orienteer.testing.toy_views import bare_views, toy_views

INTERFACE = Interface(embedding=8, dense_channels=6, views=3, view_mm=72.0)


def coordinates(cells: int) -> torch.Tensor:
    """``(1, 3, s, s, s)`` features that are their own place: each axis in [-1, 1] over the view."""
    line = (torch.arange(cells) + 0.5) / cells * 2 - 1
    return torch.stack(torch.meshgrid(line, line, line, indexing="ij"))[None]


def task(**settings: object) -> AdjacencyTask:
    torch.manual_seed(0)
    return AdjacencyTask(AdjacencySettings(**settings), INTERFACE)


def cut(adjacency: AdjacencyTask, centres: torch.Tensor) -> list[torch.Tensor]:
    """Mean place (in [-1, 1] of its own view) of the chunks that a forward pass embeds, of each of two views."""
    means: list[torch.Tensor] = []

    def note(_: object, inputs: tuple[torch.Tensor]) -> None:
        means.extend(inputs[0].unflatten(2, (6, 27)).mean(-1)[..., :3])

    handle = adjacency.head.register_forward_pre_hook(note)
    dense = torch.zeros(1, 2, 6, 12, 12, 12)
    dense[..., :3, :, :, :] = coordinates(12)
    adjacency(bare_views(torch.zeros(1, 2, 8), centres, dense=dense))
    handle.remove()
    return means


def test_adjacency__cuts_the_adjacent_pair_first_each_towards_the_other() -> None:
    """(i towards j), (j towards i), then both away: in shares of half the view, 18 mm of 36 is 0.5."""
    centres = torch.tensor([[[0.0, 0.0, 0.0], [100.0, 50.0, -20.0]]])
    (near_i, far_i), (near_j, far_j) = cut(task(chunk=0.5), centres)
    towards = torch.tensor([0.5, 0.25, -0.1])
    for got, expected in ((near_i, towards), (near_j, -towards), (far_i, -towards), (far_j, towards)):
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-5)


def test_adjacency__each_chunk_is_cut_from_its_own_view() -> None:
    """Features that are constant in a view, and their views' numbers; embeddings go back to (0,1), (0,2), (1,2)."""
    adjacency, seen = task(), []
    adjacency.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][..., 0].round().int().tolist()))
    dense = torch.arange(3.0).reshape(1, 3, 1, 1, 1, 1).expand(1, 3, 6, 4, 4, 4)
    views = toy_views(INTERFACE, samples=1, seed=0)
    adjacency(dataclasses.replace(views, dense=dense))
    assert seen == [[[0] * 4, [1] * 4, [2] * 4]]
    adjacency.head = torch.nn.Flatten(2)  # an embedding is then its chunk's features
    both = dense + torch.tensor([[[1.0], [-2.0], [0.5]]])[..., None, None, None] * torch.arange(6.0).view(6, 1, 1, 1)
    rows = adjacency(dataclasses.replace(views, dense=both)).observation.rows
    for pair, (i, j) in enumerate(((0, 1), (0, 2), (1, 2))):
        likeness = torch.nn.functional.cosine_similarity(both[0, i, :, 0, 0, 0], both[0, j, :, 0, 0, 0], dim=0)
        for kind in ("adjacent", "distant"):
            assert rows[f"{kind}_similarity"][pair] == pytest.approx(float(likeness), abs=1e-5)


@pytest.mark.parametrize("loss", ["ranking", "cosine"])
def test_adjacency__loss_by_hand(loss: str) -> None:
    """From the similarities it reports: softplus of their difference over the temperature, or the difference."""
    output = task(loss=loss, temperature=0.2)(toy_views(INTERFACE, samples=3, seed=0))
    near, far = (output.observation.rows[f"{kind}_similarity"].astype(float) for kind in ("adjacent", "distant"))
    assert np.abs(near).max() <= 1 + 1e-5
    each = np.log1p(np.exp((far - near) / 0.2)) if loss == "ranking" else far - near
    assert output.loss.item() == pytest.approx(each.mean(), rel=1e-4, abs=1e-6)


def test_adjacency__similarity_is_the_cosine_of_the_heads_embeddings() -> None:
    """Of each of three views: towards the first and the second of the others, then away from them."""
    adjacency, embedded = task(), []
    adjacency.head.register_forward_hook(lambda module, inputs, output: embedded.append(output.detach()))
    rows = adjacency(toy_views(INTERFACE, samples=2, seed=0)).observation.rows
    chunks = embedded[0].unflatten(0, (2, 3))
    for pair, ((i, of_i), (j, of_j)) in enumerate((((0, 0), (1, 1)), ((0, 1), (2, 0)), ((1, 0), (2, 1)))):
        for kind, away in (("adjacent", 0), ("distant", 2)):
            expected = torch.cosine_similarity(chunks[:, i, of_i + away], chunks[:, j, of_j + away], dim=-1)
            np.testing.assert_allclose(rows[f"{kind}_similarity"][pair::3], expected, atol=1e-5)


def test_adjacency__coinciding_centres_are_ignored() -> None:
    """Two views in one place have nothing to rank: the loss is that of the other pairs, gradients stay finite."""
    views = toy_views(INTERFACE, samples=1, seed=0)
    centres = views.centres.clone()
    centres[:, 1] = centres[:, 0]
    adjacency = task()
    output = adjacency(dataclasses.replace(views, centres=centres))
    rows = output.observation.rows
    assert rows["adjacent_mm"][0] == rows["distant_mm"][0] == 0
    each = np.log1p(np.exp((rows["distant_similarity"] - rows["adjacent_similarity"]) / 0.1))
    assert output.loss.item() == pytest.approx(each[1:].mean(), rel=1e-4)
    nothing = adjacency(dataclasses.replace(views, centres=torch.zeros(1, 3, 3)))
    nothing.loss.backward()
    assert nothing.loss.item() == 0
    assert all(torch.isfinite(p.grad).all() for p in adjacency.parameters())


def test_adjacency__collapse_is_seen_in_the_rank() -> None:
    views = toy_views(INTERFACE, samples=4, seed=0)
    working, collapsed = task(), task()
    with torch.no_grad():
        collapsed.head[-1].weight.zero_()
    assert working(views).observation.measures["embedding_rank"].value > 2
    seen = collapsed(views).observation
    assert seen.measures["embedding_rank"].value < 1.01
    assert seen.measures["adjacency_accuracy_all"].value == pytest.approx(0.5)
