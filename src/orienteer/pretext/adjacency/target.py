"""Adjacent and distant chunk boxes of every pair of views, as places inside each view."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from orienteer.geometry import chunk_pair


class ChunkPlaces(NamedTuple):
    """Chunk centres as offsets from their own view's centre, mm, and the distances between chunks.

    Attributes:
        towards_i: in view i, slid towards j; the adjacent chunk.
        towards_j: in view j, slid towards i; the adjacent chunk.
        adjacent_mm: distance between the adjacent chunks' centres.
        distant_mm: distance between the distant chunks' centres, which sit at the negated offsets.
    """

    towards_i: Float[Tensor, "B P 3"]
    towards_j: Float[Tensor, "B P 3"]
    adjacent_mm: Float[Tensor, "B P"]
    distant_mm: Float[Tensor, "B P"]


def chunk_places(
    centres: Float[Tensor, "B K 3"], i: Tensor, j: Tensor, *, view_mm: float, chunk_mm: float
) -> ChunkPlaces:
    """Places of the four chunks of each pair (i, j), from geometry alone."""
    start, end = centres[:, i].double().cpu().numpy(), centres[:, j].double().cpu().numpy()
    edge = torch.ones(3, dtype=torch.float64).numpy()
    pair = chunk_pair(start, end, edge * view_mm, edge * chunk_mm)

    def tensor(values: object) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=centres.device)

    return ChunkPlaces(
        towards_i=tensor(pair.adjacent_i - start),
        towards_j=tensor(pair.adjacent_j - end),
        adjacent_mm=tensor(pair.adjacent_distance),
        distant_mm=tensor(pair.distant_distance),
    )
