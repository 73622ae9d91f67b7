"""A batch varied on its device: what NumPy makes of the same appearances, but for the noise's own numbers."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from orienteer.sampling import ViewSettings
from orienteer.sampling.appearance import apply_appearance
from orienteer.sampling.loader import batches
from orienteer.sampling.recipe import Appearance
from orienteer.sampling.sampler import Sampler
from orienteer.sampling.settings import AppearanceSettings
from orienteer.sampling.variation import Variation
from orienteer.store import Store

STRONG = {"gamma": 0.5, "contrast": 0.4, "brightness": 0.4, "bias": 0.6, "blur_mm": 4.0, "curve": 0.7}
NUMBERS = [[0, 1, 2], [3, 4, 5]]


def sampler(store: Store, **appearance: float) -> Sampler:
    views = ViewSettings(count=2, size=12, appearance=AppearanceSettings(**appearance))
    return Sampler(store, store.ids("train"), views, seed=3)


def test_variation__is_what_numpy_does(store: Store) -> None:
    """All of it but the noise, with two channels, on views that have nothing, some and all of it."""
    drawn = [each for number in range(8) for each in sampler(store, **STRONG, noise=0.0).appearances(number, 2)]
    drawn += [Appearance(), Appearance(gamma=1.3), Appearance(blur_mm=2.0), Appearance(curve=(0.9, -0.9))]
    voxels = np.random.default_rng(0).uniform(-1.6, 1.6, (len(drawn), 2, 12, 12, 12)).astype(np.float32)
    voxels[:, :, :3] = -1.0
    expected = [apply_appearance(one, each, spacing=3.0) for one, each in zip(voxels, drawn, strict=True)]
    varied = Variation.of(drawn, 3.0)(torch.from_numpy(voxels)).numpy()
    np.testing.assert_allclose(varied, np.stack(expected), rtol=0, atol=2e-5)
    assert np.array_equal(varied[16], voxels[16]), "a neutral appearance leaves even what lies beyond the limit"


def test_variation__noise_is_a_views_own_whatever_batch_it_comes_in() -> None:
    plain = torch.zeros(3, 1, 16, 16, 16)
    drawn = [Appearance(noise=0.2, noise_address=(7, 5, view)) for view in range(3)]
    varied = Variation.of(drawn, 3.0)(plain)
    assert varied.std().item() == pytest.approx(0.2, rel=0.05) and not torch.equal(varied[0], varied[1])
    alone = Variation.of(drawn[1:2], 3.0)(plain[1:2])
    assert torch.equal(alone[0], varied[1])
    other = Variation.of([replace(drawn[1], noise_address=(8, 5, 1))], 3.0)(plain[1:2])
    assert not torch.equal(other, alone)


def test_batches__on_the_device_are_those_of_the_loader(store: Store) -> None:
    drawing = sampler(store, **STRONG, noise=0.0)
    at_once = list(batches(drawing, NUMBERS))
    later = list(batches(drawing, NUMBERS, on_device=True))
    for one, other in zip(at_once, later, strict=True):
        assert other.variation is not None and torch.equal(other.images, other.plain)
        moved = other.to(torch.device("cpu"))
        assert moved.variation is None and torch.equal(moved.plain, one.plain)
        torch.testing.assert_close(moved.images, one.images, rtol=0, atol=2e-5)


def test_batches__on_the_device_do_not_depend_on_workers_or_on_where_they_start(store: Store) -> None:
    drawing = sampler(store, **STRONG, noise=0.3)
    alone = [batch.to(torch.device("cpu")).images for batch in batches(drawing, NUMBERS, on_device=True)]
    helped = [batch.to(torch.device("cpu")).images for batch in batches(drawing, NUMBERS, workers=1, on_device=True)]
    resumed = next(batches(drawing, NUMBERS[1:], on_device=True)).to(torch.device("cpu")).images
    assert all(torch.equal(one, other) for one, other in zip(alone, helped, strict=True))
    assert torch.equal(resumed, alone[1])
