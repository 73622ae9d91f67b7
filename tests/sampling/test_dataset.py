"""A dataset for any DataLoader: items depend on seed and number alone, and are the views that training sees."""

import pickle
from collections.abc import Callable

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader

from orienteer.errors import ConfigError, StoreError
from orienteer.sampling import Sampler, ViewSettings, crop
from orienteer.sampling.dataset import ViewDataset, Views
from orienteer.sampling.loader import batches
from orienteer.store import Store
from tests.forked import server

Memory = Callable[..., Store]


def views(store: Store, **options: object) -> ViewDataset:
    return ViewDataset(store, **{"size": 12, "seed": 4, "length": 10, **options})


def assert_same(one: Views, other: Views) -> None:
    for name, mine, theirs in zip(Views._fields, one, other, strict=True):
        assert torch.equal(mine, theirs) if isinstance(mine, torch.Tensor) else mine == theirs, name


def test_item__form(store: Store) -> None:
    item = views(store)[7]
    assert item.images.shape == item.plain.shape == (3, 1, 12, 12, 12)
    assert item.images.dtype == item.centres_mm.dtype == torch.float32
    assert item.centres_mm.shape == (3, 3) and item.address.tolist() == [4, 7]
    assert (item.view_mm, item.spacing_mm) == (36.0, 3.0) and item.scan in store.ids("train")


def test_item__is_a_pure_function_of_seed_and_number(store: Store) -> None:
    dataset = views(store)
    forwards = [dataset[n] for n in range(10)]
    for n in reversed(range(10)):
        assert_same(forwards[n], dataset[n])
        assert_same(forwards[n], pickle.loads(pickle.dumps(views(store, length=n + 1)))[n])
    assert not torch.equal(forwards[3].images, views(store, seed=5)[3].images)


def test_item__is_the_crop_of_its_recipe(store: Store) -> None:
    """The dataset by its own arguments, and by those of the project's sampler."""
    settings = ViewSettings(count=4, size=10, placement="neighbours", min_foreground=0.3)
    sampler = Sampler(store, store.ids("val"), settings, 2, augment=False)
    dataset = ViewDataset(
        store, "val", count=4, size=10, seed=2, augment=False, placement="neighbours", min_foreground=0.3
    )
    for n in range(len(dataset)):
        sample = crop(sampler.draw(n), store)
        assert_same(dataset[n], Views.of(sample))
        assert_same(dataset[n], ViewDataset.of(sampler)[n])
        np.testing.assert_array_equal(dataset[n].images.numpy(), sample.images)
        np.testing.assert_array_equal(dataset[n].centres_mm.numpy(), sample.centres)


@pytest.mark.parametrize("workers", [0, 2])
def test_loader__shuffled_or_with_workers_gives_the_same_items(store: Store, workers: int) -> None:
    dataset = views(store, length=6)
    generator = torch.Generator().manual_seed(0)
    options = {"multiprocessing_context": server()} if workers else {}
    loader = DataLoader(dataset, batch_size=2, shuffle=True, generator=generator, num_workers=workers, **options)
    seen = {}
    for batch in loader:
        assert isinstance(batch, Views) and batch.images.shape == (2, 3, 1, 12, 12, 12)
        assert batch.view_mm.tolist() == [36.0, 36.0]
        for n, number in enumerate(batch.address[:, 1].tolist()):
            assert batch.scan[n] == dataset[number].scan
            seen[number] = batch.images[n], batch.centres_mm[n]
    assert list(seen) != sorted(seen) and set(seen) == set(range(6))
    for number, (images, centres) in seen.items():
        assert torch.equal(images, dataset[number].images) and torch.equal(centres, dataset[number].centres_mm)


def test_loader__batches_of_a_plain_loader_are_those_of_training(store: Store) -> None:
    dataset = views(store, length=4)
    ours = list(batches(dataset.sampler, [[0, 1], [2, 3]]))
    for mine, theirs in zip(ours, DataLoader(dataset, batch_size=2), strict=True):
        assert torch.equal(mine.images, theirs.images) and torch.equal(mine.centres, theirs.centres_mm)
        assert torch.equal(mine.plain, theirs.plain) and torch.equal(mine.address, theirs.address)


def test_loader__a_plain_lightning_loop_learns_from_it(store: Store) -> None:
    fabric = Fabric(accelerator="cpu", devices=1)
    network = torch.nn.Sequential(torch.nn.Flatten(1), torch.nn.Linear(12**3, 3))
    model, optimiser = fabric.setup(network, torch.optim.SGD(network.parameters(), lr=1e-6))
    loader = fabric.setup_dataloaders(DataLoader(views(store, length=4), batch_size=2))
    before = network[1].weight.detach().clone()
    for batch in loader:
        predicted = model(batch.images.flatten(0, 1)).unflatten(0, batch.centres_mm.shape[:2])
        fabric.backward(torch.nn.functional.l1_loss(predicted, batch.centres_mm))
        optimiser.step()
    assert not torch.equal(before, network[1].weight)


def test_length__by_default_one_item_a_scan_and_iteration_ends(store: Store) -> None:
    dataset = ViewDataset(store, size=8, count=2)
    assert len(dataset) == len(store.ids("train")) == len(list(dataset))
    assert sorted(item.scan for item in dataset) == sorted(store.ids("train"))
    assert len(ViewDataset(store, None, size=8)) == len(store.ids())
    for number in (-1, len(dataset)):
        with pytest.raises(IndexError, match=f"item {number} of"):
            dataset[number]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"count": 1}, "count"),
        ({"length": 0}, "a dataset of 0 items"),
        ({"sise": 3}, "sise"),
        ({"placement": "circle"}, "placement"),
    ],
)
def test_dataset__settings_that_do_not_fit_are_named(store: Store, options: dict, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        views(store, **options)


def test_dataset__a_scan_smaller_than_a_view_is_named(memory_store: Memory) -> None:
    store = memory_store(np.zeros((20, 20, 20), np.int16), np.zeros((20, 11, 20), np.int16))
    with pytest.raises(ConfigError, match="scan_1 is 20x11x20 voxels, too small for a view of 12"):
        views(store)


def test_dataset__an_empty_split_is_named(store: Store) -> None:
    with pytest.raises(StoreError, match="no scans in split 'holdout'"):
        views(store, split="holdout")
