"""Which routes there are, and where they must end."""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence

from jaxtyping import Float
from torch import Tensor

Route = tuple[int, ...]


@functools.lru_cache(maxsize=32)
def routes(views: int, most: int) -> tuple[Route, ...]:
    """Orderings of all K views: each visits every view once, from its first to its last. K = 2 has single steps."""
    return tuple(_permutations(range(views), most))


@functools.lru_cache(maxsize=32)
def tours(views: int, most: int) -> tuple[Route, ...]:
    """Closed walks through all K views, back to view 0; both senses of rotation are kept."""
    return tuple((0, *middle, 0) for middle in _permutations(range(1, views), most))


def follow(steps: Float[Tensor, "B K K 3"], paths: tuple[Route, ...]) -> Float[Tensor, "B P 3"]:
    """Where each path arrives, as a displacement from its start: the sum of its steps."""
    hops = steps.new_tensor([list(itertools.pairwise(path)) for path in paths]).long()
    return steps[:, hops[..., 0], hops[..., 1]].sum(dim=2)


def displacement(centres: Float[Tensor, "B K 3"], paths: tuple[Route, ...]) -> Float[Tensor, "B P 3"]:
    """Where each path truly arrives, mm from its start; zero for a tour."""
    return centres[:, [path[-1] for path in paths]] - centres[:, [path[0] for path in paths]]


def _permutations(items: Sequence[int], most: int) -> Iterator[Route]:
    """At most so many of all permutations, evenly spaced in their order; of 16 items there are 2e13."""
    count = math.factorial(len(items))
    for n in range(min(most, count)):
        left, place = list(items), n * count // most if count > most else n
        chosen = []
        for rest in range(len(items) - 1, -1, -1):
            index, place = divmod(place, math.factorial(rest))
            chosen.append(left.pop(index))
        yield tuple(chosen)
