"""Displacements between views: the gap matrix (Zhang et al., arXiv 2509.05967)."""

import functools
import itertools
import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def gap_matrix(centres: Float[Tensor, "B K 3"]) -> Float[Tensor, "B K K 3"]:
    """``G[b, i, j] = c_j - c_i``, signed, per axis, in the unit of ``centres``."""
    return centres[:, None, :, :] - centres[:, :, None, :]


@functools.lru_cache(maxsize=64)
def ordered_pairs(views: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Indices i, j of the K (K - 1) ordered pairs of different views; sent to a device once."""
    pairs = torch.tensor(list(itertools.permutations(range(views), 2))).reshape(-1, 2)
    i, j = pairs.to(device).unbind(1)
    return i, j


def gap(
    steps: Float[Tensor, "B K K 3"],
    centres_mm: Float[Tensor, "B K 3"],
    *,
    length_mm: float = 50.0,
    distance_weight: float = 0.5,
    log_scale: Float[Tensor, "B K K 3"] | None = None,
) -> Float[Tensor, ""]:
    """Error of the predicted gap matrix: one term per axis and one on the distance alone.

    Args:
        steps: predicted gap from view i to view j at ``[b, i, j]``, in units of ``length_mm``; the diagonal is ignored.
        centres_mm: true centres of the views.
        length_mm: length scale.
        distance_weight: weight of the second term.
        log_scale: logarithm of a predicted Laplace scale, in the same units; the first term is then a likelihood.

    Returns:
        A scalar.

    Examples:
        >>> centres = torch.tensor([[[0.0, 0, 0], [30, 0, 0], [0, 40, 0]]])
        >>> float(gap(gap_matrix(centres) / 50, centres))
        0.0
    """
    i, j = ordered_pairs(centres_mm.shape[1], centres_mm.device)
    true, predicted = gap_matrix(centres_mm)[:, i, j] / length_mm, steps[:, i, j].float()
    if log_scale is None:
        loss = functional.smooth_l1_loss(predicted, true, beta=0.1)
    else:
        loss = laplace(predicted, true, log_scale[:, i, j])
    return loss + distance_weight * functional.smooth_l1_loss(_length(predicted), _length(true), beta=0.1)


def laplace(
    predicted: Float[Tensor, "*n"], true: Float[Tensor, "*n"], log_scale: Float[Tensor, "*n"]
) -> Float[Tensor, ""]:
    """Mean negative log-likelihood of a Laplace distribution of scale b, ``|e| / b + log 2b``.

    Examples:
        >>> float(laplace(torch.zeros(2), torch.ones(2), torch.zeros(2)))  # 1 + log 2
        1.6931471824645996
    """
    return ((predicted - true).abs() * torch.exp(-log_scale) + log_scale + math.log(2)).mean()


def _length(vectors: Tensor) -> Tensor:
    # The small constant keeps the gradient finite where two views share a centre.
    return (vectors.square().sum(-1) + 1e-8).sqrt()
