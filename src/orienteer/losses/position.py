"""The position field: a position at every dense cell, up to one shift per scan."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def position(
    predicted: Float[Tensor, "B n 3"],
    positions_mm: Float[Tensor, "B n 3"],
    weight: Float[Tensor, "B n"],
    *,
    length_mm: float = 50.0,
) -> Float[Tensor, ""]:
    """Error between two centred point clouds; they are centred because the position of the scan is unknown.

    Args:
        predicted: positions of n cells of all views of a scan, in units of ``length_mm``.
        positions_mm: true positions (``cell_positions``).
        weight: 1 for the cells that count, else 0.
        length_mm: length scale.

    Examples:
        >>> true = torch.tensor([[[0.0, 0, 0], [30, 0, 0]]])
        >>> round(float(position(true / 50 + 7, true, torch.ones(1, 2))), 6)  # a shift of the whole scan costs nothing
        0.0
    """
    return cloud(centred(predicted, weight), centred(positions_mm / length_mm, weight), weight)


def cloud(
    predicted: Float[Tensor, "B n 3"], true: Float[Tensor, "B n 3"], weight: Float[Tensor, "B n"]
) -> Float[Tensor, ""]:
    """The loss of ``position`` between clouds that are already centred."""
    each = functional.smooth_l1_loss(predicted, true, beta=0.1, reduction="none").mean(-1)
    return (each * weight).sum() / weight.sum().clamp(min=1)


def cell_positions(centres: Float[Tensor, "B K 3"], cells: int, view_mm: float) -> Float[Tensor, "B K n 3"]:
    """Position of every cell of a ``cells``^3 grid that fills each view, mm; ``n = cells**3`` in C order."""
    line = ((torch.arange(cells, device=centres.device, dtype=centres.dtype) + 0.5) / cells - 0.5) * view_mm
    grid = torch.stack(torch.meshgrid(line, line, line, indexing="ij"), dim=-1).reshape(-1, 3)
    return centres[:, :, None, :] + grid


def centred(positions: Float[Tensor, "B n 3"], weight: Float[Tensor, "B n"]) -> Float[Tensor, "B n 3"]:
    """Positions minus their weighted mean per scan, which removes an unknown shift.

    Comparing two centred clouds compares every pair of their points without listing the pairs.
    """
    total = weight.sum(dim=1, keepdim=True).clamp(min=1)
    mean = (positions * weight[..., None]).sum(dim=1, keepdim=True) / total[..., None]
    return positions - mean
