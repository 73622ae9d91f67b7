"""The two forms of a pair head, the trap of algebraic closure, and the figures of displacements."""

import pytest
import torch

from orienteer.losses.routes import follow, routes, tours
from orienteer.pretext.contract import Interface
from orienteer.pretext.displacement import PairHead
from orienteer.pretext.route import RouteSettings, RouteTask
from orienteer.testing.toy_views import bare_views

INTERFACE = Interface(embedding=16, dense_channels=4, views=4, view_mm=72.0)


def embeddings(views: int = 4) -> torch.Tensor:
    return torch.randn(8, views, 16, generator=torch.Generator().manual_seed(views))


@pytest.mark.parametrize("views", [3, 4, 5])
def test_pair_head__difference_closes_every_tour_untrained_and_pairwise_does_not(views: int) -> None:
    """METHOD's trap: the zero of ``difference`` is algebra, so it must never be shown as something learned."""
    length_mm = 50
    closed = tours(views, 120)
    torch.manual_seed(0)
    difference = follow(PairHead(16, "difference")(embeddings(views)), closed) * length_mm
    pairwise = follow(PairHead(16, "pairwise")(embeddings(views)), closed) * length_mm
    assert difference.norm(dim=-1).max() < 2e-5
    assert pairwise.norm(dim=-1).min() > 0.1


def test_pair_head__difference_makes_every_route_the_direct_step() -> None:
    torch.manual_seed(0)
    steps = PairHead(16, "difference")(embeddings())
    paths = routes(4, 120)
    direct = torch.stack([steps[:, path[0], path[-1]] for path in paths], dim=1)
    torch.testing.assert_close(follow(steps, paths), direct, rtol=0, atol=1e-6)


def test_route__closure_is_zero_for_difference_whatever_the_features_are() -> None:
    """The figure itself: closure 0 mm beside an arrival error that is as bad as chance."""
    centres = (torch.rand(8, 4, 3, generator=torch.Generator().manual_seed(1)) - 0.5) * 150
    views = bare_views(embeddings(), centres)
    closure = {}
    for form in ("difference", "pairwise"):
        torch.manual_seed(0)
        task = RouteTask(RouteSettings.build({"form": form}), INTERFACE)
        measures = task(views).observation.measures
        closure[form] = measures["route_closure_mm"].value
        assert measures["route_closure_mm"].chance is None
        assert measures["route_arrival_mm"].value > 0.7 * measures["route_arrival_mm"].chance
    assert closure["difference"] < 2e-5
    assert closure["pairwise"] > 0.5


def test_pair_head__step_of_a_pair_reads_start_then_end() -> None:
    """``[b, i, j]`` depends on views i and j alone, and in that order."""
    for form in ("difference", "pairwise"):
        torch.manual_seed(0)
        head = PairHead(16, form)
        z = embeddings(3)
        steps = head(z)
        assert steps.shape == (8, 3, 3, 3)
        torch.testing.assert_close(head(z[:, [0, 2]])[:, 0, 1], steps[:, 0, 2])
        torch.testing.assert_close(head(z[:, [2, 0]])[:, 0, 1], steps[:, 2, 0])
        assert not torch.allclose(steps[:, 0, 2], steps[:, 2, 0], atol=1e-3)
    z = embeddings(3)
    expected = head.mlp(torch.cat([z[:, 1], z[:, 2]], dim=-1))
    torch.testing.assert_close(head(z)[:, 1, 2], expected)


def test_pair_head__difference_is_end_minus_start() -> None:
    head = PairHead(3, "difference")
    head.mlp = torch.nn.Identity()  # the embedding is the position
    z = torch.tensor([[[1.0, 2.0, 3.0], [11.0, 0.0, 3.0]]])
    assert head(z)[0, 0, 1].tolist() == [10, -2, 0]
    assert head(z)[0, 1, 0].tolist() == [-10, 2, 0]


def test_pair_head__outputs_and_width_are_chosen() -> None:
    head = PairHead(16, "pairwise", outputs=5, hidden=7)
    assert head(embeddings(2)).shape == (8, 2, 2, 5)
    assert head.mlp[0].weight.shape == (7, 32)
