"""Crops replay bit for bit, copy where nothing needs interpolating, and show each place where the target says."""

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage as ndimage
from hypothesis import given, settings
from hypothesis import strategies as st

from orienteer.errors import StoreError
from orienteer.sampling import Appearance, Sampler, SampleRecipe, ViewRecipe, ViewSettings, crop
from orienteer.sampling.recipe import IDENTITY, Matrix
from orienteer.sampling.settings import AppearanceSettings, GeometrySettings
from orienteer.store import Store
from orienteer.store.intensity import BODY_ABOVE
from orienteer.testing.strategies import linear_maps
from tests.sampling.conftest import LANDMARK

TURNED = ViewSettings(size=12, geometry=GeometrySettings(probability=1.0, rotation_deg=20, scale=0.15, flip=True))

Memory = Callable[..., Store]


def one(scan: str, *centres_mm: object, size: int, spacing: float, linear: Matrix = IDENTITY) -> SampleRecipe:
    views = tuple(ViewRecipe(tuple(map(float, centre))) for centre in centres_mm)
    return SampleRecipe(scan=scan, number=0, size=size, spacing=spacing, linear=linear, views=views)


def test_crop__replayed_from_json_is_identical(store: Store) -> None:
    sampler = Sampler(store, store.ids("train"), TURNED, seed=5)
    for n in range(6):
        recipe = sampler.draw(n)
        sample = crop(recipe, store)
        again = crop(SampleRecipe.from_json(recipe.to_json()), Store.open(store.path))
        np.testing.assert_array_equal(sample.images, again.images)
        np.testing.assert_array_equal(sample.centres, again.centres)


def test_crop__keeps_the_views_as_they_were_before_intensities_are_varied(store: Store) -> None:
    """They tell the body from air: contrast and brightness lift air above the window's floor."""
    lifted = ViewSettings(size=12, appearance=AppearanceSettings(contrast=0.5, brightness=0.3), min_foreground=0.2)
    sampler = Sampler(store, store.ids("train"), lifted, seed=3)
    mistaken = 0
    for n in range(12):
        recipe = sampler.draw(n)
        plain = dataclasses.replace(
            recipe, views=tuple(dataclasses.replace(view, appearance=Appearance()) for view in recipe.views)
        )
        sample, untouched = crop(recipe, store), crop(plain, store)
        np.testing.assert_array_equal(sample.plain, untouched.images)
        np.testing.assert_array_equal(untouched.plain, untouched.images)
        mistaken += int(((sample.images > BODY_ABOVE) & (sample.plain <= BODY_ABOVE)).sum())
    assert mistaken > 1000, "varied intensities alone would have called this air body"


def test_crop__has_the_promised_form(store: Store) -> None:
    recipe = Sampler(store, store.ids(), TURNED, seed=5).draw(1)
    sample = crop(recipe, store)
    assert sample.images.shape == (3, 1, 12, 12, 12)
    assert sample.images.dtype == sample.centres.dtype == np.float32
    assert np.abs(sample.images).max() <= 1.5
    np.testing.assert_allclose(sample.centres, recipe.target_centres, rtol=1e-6)
    assert sample.recipe is recipe


@pytest.mark.parametrize("size", [9, 12])
def test_crop__on_the_grid_is_a_copy_of_the_store(store: Store, size: int) -> None:
    sampler = Sampler(store, store.ids(), ViewSettings(size=size), seed=1, augment=False)
    for n in range(8):
        recipe = sampler.draw(n)
        for image, centre in zip(crop(recipe, store).images, recipe.centres, strict=True):
            low = np.rint(centre / recipe.spacing - (size - 1) / 2).astype(int)
            whole = store.normalise(recipe.scan, store.read(recipe.scan))
            box = tuple(slice(first, first + size) for first in low)
            np.testing.assert_array_equal(image, whole[(slice(None), *box)])


def expected_view(whole: np.ndarray, recipe: SampleRecipe, view: int) -> np.ndarray:
    """The view by brute force: trilinear samples at every voxel's place; NaN where one lies outside."""
    grid = np.stack(np.meshgrid(*[np.arange(recipe.size) - (recipe.size - 1) / 2] * 3, indexing="ij"))
    centre = recipe.centres[view] / recipe.spacing
    places = np.tensordot(np.array(recipe.linear), grid, axes=1) + centre[:, None, None, None]
    edge = np.array(whole.shape[1:])[:, None, None, None] - 1
    rounded = np.clip(places, 0, edge)
    assert np.abs(places - rounded).max() < 1e-6, "outside the scan"
    return np.stack([ndimage.map_coordinates(channel, rounded, order=1, cval=np.nan) for channel in whole])


