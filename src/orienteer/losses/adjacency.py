"""Adjacent against distant chunks: their positions, sampling and ranking (arXiv 2509.05967)."""

from typing import Literal, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from orienteer.geometry import chunk_pair

CELLS = 3
"""A chunk is sampled on CELLS^3 points, which keeps its layout."""


def adjacency(
    adjacent: Float[Tensor, "*n"],
    distant: Float[Tensor, "*n"],
    *,
    differs: Bool[Tensor, "*n"] | None = None,
    form: Literal["ranking", "cosine"] = "ranking",
    temperature: float = 0.1,
) -> Float[Tensor, ""]:
    """The adjacent pair of chunks should be more similar than the distant pair.

    Args:
        adjacent: cosine similarity of the adjacent chunks of each pair of views.
        distant: the same of the distant chunks.
        differs: pairs that count; where two centres coincide, there is nothing to rank. None for all.
        form: ``ranking`` compares the two; ``cosine`` is ``distant - adjacent``, the plain form, which can collapse.
        temperature: softness of the ranking.

    Examples:
        >>> float(adjacency(torch.tensor([0.0]), torch.tensor([0.0])))  # undecided: log 2
        0.6931471824645996
    """
    each = functional.softplus((distant - adjacent) / temperature) if form == "ranking" else distant - adjacent
    if differs is None:
        differs = torch.ones_like(each, dtype=torch.bool)
    return (each * differs).sum() / differs.sum().clamp(min=1)


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
    """Positions of the four chunks of each pair (i, j), from geometry alone."""
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


def sample_chunks(
    dense: Float[Tensor, "N C s s s"], centre: Float[Tensor, "N M 3"], share: float
) -> Float[Tensor, "N M C cells cells cells"]:
    """Cut M cubic chunks out of each feature map by trilinear sampling; chunks may lie between cells.

    Args:
        dense: feature maps.
        centre: chunk centres, each axis in [-1, 1] over the view (-1 is its first face, 1 its last).
        share: chunk edge as a share of the view's edge.
    """
    line = (torch.arange(CELLS, device=dense.device, dtype=torch.float32) + 0.5) / CELLS * 2 - 1
    grid = torch.stack(torch.meshgrid(line, line, line, indexing="ij"), dim=-1) * share
    points = centre[:, :, None, None, None, :].float() + grid
    # grid_sample wants the last spatial axis first, and has one axis for chunks and their first.
    sampled = functional.grid_sample(
        dense.float(), points.flatten(1, 2).flip(-1), mode="bilinear", padding_mode="border", align_corners=False
    )
    return sampled.reshape(*sampled.shape[:2], -1, CELLS, CELLS, CELLS).transpose(1, 2)
