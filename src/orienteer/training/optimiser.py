"""AdamW and its schedule; the rate is a function of the step, so there is no schedule state to save."""

import math

import torch
from torch import nn

from orienteer.training.settings import OptimiserSettings


def build_optimiser(model: nn.Module, settings: OptimiserSettings) -> torch.optim.AdamW:
    """AdamW that decays weights but not norms, biases or other vectors."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(
        [
            {"params": [p for p in trained if p.ndim > 1], "weight_decay": settings.weight_decay},
            {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=settings.learning_rate,
    )


def learning_rate(step: int, settings: OptimiserSettings) -> float:
    """Rate of step ``step`` (0-based): linear warm-up, then a cosine down to ``final`` of the peak."""
    warm = max(1, round(settings.warmup * settings.steps))
    if step < warm:
        return settings.learning_rate * (step + 1) / warm
    progress = (step - warm) / max(1, settings.steps - warm)
    cosine = (1 + math.cos(math.pi * min(1.0, progress))) / 2
    return settings.learning_rate * (settings.final + (1 - settings.final) * cosine)
