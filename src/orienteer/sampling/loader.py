"""Batches in counted order: workers, processes and restarts never change what a step sees."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from orienteer.sampling.crop import Sample, crop
from orienteer.sampling.sampler import Sampler
from orienteer.sampling.steady import Numbers, steadily


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


class Samples(Dataset[Sample]):
    """Sample ``n`` of a sampler, cut on demand."""

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler

    def __getitem__(self, number: int) -> Sample:
        return crop(self.sampler.draw(number), self.sampler.store)


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


def batches(sampler: Sampler, numbers: list[list[int]], *, workers: int = 0) -> Generator[Batch, None, None]:
    """Batches of the given sample numbers, in that order, prepared by ``workers`` background processes."""
    options: dict[str, Any] = {}
    if workers:
        # Forked after torch's threads exist a worker may hang; a fork server's workers are nobody's children, so what
        # they cost is not told, and Windows has none.
        options = {"multiprocessing_context": "spawn", "prefetch_factor": 4, "worker_init_fn": _quiet_worker}

    def load(rest: Numbers) -> DataLoader[Any]:
        return DataLoader(Samples(sampler), batch_sampler=rest, collate_fn=collate, num_workers=workers, **options)

    yield from steadily(load, numbers)


def _quiet_worker(_: int) -> None:
    torch.set_num_threads(1)
