"""Steps whose routes must arrive and whose tours must close (Zhang et al., arXiv 2509.05967)."""

import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

Route = tuple[int, ...]
"""Views in visiting order."""


@functools.lru_cache(maxsize=32)
def routes(views: int, most: int) -> tuple[Route, ...]:
    """Paths that visit each of the K views once; single steps for K = 2."""
    return tuple(_permutations(range(views), most))


@functools.lru_cache(maxsize=32)
def tours(views: int, most: int) -> tuple[Route, ...]:
    """Closed paths through all K views from view 0, in both directions."""
    return tuple((0, *middle, 0) for middle in _permutations(range(1, views), most))


def walks(centres: Float[Tensor, "B K 3"], most: int) -> dict[str, tuple[Route, ...]]:
    """All paths by kind: every ``step``, ``route`` and ``tour``."""
    views = centres.shape[1]
    single = tuple(itertools.permutations(range(views), 2))
    return {"step": single, "route": routes(views, most), "tour": tours(views, most)}


def follow(steps: Float[Tensor, "B K K 3"], paths: Sequence[Route]) -> Float[Tensor, "B P 3"]:
    """The end of each path as a displacement from its start: the sum of its steps."""
    views = _index(tuple(paths), steps.device)
    return steps[:, views[:, :-1], views[:, 1:]].sum(dim=2)


def displacement(centres: Float[Tensor, "B K 3"], paths: Sequence[Route]) -> Float[Tensor, "B P 3"]:
    """The true displacement from start to end of each path; zero for a tour."""
    start, end = _index(tuple((path[0], path[-1]) for path in paths), centres.device).unbind(1)
    return centres[:, end] - centres[:, start]


@functools.lru_cache(maxsize=64)
def _index(paths: tuple[Route, ...], device: torch.device) -> Tensor:
    """``(P, views)`` of paths of one length; sent to a device once."""
    return torch.tensor(paths, device=device)


def route(
    steps: Float[Tensor, "B K K 3"],
    centres_mm: Float[Tensor, "B K 3"],
    *,
    length_mm: float = 50.0,
    arrival_weight: float = 0.5,
    closure_weight: float = 0.5,
    max_routes: int = 120,
) -> Float[Tensor, ""]:
    """Error of single steps, of the ends of routes over all views, and of the closure of tours.

    Steps that are differences of positions close every tour by algebra: closure then teaches nothing.

    Args:
        steps: predicted step from view i to view j at ``[b, i, j]``, in units of ``length_mm``.
        centres_mm: true centres of the views.
        length_mm: length scale.
        arrival_weight: weight of the routes.
        closure_weight: weight of the tours.
        max_routes: largest number of routes, and of tours, evenly spaced among all orderings.

    Examples:
        >>> from orienteer.losses.displacement import gap_matrix
        >>> centres = torch.tensor([[[0.0, 0, 0], [30, 0, 0], [0, 40, 0]]])
        >>> round(float(route(gap_matrix(centres) / 50, centres)), 6)
        0.0
    """
    paths = walks(centres_mm, max_routes)
    ends = {kind: follow(steps, group) for kind, group in paths.items()}
    true = {kind: displacement(centres_mm, group) / length_mm for kind, group in paths.items()}
    return arrival(ends, true, arrival_weight=arrival_weight, closure_weight=closure_weight)


def arrival(
    ends: Mapping[str, Tensor], true: Mapping[str, Tensor], *, arrival_weight: float, closure_weight: float
) -> Float[Tensor, ""]:
    """The loss of ``route`` from the ends of its paths."""
    loss = functional.smooth_l1_loss(ends["step"], true["step"], beta=0.1)
    loss = loss + arrival_weight * functional.smooth_l1_loss(ends["route"], true["route"], beta=0.1)
    return loss + closure_weight * functional.smooth_l1_loss(ends["tour"], true["tour"], beta=0.1)


def _permutations(items: Sequence[int], most: int) -> Iterator[Route]:
    """At most ``most`` permutations, evenly spaced among all, which are never listed (16 items have 2e13)."""
    count = math.factorial(len(items))
    for n in range(min(most, count)):
        left, rank = list(items), n * count // most if count > most else n
        chosen = []
        for rest in range(len(items) - 1, -1, -1):
            index, rank = divmod(rank, math.factorial(rest))
            chosen.append(left.pop(index))
        yield tuple(chosen)
