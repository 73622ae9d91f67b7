"""Heads that say where view j lies as seen from view i, in two forms."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

Form = Literal["difference", "pairwise"]


class PairHead(nn.Module):
    """Displacements of every ordered pair of views.

    ``difference``: one position per view, step = p_j - p_i. Every route then closes by algebra, trained or not.
    ``pairwise``: step = h(z_i, z_j). It can contradict itself, so closing routes must be learned.

    Args:
        embedding: E.
        form: which of the two.
        outputs: numbers per pair (3 for a displacement).
        hidden: width of the hidden layer.
    """

    def __init__(self, embedding: int, form: Form, *, outputs: int = 3, hidden: int = 256) -> None:
        super().__init__()
        self.form = form
        inputs = embedding if form == "difference" else 2 * embedding
        self.mlp = nn.Sequential(
            nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, outputs)
        )

    def forward(self, z: Float[Tensor, "B K E"]) -> Float[Tensor, "B K K outputs"]:
        """``[b, i, j]``: the step from view i to view j. The diagonal of ``pairwise`` is not forced to zero."""
        if self.form == "difference":
            position = self.mlp(z)
            steps: Tensor = position[:, None, :, :] - position[:, :, None, :]
            return steps
        views = z.shape[1]
        start = z[:, :, None, :].expand(-1, -1, views, -1)
        end = z[:, None, :, :].expand(-1, views, -1, -1)
        pair: Tensor = self.mlp(torch.cat([start, end], dim=-1))
        return pair


def ordered_pairs(views: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Indices i, j of the K (K - 1) ordered pairs of different views."""
    i, j = torch.meshgrid(torch.arange(views, device=device), torch.arange(views, device=device), indexing="ij")
    keep = i != j
    return i[keep], j[keep]
