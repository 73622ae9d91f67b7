"""The shortcuts of METHOD.md that views must close: ways to tell position without anatomy."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from orienteer.sampling import Appearance, Sampler, SampleRecipe, ViewRecipe, ViewSettings, crop
from orienteer.sampling.appearance import apply_appearance
from orienteer.sampling.recipe import IDENTITY
from orienteer.sampling.settings import AppearanceSettings, GeometrySettings
from orienteer.store import Store
from orienteer.testing.phantom import phantom, store_of

STRONG = GeometrySettings(probability=1.0, rotation_deg=45, scale=0.3, flip=True)
PLAIN = AppearanceSettings(gamma=0, contrast=0, brightness=0, bias=0, blur_mm=0, noise=0)

Memory = Callable[..., Store]


def test_zero_padding__no_view_holds_a_value_the_scan_does_not(memory_store: Memory) -> None:
    """Without a zero in the scan, views hold no zero: nothing is padded, nor extrapolated, at any turn."""
    rng = np.random.default_rng(0)
    array = rng.choice([-900, -500, 400, 800], (22, 20, 26)).astype(np.int16)
    memory = memory_store(array)
    sampler = Sampler(memory, memory.ids(), ViewSettings(size=14, geometry=STRONG, appearance=PLAIN), seed=0)
    bare = Sampler(memory, memory.ids(), ViewSettings(size=14), seed=0, augment=False)
    for n in range(25):
        assert set(np.unique(crop(bare.draw(n), memory).images * 1000).round().tolist()) == {-900, -500, 400, 800}
        images = crop(sampler.draw(n), memory).images
        assert images.min() >= -0.9001
        assert images.max() <= 0.8001


def test_zero_padding__constant_scan_stays_constant_to_the_last_voxel(memory_store: Memory) -> None:
    memory = memory_store(np.full((20, 20, 20), 500, dtype=np.int16))
    sampler = Sampler(memory, memory.ids(), ViewSettings(size=14, geometry=STRONG, appearance=PLAIN), seed=1)
    for n in range(25):
        np.testing.assert_allclose(crop(sampler.draw(n), memory).images, 0.5, atol=1e-5)


def test_appearance__same_content_at_two_places_gives_the_same_view(memory_store: Memory) -> None:
    """Nothing of where a crop was cut leaks into its intensities."""
    tile = np.random.default_rng(1).integers(-1000, 1000, (10, 10, 10)).astype(np.int16)
    memory = memory_store(np.tile(tile, (3, 2, 2)))
    strong = Appearance(1.2, 0.9, 0.05, (0.1,) * 9, 2.0, 0.05, (0, 1, 2))
    views = tuple(ViewRecipe((9.0 + 20 * step, 9.0, 9.0 + 20 * (step % 2)), strong) for step in range(3))
    recipe = SampleRecipe(scan="scan_0", number=1, size=10, spacing=2.0, linear=IDENTITY, views=views)
    first, *others = crop(recipe, memory).images
    for other in others:
        np.testing.assert_array_equal(first, other)


def test_overlap__views_of_one_sample_never_share_an_appearance(store: Store) -> None:
    """Overlapping views hold the same voxels; with the same noise or field they could simply be matched."""
    sampler = Sampler(store, store.ids("train"), ViewSettings(size=20), seed=0)
    for n in range(20):
        appearances = [view.appearance for view in sampler.draw(n).views]
        for name in ("gamma", "contrast", "brightness", "bias", "noise", "noise_address"):
            assert len({getattr(appearance, name) for appearance in appearances}) == len(appearances)


def test_overlap__identical_voxels_look_different(memory_store: Memory) -> None:
    # Views that fill the scan overlap completely.
    memory = memory_store(np.random.default_rng(2).integers(-900, 900, (12, 12, 12)).astype(np.int16))
    recipe = Sampler(memory, memory.ids(), ViewSettings(size=12), seed=0).draw(0)
    images = crop(recipe, memory).images
    assert len({view.centre_mm for view in recipe.views}) == 1
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.mean(images[one] == images[other]) < 0.01


def test_global_intensity__a_scanners_gain_does_not_reach_the_network(tmp_path: Path) -> None:
    volume, _ = phantom(2)
    plain = volume.array[0]
    store = Store.open(store_of(tmp_path, {"plain": plain, "bright": (plain * 3).astype(np.int16)}))
    views = []
    for scan in ("plain", "bright"):
        recipe = Sampler(store, (scan,), ViewSettings(size=12), seed=4, augment=False).draw(0)
        views.append(crop(recipe, store).images)
    np.testing.assert_allclose(views[0], views[1], atol=2e-3)


def test_global_intensity__brightness_of_views_varies_more_than_between_people(store: Store) -> None:
    """One grey level per scan would tell scans apart; each view has its own, so a grey level tells nothing."""
    chosen = ViewSettings(size=12, geometry=GeometrySettings(probability=0))
    tissue = np.full((1, 12, 12, 12), 0.2, dtype=np.float32)
    levels = np.array(
        [
            [apply_appearance(tissue, view.appearance, spacing=3.0).mean() for view in sampler.draw(n).views]
            for sampler in [Sampler(store, store.ids("train"), chosen, seed=0)]
            for n in range(80)
        ]
    )
    within, between = levels.std(axis=1).mean(), levels.mean(axis=1).std()
    assert within > between > 0.02


@pytest.mark.parametrize("flip", [False, True])
def test_flips__turn_the_targets_with_the_voxels_or_do_not_happen(store: Store, flip: bool) -> None:
    geometry = GeometrySettings(probability=1.0, rotation_deg=0.0, scale=0.0, flip=flip)
    chosen = ViewSettings(size=12, geometry=geometry, appearance=PLAIN)
    sampler = Sampler(store, store.ids(), chosen, seed=0)
    mirrored = 0
    for n in range(24):
        recipe = sampler.draw(n)
        sign = float(np.sign(np.linalg.det(np.array(recipe.linear))))
        mirrored += sign < 0
        np.testing.assert_allclose(recipe.target_centres, recipe.centres * [sign, 1, 1])
    assert 5 < mirrored < 19 if flip else mirrored == 0


def test_resampling_blur__turned_views_are_no_rarity_among_views(store: Store) -> None:
    """Interpolation blurs a little; it may mark a whole sample, but never single views of one."""
    sampler = Sampler(store, store.ids(), ViewSettings(size=12), seed=0)
    kinds = [sampler.draw(n).is_grid_aligned for n in range(60)]
    assert 15 < sum(kinds) < 45
    assert all(view.appearance != Appearance() for n in range(10) for view in sampler.draw(n).views)


def test_air__views_hold_at_least_the_asked_share_of_body(store: Store) -> None:
    chosen = ViewSettings(size=12, min_foreground=0.6)
    sampler = Sampler(store, store.ids(), chosen, seed=0, augment=False)
    shares = [(image > -0.99).mean() for n in range(16) for image in crop(sampler.draw(n), store).images]
    # The grid of body cells is coarse: a cell counts from a quarter full, and cells that are touched count whole.
    assert min(shares) > 0.4


def test_field_of_view__positions_are_not_measured_from_the_scans_edge(tmp_path: Path) -> None:
    """The same body in a larger field of view: gaps between the same places are the same."""
    volume, _ = phantom(1)
    plain = volume.array[0]
    wide = np.pad(plain, ((5, 3), (2, 6), (4, 0)))
    store = Store.open(store_of(tmp_path, {"plain": plain, "wide": wide}))
    shift = np.array([15.0, 6.0, 12.0])
    centres = np.array([[33.0, 39.0, 42.0], [48.0, 51.0, 36.0]])
    samples = []
    for scan, places in (("plain", centres), ("wide", centres + shift)):
        views = tuple(ViewRecipe(tuple(place.tolist())) for place in places)
        recipe = SampleRecipe(scan=scan, number=0, size=9, spacing=3.0, linear=IDENTITY, views=views)
        assert recipe.is_grid_aligned
        samples.append(crop(recipe, store))
    np.testing.assert_allclose(samples[0].images, samples[1].images, atol=0.05)
    np.testing.assert_allclose(np.diff(samples[0].centres, axis=0), np.diff(samples[1].centres, axis=0), atol=1e-4)
