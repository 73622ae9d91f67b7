"""True positions of dense cells, from view centres and the grid alone."""

import torch
from jaxtyping import Float
from torch import Tensor


def cell_positions(centres: Float[Tensor, "B K 3"], cells: int, view_mm: float) -> Float[Tensor, "B K n 3"]:
    """Position of every cell of a ``cells``^3 grid that fills each view, mm; ``n = cells**3`` in C order."""
    line = ((torch.arange(cells, device=centres.device, dtype=centres.dtype) + 0.5) / cells - 0.5) * view_mm
    grid = torch.stack(torch.meshgrid(line, line, line, indexing="ij"), dim=-1).reshape(-1, 3)
    return centres[:, :, None, :] + grid


def centred(positions: Float[Tensor, "B n 3"], weight: Float[Tensor, "B n"]) -> Float[Tensor, "B n 3"]:
    """Positions minus their weighted mean per scan: what is left once an unknown shift is taken out.

    Comparing two centred clouds compares every pair of their points, without listing the pairs.
    """
    total = weight.sum(dim=1, keepdim=True).clamp(min=1)
    mean = (positions * weight[..., None]).sum(dim=1, keepdim=True) / total[..., None]
    return positions - mean
