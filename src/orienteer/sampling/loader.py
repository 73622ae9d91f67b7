"""Batches in numbered order: workers, processes and restarts never change what a step sees."""

import pickle
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from orienteer.processes import end_with_parent, processes_with
from orienteer.sampling.dataset import ViewDataset, Views
from orienteer.sampling.resilient import Numbers, resilient_batches
from orienteer.sampling.sampler import RecipeSampler, Sampler
from orienteer.sampling.variation import Variation
from orienteer.signals import signals_deferred

Item = TypeVar("Item")
Batched = TypeVar("Batched")


@dataclass(frozen=True, eq=False)
class Batch:
    """Views of B scans.

    Attributes:
        images: ``(B, K, C, S, S, S)`` normalised intensities.
        centres: ``(B, K, 3)`` mm, augmented frame.
        view_mm: view edge, mm.
        spacing: mm per voxel.
        plain: ``(B, K, C, S, S, S)`` the same before intensities were varied.
        address: ``(B, 2)`` int64, seed and number of each sample: draws made after cropping derive from it.
        variation: how intensities of the B * K views are still to be varied, by ``to``; None where they were.
    """

    images: torch.Tensor
    centres: torch.Tensor
    view_mm: float
    spacing: float
    address: torch.Tensor
    plain: torch.Tensor
    variation: Variation | None = None

    @property
    def numbers(self) -> tuple[int, ...]:
        """The B sample numbers."""
        return tuple(int(number) for number in self.address[:, 1])

    @property
    def inputs(self) -> tuple[torch.Tensor, torch.Tensor, float, torch.Tensor, torch.Tensor]:
        """What a pretext model is called with."""
        return self.images, self.centres, self.view_mm, self.address, self.plain

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device, which varies intensities that are still to be varied."""
        plain = self.plain.to(device, non_blocking=True)
        if self.variation is not None:
            images = self.variation.to(device)(plain.flatten(0, 1)).view_as(plain)
        else:
            images = self.images.to(device, non_blocking=True)
        return Batch(
            images=images,
            centres=self.centres.to(device, non_blocking=True),
            view_mm=self.view_mm,
            spacing=self.spacing,
            address=self.address,  # read on the CPU only
            plain=plain,
        )


def collate(items: Sequence[Views]) -> Batch:
    """Stack views of one size and spacing."""
    views: Views = default_collate(list(items))
    return Batch(
        images=views.images,
        centres=views.centres_mm,
        view_mm=items[0].view_mm,
        spacing=items[0].spacing_mm,
        address=views.address,
        plain=views.images if all(one.images is one.plain for one in items) else views.plain,
    )


def step_numbers(start: int, stop: int, batch: int, *, rank: int = 0, processes: int = 1) -> list[list[int]]:
    """Sample numbers of steps ``start`` to ``stop``; each process takes every ``processes``-th of the batch."""
    return [list(range(step * batch + rank, (step + 1) * batch, processes)) for step in range(start, stop)]


def load(
    dataset: Dataset[Item],
    numbers: Numbers,
    collate: Callable[[list[Item]], Batched],
    *,
    workers: int = 0,
) -> Generator[Batched, None, None]:
    """Batches of the given items of a dataset, in that order, prepared by ``workers`` background processes.

    Raises:
        RunError: workers die one after the other.
        OrienteerError: what reading an item raised.
    """
    if not workers:
        yield from DataLoader(dataset, batch_sampler=numbers, collate_fn=collate)
        return
    defined_there = b"__main__" in pickle.dumps((dataset, collate))
    processes = processes_with(type(dataset).__module__, collate.__module__, "blosc2", main=defined_there)

    def loader(rest: Numbers) -> Iterator[Any]:
        batches = DataLoader(
            dataset, batch_sampler=rest, collate_fn=collate, num_workers=workers, multiprocessing_context=processes,
            prefetch_factor=4, worker_init_fn=_start_worker,
        )  # fmt: skip
        # Broken off in the middle, workers would be left behind that nobody ends.
        with signals_deferred(), _deaths_found_while_waiting():
            return iter(batches)

    try:
        yield from resilient_batches(loader, numbers)
    finally:
        processes.kill()


def _start_worker(number: int) -> None:
    threading.Thread(target=end_with_parent, daemon=True).start()


@contextmanager
def _deaths_found_while_waiting() -> Iterator[None]:
    """Without torch's handler, that would raise a worker's death in the middle of a training step."""
    number = getattr(signal, "SIGCHLD", None)
    if number is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(number)
    yield
    if before is not None:
        signal.signal(number, before)


def batches(
    sampler: Sampler, numbers: Numbers, *, workers: int = 0, on_device: bool = False
) -> Generator[Batch, None, None]:
    """Batches of the views with the given sample numbers, as ``load`` gives them.

    Args:
        sampler: draws the views.
        numbers: of the samples of each batch.
        workers: background processes.
        on_device: intensities are varied where the batch is computed, when it is moved there.
    """
    length = max((max(each) for each in numbers), default=0) + 1
    dataset = ViewDataset.of(sampler, length, vary=not on_device)
    loaded = load(dataset, numbers, collate, workers=workers)
    return varied_on_device(loaded, sampler, numbers, sampler.settings.count) if on_device else loaded


class Varied(Protocol):
    """A batch that may still have to be varied."""

    @property
    def variation(self) -> Variation | None: ...  # noqa: D102


AnyBatch = TypeVar("AnyBatch", bound=Varied)


def varied_on_device(
    batches: Generator[AnyBatch, None, None], sampler: RecipeSampler, numbers: Numbers, views: int
) -> Generator[AnyBatch, None, None]:
    """The batches, each with how its views are to be varied."""
    with closing(batches):
        for batch, chosen in zip(batches, numbers, strict=False):
            drawn = [each for number in chosen for each in sampler.appearances(number, views)]
            spacing = sampler.store.entry(sampler.ids[0]).spacing
            yield replace(batch, variation=Variation.of(drawn, spacing))  # type: ignore[type-var]
