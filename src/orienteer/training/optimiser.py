"""The optimiser: which weights it moves, and how."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from orienteer.training.muon import Muon
from orienteer.training.settings import OptimiserSettings


@dataclass(frozen=True)
class Gentle:
    """Weights that learn more slowly than the others.

    Attributes:
        names: of the parameters.
        scale: their rate as a share of the others'.
        starts: step before which they do not move at all.
    """

    names: frozenset[str]
    scale: float
    starts: int


def build_optimiser(
    model: nn.Module, settings: OptimiserSettings, gentle: Gentle | None = None, *, fused: bool = True
) -> torch.optim.Optimizer:
    """The optimiser named in the settings; it decays weights but not norms, biases or other vectors.

    ``fused`` makes a step of AdamW in one pass over the weights; a float16 scaler cannot clip the gradients then.
    """
    trained = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    groups: list[dict[str, Any]] = []
    for slow in (False, True):
        chosen = [p for name, p in trained if (gentle is not None and name in gentle.names) == slow]
        schedule = {"scale": gentle.scale, "starts": gentle.starts} if slow and gentle is not None else {}
        if chosen:
            groups += [
                {"params": [p for p in chosen if p.ndim > 1], "weight_decay": settings.weight_decay, **schedule},
                {"params": [p for p in chosen if p.ndim <= 1], "weight_decay": 0.0, **schedule},
            ]
    if settings.name == "adamw":
        return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=fused)
    parts = [
        {**group, "params": [p for p in group["params"] if Muon.fits(p) == muon], "muon": muon}
        for group in groups
        for muon in (True, False)
    ]
    return Muon([part for part in parts if part["params"]], settings.learning_rate)


def set_rates(optimiser: torch.optim.Optimizer, step: int, rate: float) -> None:
    """Give every group its rate of step ``step``, given that of ordinary weights."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("scale", 1.0) if step >= group.get("starts", 0) else 0.0
