"""Routes and tours: which there are, where they end, and what missing costs."""

import itertools
import math

import pytest
import torch

from orienteer.losses.routes import displacement, follow, routes, tours

CENTRES = torch.tensor([[[0.0, 0.0, 0.0], [30.0, -40.0, 0.0], [-10.0, 20.0, 50.0]]])


def test_routes__of_three_views() -> None:
    assert set(routes(3, 120)) == {(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)}
    assert tours(3, 120) == ((0, 1, 2, 0), (0, 2, 1, 0))


@pytest.mark.parametrize("views", [2, 3, 4, 5])
def test_routes__all_orderings_and_all_tours(views: int) -> None:
    assert len(set(routes(views, 1000))) == len(routes(views, 1000)) == math.factorial(views)
    assert len(set(tours(views, 1000))) == len(tours(views, 1000)) == math.factorial(views - 1)
    assert all(sorted(path) == list(range(views)) for path in routes(views, 1000))
    assert all(path[0] == path[-1] == 0 and sorted(path[:-1]) == list(range(views)) for path in tours(views, 1000))


def test_routes__too_many_are_thinned_evenly() -> None:
    every, some = list(itertools.permutations(range(5))), routes(5, 30)
    assert some == tuple(every[::4])
    assert {path[0] for path in some} == set(range(5))
    assert len(tours(8, 120)) == 120 == len(set(tours(8, 120)))


@pytest.mark.parametrize("most", [1, 5, 7, 119, 120, 500])
def test_routes__are_those_of_the_full_list(most: int) -> None:
    every = list(itertools.permutations(range(5)))
    kept = every if len(every) <= most else [every[n * len(every) // most] for n in range(most)]
    assert list(routes(5, most)) == kept


def test_routes__of_many_views_are_not_listed_first() -> None:
    found = routes(16, 24)
    assert len(set(found)) == 24 and all(sorted(route) == list(range(16)) for route in found)
    assert all(tour[0] == tour[-1] == 0 for tour in tours(16, 24))


def test_follow__sums_the_steps_of_a_path() -> None:
    steps = torch.zeros(1, 3, 3, 3)
    steps[0, 0, 1], steps[0, 1, 2] = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([10.0, 20.0, 30.0])
    steps[0, 2, 0], steps[0, 2, 1] = torch.tensor([100.0, 0.0, 0.0]), torch.tensor([1000.0, 0.0, 0.0])
    assert follow(steps, ((0, 1, 2), (1, 2, 0), (2, 1, 2)))[0].tolist() == [[11, 22, 33], [110, 20, 30], [1010, 20, 30]]
    assert follow(steps, ((0, 1, 2, 0),))[0, 0].tolist() == [111, 22, 33]


def test_displacement__by_hand() -> None:
    assert displacement(CENTRES, ((0, 1, 2), (2, 0, 1), (0, 1, 2, 0)))[0].tolist() == [
        [-10, 20, 50],
        [40, -60, -50],
        [0, 0, 0],
    ]


def test_follow__true_steps_arrive_and_close() -> None:
    true_steps = CENTRES[:, None] - CENTRES[:, :, None]
    for paths in (routes(3, 120), tours(3, 120)):
        torch.testing.assert_close(follow(true_steps, paths), displacement(CENTRES, paths))
