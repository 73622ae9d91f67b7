"""Adjacent and distant chunks of a pair of views (METHOD, sub-task 2).

On the line between two view centres, a chunk is slid inside each view towards the other view (*adjacent*) or
away from it (*distant*) until it touches a face of the view.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray


@dataclass(frozen=True, eq=False)
class ChunkPair:
    """Chunk centres ``(..., 3)`` in mm, in the frame of the view centres."""

    adjacent_i: Float[ndarray, "*n 3"]
    adjacent_j: Float[ndarray, "*n 3"]
    distant_i: Float[ndarray, "*n 3"]
    distant_j: Float[ndarray, "*n 3"]

    @property
    def adjacent_distance(self) -> Float[ndarray, "*n"]:
        """Distance between the two adjacent chunks' centres, mm."""
        return np.linalg.norm(self.adjacent_j - self.adjacent_i, axis=-1)  # type: ignore[no-any-return]

    @property
    def distant_distance(self) -> Float[ndarray, "*n"]:
        """Distance between the two distant chunks' centres, mm."""
        return np.linalg.norm(self.distant_j - self.distant_i, axis=-1)  # type: ignore[no-any-return]


def chunk_offsets(
    gap: Float[ndarray, "*n 3"], view_mm: Float[ndarray, "3"], chunk_mm: Float[ndarray, "3"]
) -> Float[ndarray, "*n 3"]:
    """Offset of view i's adjacent chunk from its centre, mm.

    With free room ``a = (view - chunk) / 2`` per axis and direction ``u = gap``, the offset is
    ``u * min_axis(a / |u|)``: along the line, up to the first face. An axis with ``u = 0`` never limits; a zero
    gap gives a zero offset.

    Raises:
        ValueError: the chunk is larger than the view.
    """
    room = (view_mm - chunk_mm) / 2
    if (room < 0).any():
        raise ValueError(f"a chunk of {chunk_mm} mm does not fit a view of {view_mm} mm")
    length = np.abs(gap)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        reach = np.where(length > 0, room / length, np.inf).min(axis=-1, keepdims=True)
    return gap * np.where(np.isfinite(reach), reach, 0.0)


def chunk_pair(
    centre_i: Float[ndarray, "*n 3"],
    centre_j: Float[ndarray, "*n 3"],
    view_mm: Float[ndarray, "3"],
    chunk_mm: Float[ndarray, "3"],
) -> ChunkPair:
    """The four chunk centres of each pair of views, mm."""
    offset = chunk_offsets(centre_j - centre_i, view_mm, chunk_mm)
    return ChunkPair(
        adjacent_i=centre_i + offset,
        adjacent_j=centre_j - offset,
        distant_i=centre_i - offset,
        distant_j=centre_j + offset,
    )
