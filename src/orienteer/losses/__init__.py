"""Losses of the pretext tasks as pure functions: tensors in, a scalar out. No settings, no heads, no state.

True positions are given in mm and divided by a length scale, so that a network's outputs are near 1; a prediction "in
units of ``length_mm``" times ``length_mm`` is in mm.

Examples:
    >>> import torch
    >>> from orienteer import losses
    >>> centres_mm = torch.tensor([[[0.0, 0, 0], [30, 0, 0]]])  # (B, K, 3)
    >>> steps = (centres_mm[:, None] - centres_mm[:, :, None]) / 50  # (B, K, K, 3), from view i to view j
    >>> float(losses.gap(steps, centres_mm, length_mm=50))
    0.0
"""

from orienteer.losses.adjacency import adjacency
from orienteer.losses.contrastive import nt_xent
from orienteer.losses.displacement import gap, laplace
from orienteer.losses.overlap import overlap
from orienteer.losses.position import position
from orienteer.losses.restoration import masked
from orienteer.losses.routes import route

__all__ = ["adjacency", "gap", "laplace", "masked", "nt_xent", "overlap", "position", "route"]
