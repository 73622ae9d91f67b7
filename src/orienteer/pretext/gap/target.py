"""The true gap matrix, from view centres alone."""

from jaxtyping import Float
from torch import Tensor


def gap_matrix(centres: Float[Tensor, "B K 3"]) -> Float[Tensor, "B K K 3"]:
    """``G[b, i, j] = c_j - c_i`` in mm, signed, per axis."""
    return centres[:, None, :, :] - centres[:, :, None, :]
