"""Two processes train what one does: the same samples, shared, and gradients averaged."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from orienteer.pretext.model import SpatialModel
from orienteer.pretext.registry import TASKS
from orienteer.runs.build import build_model
from orienteer.runs.pretrain import pretrain
from orienteer.runs.settings import PretrainSettings
from orienteer.sampling.loader import step_numbers
from orienteer.testing.phantom import phantom_store
from orienteer.training.checkpoint import latest_checkpoint
from tests.pretext.test_model import batch, model

# Dense features only, so that the embedding's pooling has no gradient: plain DDP stops at that. With few voxels every
# view gives equally many, so that the mean over two halves of a batch is the mean over the batch.
DENSE = {"position": {"voxels": 40}}


def settings(devices: int) -> PretrainSettings:
    return PretrainSettings.build(
        {
            "tasks": DENSE,
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
    """All weights but biases in front of a normalisation, which takes them away again: what gradient they have is
    rounding, of which Adam makes whole steps.
    """
    learned = [key for key in sorted(tensors) if not key.endswith("conv.bias")]
    assert len(learned) < len(tensors)
    return torch.cat([tensors[key].flatten().double() for key in learned])


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
    assert apart < 0.02 * moved, f"the runs moved {moved:.3g} and ended {apart:.3g} apart"
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


@pytest.mark.parametrize("task", [name for name in TASKS if name not in ("position", "simclr")])
def test_distributed__gradients_of_shares_average_to_that_of_the_whole(task: str) -> None:
    """What DDP relies on: each task's loss is a mean over samples."""
    for shares in (2, 4):
        assert apart(task, shares) <= 1e-5


def test_distributed__two_tasks_depend_on_how_a_batch_is_shared() -> None:
    """``position`` is a mean over cells, of which samples hold unequally many; ``simclr`` compares within a share."""
    assert 1e-4 < apart("position", 2) <= 0.15
    assert apart("simclr", 2) > 0.3


def apart(task: str, shares: int) -> float:
    """How far the mean gradient of a batch's shares is from the whole batch's, relative to it."""
    views = {"voco": 10, "patch_location": 9}.get(task, 3)
    images, centres, view_mm, address = batch(samples=4, views=views)
    images = images - 0.5  # some background, differently much in every sample

    def of(part: slice) -> Tensor:
        return gradient(model({task: {}}, views=views), images[part], centres[part], view_mm, address[part])

    each = 4 // shares
    whole, mean = of(slice(4)), sum(of(slice(n * each, (n + 1) * each)) for n in range(shares)) / shares
    return float((mean - whole).norm() / whole.norm())


def gradient(spatial: SpatialModel, *inputs: Any) -> Tensor:
    spatial(*inputs).loss.backward()
    return torch.cat([p.grad.flatten() for p in spatial.parameters() if p.grad is not None])
