"""Two processes train what one does: the same samples, shared, and gradients averaged."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from orienteer.pretext.model import SpatialModel
from orienteer.runs.build import build_model
from orienteer.runs.pretrain import pretrain
from orienteer.runs.settings import PretrainSettings
from orienteer.sampling.loader import step_numbers
from orienteer.testing.phantom import phantom_store
from orienteer.training.checkpoint import latest_checkpoint
from tests.pretext.test_model import batch, model

# Dense features only, so that the embedding's pooling has no gradient: plain DDP stops at that. With few voxels every
# view gives equally many, so that the mean over two halves of a batch is the mean over the batch.
TASKS = {"gap": None, "adjacency": None, "route": None, "position": {"voxels": 40}}


def settings(devices: int) -> PretrainSettings:
    return PretrainSettings.build(
        {
            "tasks": TASKS,
            "views": {"size": 16},
            "network": {"name": "unet", "size": "tiny", "options": {"features": [4, 8, 8]}},
            "optimiser": {"steps": 4, "batch": 2, "learning_rate": 1e-3},
            "devices": {"accelerator": "cpu", "devices": devices, "precision": "32-true", "threads": 1, "workers": 0},
            "evaluation": {"per_scan": 2, "final_per_scan": 2, "examples": 0},
        }
    )


def weights(run: Path) -> tuple[int, Tensor]:
    checkpoint, _ = latest_checkpoint(run / "checkpoints")
    assert checkpoint is not None
    return checkpoint.step, flat(checkpoint.model)


def flat(tensors: dict[str, Tensor]) -> Tensor:
    return torch.cat([tensors[key].flatten().double() for key in sorted(tensors)])


@pytest.mark.slow
def test_distributed__two_processes_end_with_the_weights_of_one(tmp_path: Path) -> None:
    store = phantom_store(tmp_path, people=4, shape=(24, 24, 24), labels=False)
    for devices in (1, 2):
        pretrain(store, tmp_path / str(devices), settings=settings(devices), progress=False)
    (steps, one), (also, two) = weights(tmp_path / "1"), weights(tmp_path / "2")
    assert steps == also == 4
    start = flat(build_model(settings(1), channels=1, spacing=3.0).state_dict())
    moved, apart = (one - start).norm(), (two - one).norm()
    assert moved > 0.05
    assert apart < 0.03 * moved, f"the runs moved {moved:.3g} and ended {apart:.3g} apart"
    lines = [len((tmp_path / str(n) / "observations.jsonl").read_text().splitlines()) for n in (1, 2)]
    assert lines[0] == lines[1] > 0, "only the first process may write records"


def test_distributed__processes_share_each_batch_without_gap_or_overlap() -> None:
    alone = step_numbers(3, 7, 6)
    shares = [step_numbers(3, 7, 6, rank=rank, processes=3) for rank in range(3)]
    for step, numbers in enumerate(alone):
        parts = [share[step] for share in shares]
        assert all(len(part) == 2 for part in parts)
        assert sorted(number for part in parts for number in part) == numbers
    assert alone[0] == list(range(18, 24))


@pytest.mark.parametrize(("task", "near"), [("gap", 1e-4), ("route", 1e-4), ("adjacency", 1e-4), ("position", 0.15)])
def test_distributed__gradients_of_two_halves_average_to_that_of_the_whole(task: str, near: float) -> None:
    """What DDP relies on: each task's loss is a mean over samples (nearly, where samples hold unequally much body)."""
    images, centres, view_mm, address = batch(samples=4)
    images = images - 0.5  # some background, differently much in every sample
    whole = gradient(model({task: {}}), images, centres, view_mm, address)
    halves = [
        gradient(model({task: {}}), images[part], centres[part], view_mm, address[part])
        for part in (slice(2), slice(2, 4))
    ]
    assert (sum(halves) / 2 - whole).norm() <= near * whole.norm()


def gradient(spatial: SpatialModel, *inputs: Any) -> Tensor:
    spatial(*inputs).loss.backward()
    return torch.cat([p.grad.flatten() for p in spatial.parameters() if p.grad is not None])