def test_crop__turned_view_equals_brute_force(memory_store: Memory) -> None:
    rng = np.random.default_rng(0)
    array = rng.integers(-1000, 1000, (2, 26, 30, 28)).astype(np.int16)
    memory = memory_store(array, channels=True, spacing=2.5)
    sampler = Sampler(memory, memory.ids(), TURNED, seed=2)
    whole = memory.normalise("scan_0", memory.read("scan_0"))
    for n in range(20):
        drawn = sampler.draw(n)
        bare = one("scan_0", *drawn.centres, size=12, spacing=2.5, linear=drawn.linear)
        images = crop(bare, memory).images
        for view in range(3):
            expected = expected_view(whole, bare, view)
            assert np.isfinite(expected).all()
            np.testing.assert_allclose(images[view], expected, atol=1e-5)


def test_crop__half_a_voxel_off_the_grid_is_interpolated(memory_store: Memory) -> None:
    ramp = np.broadcast_to(np.arange(20)[:, None, None] * 50, (20, 20, 20)).astype(np.int16)
    memory = memory_store(ramp)
    aligned = crop(one("scan_0", (19, 19, 19), size=10, spacing=2.0), memory).images[0, 0, :, 0, 0]
    between = crop(one("scan_0", (20, 19, 19), size=10, spacing=2.0), memory).images[0, 0, :, 0, 0]
    np.testing.assert_allclose(aligned, np.arange(5, 15) * 0.05, atol=1e-6)
    np.testing.assert_allclose(between, np.arange(5.5, 15.5) * 0.05, atol=1e-6)


def test_crop__view_at_the_very_edge_reads_nothing_beyond(memory_store: Memory) -> None:
    array = np.random.default_rng(1).integers(-1000, 1000, (12, 14, 12)).astype(np.int16)
    memory = memory_store(array, spacing=2.0)
    whole = memory.normalise("scan_0", array[None])
    mirrored: Matrix = ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    image = crop(one("scan_0", (11, 11, 11), size=12, spacing=2.0, linear=mirrored), memory).images[0]
    np.testing.assert_allclose(image, whole[:, ::-1, :12], atol=1e-6)


def test_crop__elastic_views_of_one_place_show_the_same_body(store: Store) -> None:
    """One deformation of the whole scan: a view one voxel on is the same picture, one voxel on, and no place moves."""
    first = one("person_000", (42.0, 45.0, 42.0), (45.0, 45.0, 42.0), size=12, spacing=3.0)
    moved = dataclasses.replace(first, elastic=4.0, elastic_every=30.0)
    sample, straight = crop(moved, store), crop(first, store)
    np.testing.assert_allclose(sample.images[0][:, 1:], sample.images[1][:, :-1], atol=1e-5)
    assert np.abs(sample.images - straight.images).mean() > 0.02
    np.testing.assert_array_equal(sample.centres, straight.centres)


def test_crop__elastic_views_stay_inside_their_scan(memory_store: Memory) -> None:
    """Its faces stay still; were a voxel taken from beyond, the outermost would be there twice."""
    ramp = np.broadcast_to(np.arange(20)[:, None, None] * 50 - 500, (20, 20, 20)).astype(np.int16)
    memory = memory_store(ramp)
    for number in range(20):
        corners = ((11, 11, 11), (27, 27, 27))
        recipe = dataclasses.replace(
            one("scan_0", *corners, size=12, spacing=2.0), number=number, elastic=2.0, elastic_every=20.0
        )
        low, high = crop(recipe, memory).images[:, 0]
        assert (np.diff(low, axis=0) > 0).all() and (np.diff(high, axis=0) > 0).all()
        np.testing.assert_allclose(low[0], -0.5, atol=1e-5)
        np.testing.assert_allclose(high[-1], 0.45, atol=1e-5)


def test_sampler__elastic_is_drawn_for_its_share_of_samples_and_nothing_else_changes(store: Store) -> None:
    plain, some = (
        Sampler(store, store.ids(), ViewSettings(size=12, geometry=GeometrySettings(elastic_mm=most)), seed=3)
        for most in (0.0, 5.0)
    )
    drawn = [some.draw(number) for number in range(100)]
    assert 0.3 < np.mean([recipe.elastic > 0 for recipe in drawn]) < 0.7
    assert [dataclasses.replace(recipe, elastic=0.0) for recipe in drawn] == [plain.draw(n) for n in range(100)]
    whole = Sampler(store, store.ids(), some.settings, seed=3, augment=False)
    assert whole.draw(5).elastic == 0


