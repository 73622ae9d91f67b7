"""Batches in numbered order: workers, processes and restarts never change what a step sees."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from orienteer.sampling.crop import Encode, Sample, crop
from orienteer.sampling.resilient import Numbers, resilient_batches
from orienteer.sampling.sampler import RecipeSampler, Sampler

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
        address: ``(B, 2)`` int64, seed and number of each sample: where its counted draws are found again.
    """

    images: torch.Tensor
    centres: torch.Tensor
    view_mm: float
    spacing: float
    address: torch.Tensor
    plain: torch.Tensor

    @property
    def numbers(self) -> tuple[int, ...]:
        """The B sample numbers."""
        return tuple(int(number) for number in self.address[:, 1])

    @property
    def inputs(self) -> tuple[torch.Tensor, torch.Tensor, float, torch.Tensor, torch.Tensor]:
        """What a pretext model is called with."""
        return self.images, self.centres, self.view_mm, self.address, self.plain

    def to(self, device: torch.device) -> "Batch":
        """The same batch on another device."""
        return Batch(
            images=self.images.to(device, non_blocking=True),
            centres=self.centres.to(device, non_blocking=True),
            view_mm=self.view_mm,
            spacing=self.spacing,
            address=self.address,  # read on the CPU only
            plain=self.plain.to(device, non_blocking=True),
        )


class Crops(Dataset[Sample]):
    """Sample ``n`` of a sampler, cut on demand.

    Args:
        sampler: draws the recipes.
        outside: normalised intensity outside a scan; None where no crop leaves it.
        encode: also cut labels, encoded by this.
    """

    def __init__(self, sampler: RecipeSampler, *, outside: float | None = None, encode: Encode | None = None) -> None:
        self.sampler, self.outside, self.encode = sampler, outside, encode

    def __getitem__(self, number: int) -> Sample:
        return crop(self.sampler.draw(number), self.sampler.store, outside=self.outside, encode=self.encode)


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples of one size and spacing."""
    first = samples[0].recipe
    return Batch(
        images=torch.from_numpy(np.stack([sample.images for sample in samples])),
        centres=torch.from_numpy(np.stack([sample.centres for sample in samples])),
        view_mm=first.view_mm,
        spacing=first.spacing,
        address=torch.tensor([(sample.recipe.seed, sample.recipe.number) for sample in samples]),
        plain=torch.from_numpy(np.stack([sample.plain for sample in samples])),
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
    options: dict[str, Any] = {}
    if workers:
        # Forked after torch's threads exist a worker may hang; a fork server's workers are nobody's children, so what
        # they cost is not told, and Windows has none.
        options = {"multiprocessing_context": "spawn", "prefetch_factor": 4}

    def loader(rest: Numbers) -> DataLoader[Any]:
        return DataLoader(dataset, batch_sampler=rest, collate_fn=collate, num_workers=workers, **options)

    yield from resilient_batches(loader, numbers)


def batches(sampler: Sampler, numbers: Numbers, *, workers: int = 0) -> Generator[Batch, None, None]:
    """Batches of the views with the given sample numbers, as :func:`load` gives them."""
    return load(Crops(sampler), numbers, collate, workers=workers)
