"""What a step of pretraining costs beside the networks that its tasks need, and beside the bare encoder.

    python -m benchmarks.step_time STORE [network.size=base devices.precision=bf16-mixed ...]

For each task alone, for the paper's three and for the default: milliseconds of the bare encoder's forward and backward
pass on a batch of views; of the passes that the tasks need, decoder and corrupted views included; and of the whole step
(losses, heads, clipping, optimiser, and one step in ten observed). Drawing the views is left out, which
``data_wait_fraction`` in a run's records is about. The three take turns, batch by batch, and medians are divided, so
other work on the machine disturbs all alike. On a CPU processor time counts, on a GPU time until it is done.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import cycle

import torch
from lightning_fabric import Fabric
from torch import Tensor

from orienteer.pretext.contract import CorruptsViews
from orienteer.pretext.model import SpatialModel
from orienteer.pretext.registry import DEFAULT_TASKS
from orienteer.runs.build import build_model, training_sampler
from orienteer.runs.settings import PretrainSettings
from orienteer.sampling.loader import Batch, batches, step_numbers
from orienteer.store import Store
from orienteer.training.course import Course
from orienteer.training.devices import autocast, build_fabric, prepare_process, resolve
from orienteer.training.loop import optimise
from orienteer.training.optimiser import build_optimiser

PAPER = ("gap", "adjacency", "route")
ROUNDS, WARM = 30, 5


def main() -> int:
    """Print a line for each choice of tasks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Store.open)
    parser.add_argument("assigned", nargs="*", metavar="key=value", help="settings of a pretraining")
    given = parser.parse_args()
    store: Store = given.store
    recipes = {name: {name: dict(DEFAULT_TASKS[name])} for name in DEFAULT_TASKS}
    recipes["the paper's three"] = {name: {} for name in PAPER}
    recipes["default"] = {name: dict(values) for name, values in DEFAULT_TASKS.items()}
    print(f"{'tasks':<18} {'encoder':>9} {'networks':>9} {'step':>9}   step / networks   step / encoder")
    for name, tasks in recipes.items():
        settings = PretrainSettings.read({"tasks": tasks}, given.assigned)
        settings = settings.model_copy(update={"devices": resolve(settings.devices)})
        encoder, networks, step = timed(settings, store)
        print(
            f"{name:<18} {encoder:>6.1f} ms {networks:>6.1f} ms {step:>6.1f} ms {step / networks:>17.3f}"
            f" {step / encoder:>16.3f}",
            flush=True,
        )
    return 0


def timed(settings: PretrainSettings, store: Store) -> tuple[float, float, float]:
    """Median milliseconds of the encoder, of the networks, and of the step."""
    prepare_process(resolve(settings.devices))
    fabric = build_fabric(settings.devices)
    entry = store.manifest.scans[0]
    model = build_model(settings, channels=entry.channels, spacing=entry.spacing).to(fabric.device)
    drawn = list(batches(training_sampler(settings, store), step_numbers(0, 4, settings.optimiser.batch)))
    drawn = [batch.to(fabric.device) for batch in drawn]
    steps = steps_of(fabric, model, settings, drawn)
    parts: tuple[tuple[list[float], Callable[[Batch], object]], ...] = (
        ([], lambda batch: encoder_alone(model, batch, settings)),
        ([], lambda batch: networks_alone(model, batch, settings)),
        ([], lambda _: next(steps)),
    )
    for batch in (drawn * ROUNDS)[: ROUNDS + WARM]:
        for seconds, part in parts:
            model.zero_grad(set_to_none=True)
            seconds.append(spent(fabric.device, lambda part=part, batch=batch: part(batch)))  # type: ignore[misc]
    encoder, networks, step = (1e3 * statistics.median(seconds[WARM:]) for seconds, _ in parts)
    return encoder, networks, step


def steps_of(fabric: Fabric, model: SpatialModel, settings: PretrainSettings, drawn: list[Batch]) -> Iterator[object]:
    """The loop of a run, on the same few batches over and over."""
    wrapped, optimiser = fabric.setup(model, build_optimiser(model, settings.optimiser))
    return optimise(
        fabric, wrapped, optimiser, cycle(drawn), Course(settings.optimiser), seed=settings.seed, start=0,
        look=lambda step: step % settings.checkpoint.log_every == 0, after_step=model.update_teacher,
    )  # fmt: skip


def encoder_alone(model: SpatialModel, batch: Batch, settings: PretrainSettings) -> None:
    """Forward and backward pass of the encoder on all views."""
    with autocast(settings.devices, batch.images.device):
        coarsest = model.backbone.encoder(batch.images.flatten(0, 1))[-1]
    coarsest.sum().backward()


def networks_alone(model: SpatialModel, batch: Batch, settings: PretrainSettings) -> None:
    """Forward and backward passes of encoder, pooling and decoder that the tasks ask for."""
    tasks = [model.task(name) for name in model.tasks]
    shown = [task.corrupt(batch.images, batch.address) for task in tasks if isinstance(task, CorruptsViews)]
    if len(shown) < len(tasks):
        shown.append(batch.images)
    total: Tensor | float = 0.0
    with autocast(settings.devices, batch.images.device):
        for views in shown:
            features = model.backbone(views.flatten(0, 1))
            total = total + features.embedding.sum() + (0 if features.dense is None else features.dense.float().sum())
    assert isinstance(total, Tensor)
    total.backward()


def spent(device: torch.device, work: Callable[[], object]) -> float:
    """Seconds of processor time on a CPU; on a GPU, until it is done."""
    if device.type == "cpu":
        began = time.process_time()
        work()
        return time.process_time() - began
    torch.cuda.synchronize()
    began = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - began


if __name__ == "__main__":
    raise SystemExit(main())
