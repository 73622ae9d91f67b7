"""The contrastive loss over a batch of views."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

NOBODY = -1e4
"""Stands for the similarity of a view that is no candidate."""


def same_scan(samples: int, views: int, device: torch.device) -> tuple[Bool[Tensor, "N N"], Bool[Tensor, "N N"]]:
    """Which of the N = B K views are positives of each other (same scan, not itself), and which are negatives."""
    owner = torch.arange(samples, device=device).repeat_interleave(views)
    same = owner[:, None] == owner
    return same & ~torch.eye(len(owner), dtype=torch.bool, device=device), ~same


def nt_xent(
    cosine: Float[Tensor, "N N"],
    positive: Bool[Tensor, "N N"],
    negative: Bool[Tensor, "N N"],
    temperature: float,
) -> Float[Tensor, ""]:
    """Normalised temperature-scaled cross-entropy (NT-Xent), averaged over all (view, positive) pairs.

    Each pair competes with the view's negatives alone: of K > 2 views of a scan, the other positives are left out of
    the denominator, so that they do not push each other away. For K = 2 this is the published loss.
    """
    logits = cosine / temperature
    rivals = torch.logsumexp(logits.masked_fill(~negative, NOBODY), dim=1, keepdim=True)
    each = functional.softplus(rivals - logits)  # -log(e^s / (e^s + sum of e^rivals))
    return each[positive].mean()
