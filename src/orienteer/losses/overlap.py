"""Predicted overlap of crops with base crops (VoCo: Wu et al., CVPR 2024, arXiv 2402.17300)."""

import torch
from jaxtyping import Float
from torch import Tensor

NEARLY_ONE = 1 - 1e-4
"""Largest error that counts, which keeps the loss finite."""


def overlaps(crops: Float[Tensor, "B R 3"], bases: Float[Tensor, "B Q 3"], view_mm: float) -> Float[Tensor, "B R Q"]:
    """Share of each crop's volume that lies in each base crop, all cubes of edge ``view_mm``. Sums to 1 in a grid."""
    apart = (crops[:, :, None] - bases[:, None]).abs()
    return (1 - apart / view_mm).clamp(min=0).prod(-1)


def overlap(cosine: Float[Tensor, "B R Q"], true: Float[Tensor, "B R Q"]) -> Float[Tensor, ""]:
    """Mean of ``-log(1 - |overlap - similarity|)``, the paper's prediction loss.

    Without overlap a similarity below 0 is as good as 0. With overlap it is kept, because clamping it at 0, as the
    published code does, would leave no gradient.

    Args:
        cosine: similarity of each of R random crops to each of Q base crops of the same scan.
        true: share of the crop's volume that lies in the base crop (``overlaps``).

    Examples:
        >>> shares, similarities = torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[0.5, 0.0]]])
        >>> round(float(overlap(similarities, shares)), 4)  # half of log 2: the second one is right
        0.3466
    """
    similarity = torch.where(true > 0, cosine, cosine.clamp(min=0))
    return -torch.log1p(-(true - similarity).abs().clamp(max=NEARLY_ONE)).mean()


def apart_loss(bases: Float[Tensor, "B Q E"]) -> Float[Tensor, ""]:
    """Mean absolute cosine of every two base crops of a scan; ``bases`` have unit length."""
    count = bases.shape[1]
    i, j = torch.triu_indices(count, count, offset=1, device=bases.device)
    return (bases[:, i] * bases[:, j]).sum(-1).abs().mean()
