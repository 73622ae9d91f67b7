"""Datasets of crops: item ``n`` depends on the seed and on ``n`` alone, whoever asks for it and in whatever order."""

from typing import Any, NamedTuple, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.data import Dataset

from orienteer.errors import ConfigError
from orienteer.sampling.crop import Encode, Sample, crop
from orienteer.sampling.sampler import RecipeSampler, Sampler
from orienteer.sampling.settings import ViewSettings
from orienteer.store import Store


class SampleDataset(Dataset[Sample]):
    """Sample ``n`` of any sampler, as NumPy arrays with their recipe.

    Args:
        sampler: draws the recipes.
        outside: normalised intensity outside a scan; None where no crop leaves it.
        encode: also cut labels, encoded by this.
        vary: vary intensities here; off, a device does.
    """

    def __init__(
        self,
        sampler: RecipeSampler,
        *,
        outside: float | None = None,
        encode: Encode | None = None,
        vary: bool = True,
    ) -> None:
        self.sampler, self.outside, self.encode, self.vary = sampler, outside, encode, vary

    def __getitem__(self, number: int) -> Sample:
        recipe, store = self.sampler.draw(number), self.sampler.store
        return crop(recipe, store, outside=self.outside, encode=self.encode, vary=self.vary)


class Views(NamedTuple):
    """K views of one scan; in a batch every tensor has a leading axis B, and the other fields B values.

    Attributes:
        images: ``(K, C, S, S, S)`` float32, the intensity window mapped to [-1, 1].
        centres_mm: ``(K, 3)`` float32, mm along R, A, S, in the frame that the network sees: where a sample is turned,
            its centres are turned with it.
        plain: ``(K, C, S, S, S)`` float32, the same views before their intensities were varied.
        address: ``(2,)`` int64, seed and number of the sample.
        scan: the scan's id in the store.
        view_mm: edge of a view, mm.
        spacing_mm: mm per voxel.
    """

    images: Float[Tensor, "K C S S S"]
    centres_mm: Float[Tensor, "K 3"]
    plain: Float[Tensor, "K C S S S"]
    address: Int[Tensor, "2"]
    scan: str
    view_mm: float
    spacing_mm: float

    @classmethod
    def of(cls, sample: Sample) -> Self:
        """The views of a sample as tensors."""
        recipe = sample.recipe
        return cls(
            images=torch.from_numpy(sample.images),
            centres_mm=torch.from_numpy(sample.centres),
            plain=torch.from_numpy(sample.plain),
            address=torch.tensor((recipe.seed, recipe.number)),
            scan=recipe.scan,
            view_mm=recipe.view_mm,
            spacing_mm=recipe.spacing,
        )


class ViewDataset(Dataset[Views]):
    """K cubic views of a scan of a store: a map-style dataset for any ``DataLoader``.

    Item ``n`` is a pure function of ``seed`` and ``n``. Workers, shuffling and restarts never change it, and the same
    item comes back whenever it is asked for. Views always lie inside their scan, so nothing is padded. Every scan is
    shown once before any is shown again.

    Args:
        store: where the scans are.
        split: the split to draw from; None for all scans.
        count: K, views of a scan, at least 2.
        size: S, edge of a view in voxels.
        seed: every random choice derives from it.
        length: number of items; by default one a scan. A loop over several epochs that is to see new views in each
            needs as many items as it has steps times batch.
        augment: turn, scale and vary views at random, and shuffle the scans. Off: views on the store's own grid with
            untouched intensities, scans in order.
        settings: further settings of views, as under ``views`` in a configuration: ``placement="neighbours"``,
            ``geometry={"flip": True}``.

    Raises:
        ConfigError: settings that do not fit, no scans, or a scan too small for its views, by name.
        StoreError: no scan is in that split.

    Examples:
        >>> from torch.utils.data import DataLoader
        >>> views = ViewDataset(store, split="train", count=3, size=16, seed=0, length=8)
        >>> len(views), views[5].scan in store.ids("train")
        (8, True)
        >>> for batch in DataLoader(views, batch_size=4, shuffle=True):
        ...     steps_mm = batch.centres_mm[:, None] - batch.centres_mm[:, :, None]  # what a task may learn
        >>> batch.images.shape, steps_mm.shape
        (torch.Size([4, 3, 1, 16, 16, 16]), torch.Size([4, 3, 3, 3]))
    """

    def __init__(
        self,
        store: Store,
        split: str | None = "train",
        *,
        count: int = 3,
        size: int = 24,
        seed: int = 0,
        length: int | None = None,
        augment: bool = True,
        **settings: Any,
    ) -> None:
        views = ViewSettings.build({"count": count, "size": size, **settings}, origin="ViewDataset")
        self._open(Sampler(store, store.ids(split), views, seed, augment), length)

    @classmethod
    def of(cls, sampler: Sampler, length: int | None = None, *, vary: bool = True) -> Self:
        """The first ``length`` samples of a sampler; by default one of each scan. Unvaried, a device varies them."""
        dataset = cls.__new__(cls)
        dataset._open(sampler, length, vary=vary)
        return dataset

    def _open(self, sampler: Sampler, length: int | None, *, vary: bool = True) -> None:
        if length is not None and length < 1:
            raise ConfigError(f"a dataset of {length} items", cure="ask for a length of at least 1")
        self.sampler, self.vary = sampler, vary
        self.length = len(sampler.ids) if length is None else length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, number: int) -> Views:
        if not 0 <= number < self.length:
            raise IndexError(f"item {number} of a dataset of {self.length}")
        return Views.of(crop(self.sampler.draw(number), self.sampler.store, vary=self.vary))
