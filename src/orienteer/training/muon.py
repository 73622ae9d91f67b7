"""Muon: the momentum of a weight matrix, orthogonalised, is its step; everything else is stepped by AdamW.

Jordan et al. 2024 (https://kellerjordan.github.io/posts/muon), with the scale of Liu et al. 2025 (arXiv 2502.16982), by
which a step is as large as AdamW's and the same rates and decays fit both. PyTorch's own takes matrices only.
"""

from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the polynomial that brings singular values towards 1, by Jordan et al."""
ITERATIONS = 5
AS_ADAMW = 0.2
"""Root mean square of a usual step of AdamW, in rates (Liu et al.)."""
BETAS, EPSILON = (0.9, 0.999), 1e-8
"""AdamW's own."""
NARROWEST = 4
"""Rows and columns that a matrix needs: fewer are the last layer of a head, whose rows are no mixture of each other."""


class Muon(torch.optim.Optimizer):
    """Muon for the groups with ``muon=True``, AdamW for all others.

    A kernel ``(out, in, d, h, w)`` is a matrix of its outputs by all that each of them sees.

    Args:
        groups: as of any optimiser, with ``weight_decay`` and ``muon``.
        lr: rate of groups that give none.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0, "muon": False})

    @staticmethod
    def fits(weight: Tensor) -> bool:
        """Whether a weight is stepped as a matrix."""
        return weight.ndim > 1 and min(len(weight), weight[0].numel()) >= NARROWEST

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step along the gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            trained = [weight for weight in group["params"] if weight.grad is not None]
            if group["muon"]:
                for weight in trained:
                    self._orthogonal(weight, weight.grad, group["lr"], group["weight_decay"])
            elif trained:
                self._adamw(trained, group)
        return loss

    def _orthogonal(self, weight: Tensor, gradient: Tensor, rate: float, decay: float) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        momentum = state["momentum"].mul_(MOMENTUM).add_(gradient)
        ahead = gradient.add(momentum, alpha=MOMENTUM).flatten(1)  # Nesterov's
        step = orthogonal(ahead).view_as(weight)
        weight.mul_(1 - rate * decay).add_(step, alpha=-rate * AS_ADAMW * max(ahead.shape) ** 0.5)

    def _adamw(self, weights: list[Tensor], group: dict[str, Any]) -> None:
        for weight in weights:
            if not self.state[weight]:
                moments = {name: torch.zeros_like(weight) for name in ("exp_avg", "exp_avg_sq")}
                self.state[weight].update(step=torch.zeros(()), **moments)
        states = [self.state[weight] for weight in weights]
        adamw(
            weights,
            [weight.grad for weight in weights if weight.grad is not None],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=EPSILON,
            maximize=False,
        )


def orthogonal(matrix: Tensor) -> Tensor:
    """The orthogonal matrix nearest to one, roughly: its singular values come to lie between 0.7 and 1.2.

    The iteration is made on the Gram matrix of the shorter side: every iterate is a polynomial of it times the matrix,
    so the long side is touched twice instead of ten times.

    Args:
        matrix: ``(n, m)``.
    """
    wide = matrix if len(matrix) <= matrix.shape[1] else matrix.T
    wide = wide.float() / wide.float().norm().clamp(min=torch.finfo(torch.float32).tiny)
    first, second, third = COEFFICIENTS
    gram = wide @ wide.T
    identity = torch.eye(len(gram), device=gram.device)
    product = identity
    for iteration in range(ITERATIONS):
        factor = torch.addmm(first * identity + second * gram, gram, gram, alpha=third)
        product = factor @ product if iteration else factor
        if iteration < ITERATIONS - 1:
            gram = factor @ gram @ factor
    result: Tensor = product @ wide
    return (result if len(matrix) <= matrix.shape[1] else result.T).to(matrix.dtype)
