"""The contrastive loss over a batch of views (Chen et al., ICML 2020, arXiv 2002.05709)."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

NO_CANDIDATE = -1e4
"""Similarity of views that are not candidates."""


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

    Each pair competes with the view's negatives alone: for K > 2 views of a scan, the other positives are left out of
    the denominator, so that they do not repel each other. For K = 2 this is the published loss.

    Args:
        cosine: similarity of every two of N views.
        positive: pairs that should be similar (``same_scan``).
        negative: pairs that should not.
        temperature: similarities are divided by it.

    Examples:
        >>> positive, negative = same_scan(2, 2, torch.device("cpu"))
        >>> round(float(nt_xent(torch.eye(4), positive, negative, 0.5)), 4)  # nothing alike: one against two negatives
        1.0986
    """
    logits = cosine / temperature
    rivals = torch.logsumexp(logits.masked_fill(~negative, NO_CANDIDATE), dim=1, keepdim=True)
    each = functional.softplus(rivals - logits)  # -log(e^s / (e^s + sum of e^rivals))
    return each[positive].mean()
