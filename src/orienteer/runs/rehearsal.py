"""How long a pretraining takes: a few real steps of the network that would be trained, on noise, timed."""

import math
import statistics
import time

import torch

from orienteer.evaluation.assess import PROBED_PER_SCAN, PROBED_SHARE
from orienteer.evaluation.probes import PROBES
from orienteer.evaluation.so_far import PROBED
from orienteer.runs.build import build_model
from orienteer.runs.settings import PretrainSettings
from orienteer.training.devices import build_fabric, prepare_process, resolve
from orienteer.training.optimiser import build_optimiser
from orienteer.training.settings import EARLY

WARM_UP, TIMED = 2, 3
"""Steps that are made before, and those that count."""
LOADING = 1.06
"""What a step takes once views are drawn beside it."""
FORWARD = 1 / 3
"""Of a sample's part of a step that measuring it takes: the backward pass is the rest."""
STARTING = 12.0
"""Seconds for the loader to start and for the figures and pictures at the end."""


def rehearse(settings: PretrainSettings, *, channels: int, spacing: float) -> float:
    """Seconds of one step, on one device.

    Args:
        settings: of the pretraining.
        channels: of a scan.
        spacing: mm per voxel.
    """
    devices = resolve(settings.devices).model_copy(update={"devices": 1})
    prepare_process(devices)
    fabric = build_fabric(devices)
    inner = build_model(settings, channels=channels, spacing=spacing)
    model, optimiser = fabric.setup(inner, build_optimiser(inner, settings.optimiser, None))
    model.train()
    batch, views, size = settings.optimiser.batch, settings.views.count, settings.views.size
    generator = torch.Generator().manual_seed(settings.seed)
    images = torch.randn(batch, views, channels, size, size, size, generator=generator).to(fabric.device)
    centres = (100 * torch.rand(batch, views, 3, generator=generator)).to(fabric.device)
    address = torch.stack([torch.zeros(batch, dtype=torch.int64), torch.arange(batch)], dim=1)
    took = []
    for _ in range(WARM_UP + TIMED):
        began = time.perf_counter()
        loss = model(images, centres, size * spacing, address).loss
        optimiser.zero_grad(set_to_none=True)
        fabric.backward(loss)
        fabric.clip_gradients(model, optimiser, max_norm=settings.optimiser.clip, error_if_nonfinite=False)
        optimiser.step()
        float(loss.detach())
        took.append(time.perf_counter() - began)
    return statistics.median(took[WARM_UP:])


def pretraining_seconds(settings: PretrainSettings, step: float, validation: int) -> float:
    """Wall time of a whole pretraining: its steps, its validations, the figures and probes at its end.

    Args:
        settings: of the pretraining.
        step: seconds of one, see ``rehearse``.
        validation: scans to validate on.
    """
    sample = FORWARD * step / settings.optimiser.batch
    steps, kept, measured = settings.optimiser.steps, settings.checkpoint, settings.evaluation
    validations = 1 + math.ceil(steps / kept.every) + sum(early < min(steps, kept.every) for early in EARLY)
    probed = 1 + PROBED * len(PROBES)
    each = min(measured.samples, measured.per_scan * validation)
    last = min(measured.final_samples, measured.final_per_scan * validation)
    of_probes = len(PROBES) * min(last, measured.final_samples // PROBED_SHARE, PROBED_PER_SCAN * validation)
    return STARTING + LOADING * step * steps + sample * (validations * probed * each + last + of_probes)
