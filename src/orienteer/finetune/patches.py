"""Labelled patches: drawn from counted streams, cut with the same map for image and labels."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from numpy import ndarray
from numpy.typing import NDArray
from scipy.ndimage import affine_transform
from torch.utils.data import DataLoader, Dataset

from orienteer.finetune.settings import PatchSettings
from orienteer.finetune.structures import Structures
from orienteer.sampling import Appearance, Purpose, generator
from orienteer.sampling.appearance import apply_appearance
from orienteer.sampling.sampler import draw_appearance, draw_linear
from orienteer.sampling.steady import Numbers, steadily
from orienteer.store import Store

KEPT = 4096
"""Voxels of a structure remembered per scan as possible patch centres."""
OUTSIDE = -1.0
"""What lies outside a scan, in normalised intensities: the window's floor."""


@dataclass(frozen=True)
class PatchRecipe:
    """Every random choice about one patch, already made.

    Attributes:
        scan: id in the store.
        centre: patch centre in voxels of the scan.
        linear: ``(3, 3)`` rows, offset in the patch to offset in the scan, both in voxels.
        appearance: changes of intensity.
        size: patch edge in voxels.
    """

    scan: str
    centre: tuple[float, float, float]
    linear: tuple[tuple[float, ...], ...]
    appearance: Appearance
    size: int


@dataclass(frozen=True, eq=False)
class Patch:
    """An image patch and what is to be said of it.

    Attributes:
        image: ``(C, S, S, S)`` float32, normalised.
        target: ``(S, S, S)`` class numbers, or the scan's own answer as a number.
    """

    image: Float32[ndarray, "C S S S"]
    target: NDArray[Any]


