"""Which routes there are, and where they must end."""

import functools
import itertools

from jaxtyping import Float
from torch import Tensor

Route = tuple[int, ...]


@functools.lru_cache(maxsize=32)
def routes(views: int, most: int) -> tuple[Route, ...]:
    """Orderings of all K views: each visits every view once, from its first to its last. K = 2 has single steps."""
    return _thin(tuple(itertools.permutations(range(views))), most)


@functools.lru_cache(maxsize=32)
def tours(views: int, most: int) -> tuple[Route, ...]:
    """Closed walks through all K views, back to view 0; both senses of rotation are kept."""
    walks = tuple((0, *middle, 0) for middle in itertools.permutations(range(1, views)))
    return _thin(walks, most)


def follow(steps: Float[Tensor, "B K K 3"], paths: tuple[Route, ...]) -> Float[Tensor, "B P 3"]:
    """Where each path arrives, as a displacement from its start: the sum of its steps."""
    hops = steps.new_tensor([list(itertools.pairwise(path)) for path in paths]).long()
    return steps[:, hops[..., 0], hops[..., 1]].sum(dim=2)


def displacement(centres: Float[Tensor, "B K 3"], paths: tuple[Route, ...]) -> Float[Tensor, "B P 3"]:
    """Where each path truly arrives, mm from its start; zero for a tour."""
    return centres[:, [path[-1] for path in paths]] - centres[:, [path[0] for path in paths]]


def _thin(paths: tuple[Route, ...], most: int) -> tuple[Route, ...]:
    if len(paths) <= most:
        return paths
    return tuple(paths[n * len(paths) // most] for n in range(most))
