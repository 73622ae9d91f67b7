"""Labelled patches: where they are drawn more often, and the target that goes with each."""

from collections.abc import Generator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from numpy.typing import NDArray
from torch import Tensor

from orienteer.finetune.settings import PatchSettings
from orienteer.finetune.structures import Structures
from orienteer.sampling.crop import Sample
from orienteer.sampling.dataset import SampleDataset
from orienteer.sampling.loader import load, varied_on_device
from orienteer.sampling.placement import Streams
from orienteer.sampling.region import Centres
from orienteer.sampling.resilient import Numbers
from orienteer.sampling.sampler import Linear, RecipeSampler
from orienteer.sampling.variation import Variation
from orienteer.store.intensity import FLOOR

KEPT = 4096
"""Voxels of a structure remembered per scan as possible patch centres."""


@dataclass(frozen=True)
class PatchSampler(RecipeSampler):
    """Draws one patch of a labelled scan, more often on rare structures than they fill the scan.

    Attributes:
        structures: for segmentation; None when the scan has one answer.
    """

    settings: PatchSettings
    structures: Structures | None = None
    _voxels: dict[str, list[NDArray[np.int64]]] = field(default_factory=dict, compare=False, repr=False)

    def centres(self, scan: str, linear: Linear, streams: Streams) -> Centres:
        """On a voxel of a structure, or anywhere a patch holds as much of the scan as it can; it may stick out.

        An unturned patch always lies on the scan's own grid: half a voxel off, the image would be blurred, and its
        labels, which take the nearest voxel, would lie beside it.
        """
        random, size = streams(0), self.settings.size
        shape = np.array(self.store.entry(scan).shape)
        # A patch larger than the scan lies centred over it; else its centre keeps it inside.
        half = np.minimum((size - 1) / 2, (shape - 1) / 2)
        centre = self._on_structure(scan, shape, random)
        if centre is None:
            centre = half + np.floor(random.random(3) * (shape - 2 * half))
        to_grid = (size - 1) / 2
        return np.asarray(np.floor(centre - to_grid + 0.5) + to_grid)[None]

    def _on_structure(
        self, scan: str, shape: NDArray[np.int_], random: np.random.Generator
    ) -> NDArray[np.float64] | None:
        """A voxel of a structure drawn evenly among those of the scan; None where it is to lie anywhere."""
        if self.structures is None or random.random() >= self.settings.structure_share:
            return None
        present = [voxels for voxels in self._voxels_of(scan, self.structures) if len(voxels)]
        if not present:
            return None
        voxels = present[random.integers(len(present))]
        chosen = voxels[random.integers(len(voxels))]
        return np.array(np.unravel_index(chosen, tuple(shape)), dtype=np.float64)

    def _voxels_of(self, scan: str, structures: Structures) -> list[NDArray[np.int64]]:
        """Flat indices of every structure's voxels in a scan, thinned evenly; found once."""
        if scan not in self._voxels:
            classes = structures.encode(self.store.labels(scan)).ravel()
            found = [np.flatnonzero(classes == number) for number in range(1, structures.classes)]
            self._voxels[scan] = [voxels[:: max(1, len(voxels) // KEPT)] for voxels in found]
        return self._voxels[scan]


@dataclass(frozen=True, eq=False)
class PatchBatch:
    """N patches for the training loop.

    Attributes:
        images: ``(N, C, S, S, S)``.
        target: ``(N, S, S, S)`` class numbers, or ``(N,)`` answers.
        variation: how intensities are still to be varied, by ``to``; None where they were.
    """

    images: Float32[Tensor, "N C S S S"]
    target: Tensor
    variation: Variation | None = None

    @property
    def inputs(self) -> tuple[Tensor, Tensor]:
        """What a network is called with."""
        return self.images, self.target

    def to(self, device: torch.device) -> "PatchBatch":
        """The same batch on another device, which varies intensities that are still to be varied."""
        images = self.images.to(device, non_blocking=True)
        if self.variation is not None:
            images = self.variation.to(device)(images)
        return PatchBatch(images, self.target.to(device, non_blocking=True))


def patches(sampler: PatchSampler, *, vary: bool = True) -> SampleDataset:
    """Patch ``n`` of a sampler, cut on demand; outside the scan lies background. Unvaried, a device varies it."""
    encode = None if sampler.structures is None else sampler.structures.encode
    return SampleDataset(sampler, outside=FLOOR, encode=encode, vary=vary)


def patch_batches(
    sampler: PatchSampler,
    answers: dict[str, float] | None,
    numbers: Numbers,
    *,
    workers: int,
    on_device: bool = False,
) -> Generator[PatchBatch, None, None]:
    """Batches of the given patch numbers, in that order.

    Args:
        sampler: draws the patches.
        answers: for classification and regression, the answer of every scan.
        numbers: of the patches of each batch.
        workers: background processes.
        on_device: intensities are varied where the batch is computed.
    """
    loaded = load(patches(sampler, vary=not on_device), numbers, partial(_collate, answers), workers=workers)
    return varied_on_device(loaded, sampler, numbers, 1) if on_device else loaded


def _collate(answers: dict[str, float] | None, samples: list[Sample]) -> PatchBatch:
    """Stack patches; class numbers and categories become int64, numbers float32."""
    images = torch.from_numpy(np.concatenate([sample.images for sample in samples]))
    if answers is not None:
        target: NDArray[Any] = np.array([answers[sample.recipe.scan] for sample in samples])
    else:
        target = np.concatenate([sample.classes for sample in samples if sample.classes is not None])
    whole = target.dtype.kind in "iu"
    return PatchBatch(images, torch.from_numpy(target.astype(np.int64 if whole else np.float32)))