def test_geometry__displacements_that_fold_a_scan_are_refused() -> None:
    with pytest.raises(ValueError, match="folds the scan over itself with points 20 mm apart: 10 is the most"):
        GeometrySettings(elastic_mm=10.1, elastic_every_mm=20)
    assert GeometrySettings(elastic_mm=10, elastic_every_mm=20).elastic_mm == 10


def test_crop__damaged_scan_is_a_store_error(store: Store, tmp_path: Path) -> None:
    broken = Store(tmp_path, store.manifest)
    recipe = Sampler(store, store.ids(), TURNED, seed=0).draw(0)
    with pytest.raises(StoreError, match="cannot open"):
        crop(recipe, broken)


def peak(view: np.ndarray) -> np.ndarray:
    """Voxel of the landmark in a view ``(S, S, S)``: the centre of what is brighter than the body."""
    bright = np.clip(view - (view.max() + np.median(view)) / 2, 0, None)
    return np.array(ndimage.center_of_mass(bright))


SIZE = 20
MIDDLE = (SIZE - 1) / 2


@settings(max_examples=40)
@given(linear=linear_maps(), shifts=st.lists(st.tuples(*[st.floats(-2.5, 2.5)] * 3), min_size=2, max_size=2))
def test_crop__landmark_appears_where_the_targets_say(landmark_store: Store, linear: Matrix, shifts: list) -> None:
    """Turned, scaled or mirrored: two views that see one landmark agree, through their targets, on where it is."""
    scan, spacing = landmark_store.ids()[0], 3.0
    centres = [(LANDMARK + np.array(shift)) * spacing for shift in shifts]
    recipe = one(scan, *centres, size=SIZE, spacing=spacing, linear=linear)
    sample = crop(recipe, landmark_store)
    truth = np.linalg.solve(np.array(linear), LANDMARK * spacing)
    for image, target in zip(sample.images, sample.centres, strict=True):
        found = target + (peak(image[0]) - MIDDLE) * spacing
        # A third of a voxel.
        np.testing.assert_allclose(found, truth, atol=1.0)


def test_sampler__drawn_views_show_the_landmark_where_the_targets_say(landmark_store: Store) -> None:
    chosen = ViewSettings(
        size=SIZE,
        count=4,
        geometry=GeometrySettings(probability=1.0, rotation_deg=25, scale=0.2, flip=True),
    )
    sampler = Sampler(landmark_store, landmark_store.ids(), chosen, seed=0)
    checked, mirrored = 0, set()
    for n in range(30):
        drawn = sampler.draw(n)
        bare = one(drawn.scan, *drawn.centres, size=SIZE, spacing=3.0, linear=drawn.linear)
        linear = np.array(drawn.linear)
        truth = np.linalg.solve(linear, LANDMARK * 3.0)
        for image, target in zip(crop(bare, landmark_store).images, drawn.target_centres, strict=True):
            place = (truth - target) / 3.0 + MIDDLE
            if (np.abs(place - MIDDLE) < MIDDLE - 5).all():
                np.testing.assert_allclose(peak(image[0]), place, atol=0.5)
                checked += 1
                mirrored.add(np.linalg.det(linear) < 0)
    assert checked >= 10
    assert mirrored == {True, False}


def test_crop__mirrored_views_swap_sides_in_voxels_and_targets_alike(store: Store) -> None:
    mirror: Matrix = ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    centres = [(30.0, 45.0, 42.0), (54.0, 45.0, 48.0)]
    size = 9
    plain = crop(one("person_000", *centres, size=size, spacing=3.0), store)
    turned = crop(one("person_000", *centres, size=size, spacing=3.0, linear=mirror), store)
    np.testing.assert_allclose(turned.images, plain.images[:, :, ::-1], atol=1e-6)
    gap, mirrored = (sample.centres[1] - sample.centres[0] for sample in (plain, turned))
    np.testing.assert_allclose(mirrored, gap * [-1, 1, 1])


def test_crop__every_axis_of_the_array_is_the_axis_of_the_targets(memory_store: Memory) -> None:
    """A step of one view along R moves the content along the first spatial axis, and so on."""
    array = np.random.default_rng(2).integers(-1000, 1000, (20, 20, 20)).astype(np.int16)
    memory = memory_store(array)
    base = np.array([19.0, 19.0, 19.0])
    for axis, steps in itertools.product(range(3), (1, 3)):
        moved = base + np.eye(3)[axis] * 2.0 * steps
        first, second = crop(one("scan_0", base, moved, size=10, spacing=2.0), memory).images[:, 0]
        kept = np.moveaxis(first, axis, 0)[steps:]
        np.testing.assert_array_equal(kept, np.moveaxis(second, axis, 0)[:-steps])