@dataclass(frozen=True)
class PatchSampler:
    """Draws the recipe of any patch number, in any order.

    Attributes:
        store: where the scans are.
        scans: the labelled scans to draw from.
        settings: size and variation.
        seed: the run's seed.
        structures: for segmentation; None when the scan has one answer.
    """

    store: Store
    scans: tuple[str, ...]
    settings: PatchSettings
    seed: int
    structures: Structures | None = None
    _places: dict[str, list[NDArray[np.int64]]] = field(default_factory=dict, compare=False, repr=False)

    def draw(self, number: int) -> PatchRecipe:
        """The recipe of patch ``number``."""
        epoch, place = divmod(number, len(self.scans))
        order = generator(self.seed, Purpose.SCAN_ORDER, epoch).permutation(len(self.scans))
        scan = self.scans[order[place]]
        random = generator(self.seed, Purpose.GEOMETRY, number)
        geometry = self.settings.geometry
        linear = draw_linear(random, geometry) if random.random() < geometry.probability else np.eye(3)
        appearance = draw_appearance(
            generator(self.seed, Purpose.APPEARANCE, number), self.settings.appearance, (self.seed, number, 0)
        )
        x, y, z = self._centre(scan, number)
        return PatchRecipe(
            scan=scan,
            centre=(float(x), float(y), float(z)),
            linear=tuple(tuple(float(v) for v in row) for row in linear),
            appearance=appearance,
            size=self.settings.size,
        )

    def _centre(self, scan: str, number: int) -> NDArray[np.float64]:
        """On a voxel of a structure, or anywhere a patch holds as much of the scan as it can.

        Always so that an unturned patch lies on the scan's own grid: half a voxel off, the image would be blurred and
        its labels, which take the nearest voxel, would lie beside it.
        """
        random = generator(self.seed, Purpose.PLACE, number)
        shape = np.array(self.store.entry(scan).shape)
        if self.structures is not None and random.random() < self.settings.structure_share:
            places = [voxels for voxels in self._voxels(scan) if len(voxels)]
            if places:
                voxels = places[random.integers(len(places))]
                chosen = voxels[random.integers(len(voxels))]
                return self._on_grid(np.array(np.unravel_index(chosen, tuple(shape)), dtype=np.float64))
        # A patch larger than the scan lies centred over it; else its centre keeps it inside.
        half = np.minimum((self.settings.size - 1) / 2, (shape - 1) / 2)
        return self._on_grid(half + np.floor(random.random(3) * (shape - 2 * half)))

    def _on_grid(self, centre: NDArray[np.float64]) -> NDArray[np.float64]:
        half = (self.settings.size - 1) / 2
        return np.asarray(np.floor(centre - half + 0.5) + half, dtype=np.float64)

    def _voxels(self, scan: str) -> list[NDArray[np.int64]]:
        """Flat indices of every structure's voxels in a scan, thinned evenly; found once."""
        assert self.structures is not None
        if scan not in self._places:
            classes = self.structures.encode(self.store.labels(scan)).ravel()
            found = [np.flatnonzero(classes == number) for number in range(1, self.structures.classes)]
            self._places[scan] = [voxels[:: max(1, len(voxels) // KEPT)] for voxels in found]
        return self._places[scan]


def cut(recipe: PatchRecipe, store: Store, structures: Structures | None) -> Patch:
    """Cut a patch; what lies outside the scan is background.

    Args:
        recipe: where and how.
        store: where the scan is.
        structures: also cut labels; without them the target is empty.

    Raises:
        StoreError: an array is missing or damaged.
    """
    linear, centre, size = np.array(recipe.linear), np.array(recipe.centre), recipe.size
    reach = np.abs(linear) @ np.full(3, (size - 1) / 2)
    shape = np.array(store.entry(recipe.scan).shape)
    low = np.clip(np.floor(centre - reach).astype(int), 0, shape - 1)
    high = np.clip(np.ceil(centre + reach).astype(int) + 1, low + 1, shape)
    first = np.asarray(centre - linear @ np.full(3, (size - 1) / 2) - low)
    block = store.normalise(recipe.scan, store.read(recipe.scan, low, high - low))
    image = np.stack([_sampled(channel, linear, first, size, order=1, outside=OUTSIDE) for channel in block])
    image = apply_appearance(image, recipe.appearance, spacing=store.manifest.spacing)
    if structures is None:
        return Patch(image, np.zeros(0, dtype=np.uint8))
    classes = structures.encode(store.labels(recipe.scan, low, high - low))
    return Patch(image, _sampled(classes, linear, first, size, order=0, outside=0))


def _sampled(
    block: NDArray[Any],
    linear: NDArray[np.float64],
    first: NDArray[np.float64],
    size: int,
    *,
    order: int,
    outside: float,
) -> NDArray[Any]:
    whole = np.rint(first)
    if np.array_equal(linear, np.eye(3)) and np.allclose(first, whole, atol=1e-6):
        return _copied(block, whole.astype(int), size, outside)
    return np.asarray(
        affine_transform(
            block, linear, offset=first, output_shape=(size,) * 3, order=order, mode="constant", cval=outside
        ),
        dtype=block.dtype,
    )


def _copied(block: NDArray[Any], first: NDArray[np.int_], size: int, outside: float) -> NDArray[Any]:
    """The patch as a plain copy, where nothing needs interpolating."""
    result = np.full((size,) * 3, outside, dtype=block.dtype)
    start, stop = np.maximum(first, 0), np.minimum(first + size, block.shape)
    if (stop > start).all():
        source = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
        target = tuple(slice(a, b) for a, b in zip(start - first, stop - first, strict=True))
        result[target] = block[source]
    return result


@dataclass(frozen=True, eq=False)
class PatchBatch:
    """N patches for the training loop.

    Attributes:
        images: ``(N, C, S, S, S)``.
        target: ``(N, S, S, S)`` class numbers, or ``(N,)`` answers.
    """

    images: Float32[ndarray, "N C S S S"] | torch.Tensor
    target: UInt8[ndarray, "N S S S"] | torch.Tensor

    @property
    def inputs(self) -> tuple[Any, Any]:
        """What a network is called with."""
        return self.images, self.target

    def to(self, device: torch.device) -> "PatchBatch":
        """The same batch on another device."""
        images, target = torch.as_tensor(self.images), torch.as_tensor(self.target)
        return PatchBatch(images.to(device, non_blocking=True), target.to(device, non_blocking=True))


class Patches(Dataset[Patch]):
    """Patch ``n`` of a sampler, cut on demand.

    Args:
        sampler: draws the recipes.
        answers: for classification and regression, the answer of every scan.
    """

    def __init__(self, sampler: PatchSampler, answers: dict[str, float] | None) -> None:
        self.sampler, self.answers = sampler, answers

    def __getitem__(self, number: int) -> Patch:
        recipe = self.sampler.draw(number)
        patch = cut(recipe, self.sampler.store, self.sampler.structures)
        if self.answers is None:
            return patch
        return Patch(patch.image, np.asarray(self.answers[recipe.scan]))


def patch_batches(
    sampler: PatchSampler, answers: dict[str, float] | None, numbers: list[list[int]], *, workers: int
) -> Generator[PatchBatch, None, None]:
    """Batches of the given patch numbers, in that order."""
    options: dict[str, Any] = {"multiprocessing_context": "spawn", "prefetch_factor": 4} if workers else {}
    whole = sampler.structures is not None

    def load(rest: Numbers) -> DataLoader[Any]:
        return DataLoader(
            Patches(sampler, answers), batch_sampler=rest, collate_fn=_Collate(whole), num_workers=workers, **options
        )

    yield from steadily(load, numbers)


@dataclass(frozen=True)
class _Collate:
    """Stacks patches; class numbers and categories become int64, numbers float32."""

    dense: bool

    def __call__(self, patches: list[Patch]) -> PatchBatch:
        target = torch.from_numpy(np.stack([patch.target for patch in patches]))
        whole = self.dense or target.dtype == torch.int64
        return PatchBatch(
            torch.from_numpy(np.stack([patch.image for patch in patches])), target.long() if whole else target.float()
        )
