"""Labelled patches: replayable, the labels stay on their voxels, nothing lies outside but background."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from orienteer.finetune.patches import PatchSampler, patch_batches, patches
from orienteer.finetune.settings import PatchSettings
from orienteer.finetune.structures import Structures
from orienteer.sampling import SampleRecipe, ViewRecipe, crop
from orienteer.store import Store
from orienteer.store.intensity import FLOOR
from orienteer.testing.strategies import linear_maps
from tests.finetune.cohort import LEVELS, WAVE
from tests.finetune.cohort import layered as layered_store

ORGANS = Structures(("big", "left", "long"), ((1,), (2,), (3,)))
STILL = {"geometry": {"probability": 0.0}}


@pytest.fixture(scope="module")
def layered(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store.open(layered_store(tmp_path_factory.mktemp("layered")))


def sampler(store: Store, seed: int = 3, structures: Structures | None = ORGANS, **values: object) -> PatchSampler:
    return PatchSampler(
        store, store.ids("train"), PatchSettings.build({"size": 16, **values}), seed, structures=structures
    )


def recipe(
    centre: tuple[float, float, float], size: int, linear: NDArray | None = None, scan: str = "wave"
) -> SampleRecipe:
    """An unvaried patch around a centre in voxels."""
    rows = np.eye(3) if linear is None else linear
    x, y, z = (3.0 * value for value in centre)
    return SampleRecipe(scan, 0, size, 3.0, tuple(tuple(row) for row in rows.tolist()), (ViewRecipe((x, y, z)),))


def cut(recipe: SampleRecipe, store: Store) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The image ``(C, S, S, S)`` and the classes ``(S, S, S)`` of a patch."""
    sample = crop(recipe, store, outside=FLOOR, encode=ORGANS.encode)
    return sample.images[0], sample.classes[0]


def voxels(recipe: SampleRecipe) -> NDArray[np.float64]:
    """``(3,)`` centre of a patch, in voxels."""
    return recipe.cubes[0].centre


def test_draw__depends_on_seed_and_number_alone(store: Store) -> None:
    forth = [sampler(store).draw(number) for number in range(12)]
    once = sampler(store)
    back = [once.draw(number) for number in reversed(range(12))][::-1]
    assert forth == back
    assert forth != [sampler(store, seed=4).draw(number) for number in range(12)]


def test_draw__every_scan_once_an_epoch(store: Store) -> None:
    drawn = [sampler(store).draw(number).scan for number in range(40)]
    count = len(store.ids("train"))
    epochs = [drawn[start : start + count] for start in range(0, 40, count)]
    assert all(sorted(epoch) == sorted(store.ids("train")) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_cut__replays_to_the_bit(store: Store) -> None:
    drawing = sampler(store)
    drawn = SampleRecipe.from_json(drawing.draw(5).to_json())
    first, again = patches(drawing)[5], crop(drawn, store, outside=FLOOR, encode=ORGANS.encode)
    assert first.images.dtype == np.float32 and first.classes.dtype == np.uint8
    assert np.array_equal(first.images, again.images) and np.array_equal(first.classes, again.classes)


def test_batches__are_the_same_with_workers_and_without(store: Store) -> None:
    numbers = [[0, 1], [2, 3], [4, 5]]
    alone = list(patch_batches(sampler(store), None, numbers, workers=0))
    helped = list(patch_batches(sampler(store), None, numbers, workers=2))
    assert len(alone) == len(helped) == 3
    for mine, theirs in zip(alone, helped, strict=True):
        assert torch.equal(torch.as_tensor(mine.images), torch.as_tensor(theirs.images))
        assert torch.equal(torch.as_tensor(mine.target), torch.as_tensor(theirs.target))
    assert alone[0].images.shape == (2, 1, 16, 16, 16) and alone[0].target.dtype == torch.int64


def test_batches__varied_on_the_device_have_the_same_patches(store: Store) -> None:
    drawing, numbers = sampler(store, appearance={"noise": 0.0, "blur_mm": 3.0, "bias": 0.4}), [[0, 1], [2, 3]]
    at_once = patch_batches(drawing, None, numbers, workers=0)
    for one, later in zip(at_once, patch_batches(drawing, None, numbers, workers=0, on_device=True), strict=True):
        moved = later.to(torch.device("cpu"))
        assert torch.equal(torch.as_tensor(moved.target), torch.as_tensor(one.target))
        torch.testing.assert_close(moved.images, one.images, rtol=0, atol=2e-5)
        assert not torch.equal(torch.as_tensor(later.images), torch.as_tensor(moved.images))


@pytest.mark.parametrize(("answer", "kind"), [(1, torch.int64), (0.5, torch.float32)])
def test_batches__of_answers_hold_the_scans_own(answer: float, kind: torch.dtype, store: Store) -> None:
    answers = {scan: answer * place for place, scan in enumerate(store.ids("train"))}
    drawing = sampler(store, structures=None)
    batch = next(patch_batches(drawing, answers, [[0, 1, 2, 3]], workers=0))
    assert batch.target.dtype == kind
    assert batch.target.tolist() == [answers[drawing.draw(number).scan] for number in range(4)]


@settings(max_examples=15)
@given(
    linear=linear_maps(),
    centre=st.tuples(*(st.floats(8, n - 9).map(lambda value: round(value, 2)) for n in WAVE)),
    elastic=st.sampled_from((0.0, 2.0, 6.0)),
)
def test_cut__labels_move_with_the_image(
    layered: Store, linear: object, centre: tuple[float, float, float], elastic: float
) -> None:
    """The label of a voxel still follows from its intensity, wherever that is not at a boundary."""
    image, target = cut(replace(recipe(centre, 14, np.array(linear)), elastic=elastic, elastic_every=20.0), layered)
    window = layered.entry("wave").intensity[0]
    seen = (image[0] + 1) / 2 * (window.high - window.low) + window.low
    inside = image[0] > FLOOR
    # A nearest label is up to 0.87 voxels away, over which the waves change by no more than 80.
    sure = inside & (np.abs(seen - LEVELS[0]) > 100) & (np.abs(seen - LEVELS[1]) > 100)
    assume(sure.sum() > 50)  # else next to nothing of the patch lies in the scan
    assert np.array_equal(target[sure], np.digitize(seen[sure], LEVELS))


def test_cut__elastic_moves_voxels_by_what_its_recipe_says(layered: Store) -> None:
    """Smoothly, by as many mm as asked for, and the same whenever it is replayed; none of it changes nothing."""
    straight = recipe((15.5, 12.5, 13.5), 20)
    moved = replace(straight, elastic=6.0, elastic_every=20.0)
    (cube,) = moved.cubes
    assert cube.warp is not None and not moved.is_grid_aligned and straight.is_grid_aligned
    drawn = [replace(moved, number=number).cubes[0].warp for number in range(60)]
    assert 3.0 < 3.0 * np.std(drawn) < 5.0, "at the points of the lattice 6 mm, between them less"
    assert 3.0 * np.abs(drawn).max() <= 18.0
    assert np.abs(np.diff(cube.warp, axis=1)).max() < 2.0, "neighbouring voxels stay neighbours"
    first, again = cut(moved, layered), cut(SampleRecipe.from_json(moved.to_json()), layered)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert not np.array_equal(first[0], cut(straight, layered)[0])
    faint, plain = cut(replace(moved, elastic=1e-9), layered), cut(straight, layered)
    np.testing.assert_allclose(faint[0][:, 1:-1, 1:-1, 1:-1], plain[0][:, 1:-1, 1:-1, 1:-1], atol=1e-5)


def test_draw__elastic_is_drawn_for_the_patches_that_are_varied(store: Store) -> None:
    none, some = (
        sampler(store, geometry={"probability": 0.7}),
        sampler(store, geometry={"probability": 0.7, "elastic_mm": 4.0}),
    )
    drawn = [some.draw(number).elastic for number in range(200)]
    assert {none.draw(number).elastic for number in range(20)} == {0.0}
    assert 0.2 < np.mean([each == 0 for each in drawn]) < 0.4 and 3.5 < max(drawn) <= 4.0
    assert [replace(some.draw(number), elastic=0.0) for number in range(20)] == [none.draw(n) for n in range(20)]


def test_cut__on_the_grid_is_a_plain_copy(layered: Store) -> None:
    """Odd patches on a voxel and even ones between two are copied, not interpolated."""
    whole = layered.normalise("wave", layered.read("wave"))
    image, target = cut(recipe((15, 12, 13), 9), layered)
    assert np.array_equal(image, whole[:, 11:20, 8:17, 9:18])
    assert np.array_equal(target, layered.labels("wave")[11:20, 8:17, 9:18])
    even, _ = cut(recipe((15.5, 12.5, 13.5), 8), layered)
    assert np.array_equal(even, whole[:, 12:20, 9:17, 10:18])


def test_cut__copy_and_interpolation_agree_on_the_grid(layered: Store) -> None:
    nearly = np.eye(3) + np.array([[0, 1e-9, 0], [0, 0, 0], [0, 0, 0]])
    (copied, copied_target), (sampled, sampled_target) = (
        cut(recipe((2, 24, 13), 9, linear), layered) for linear in (None, nearly)
    )
    # Up to the outermost voxels, which a map that is off by 1e-9 may see just outside.
    assert np.allclose(copied[:, 3:, :5], sampled[:, 3:, :5], atol=1e-5)
    assert np.array_equal(copied_target[3:, :5], sampled_target[3:, :5])


@pytest.mark.parametrize("turned", [False, True], ids=["straight", "turned"])
def test_cut__beyond_the_border_is_background(turned: bool, layered: Store) -> None:
    linear = np.eye(3)
    if turned:
        linear[:2, :2] = [[0.8, -0.6], [0.6, 0.8]]
    image, target = cut(recipe((0, 0, 0), 15, linear), layered)
    offsets = np.stack(np.meshgrid(*[np.arange(15) - 7] * 3, indexing="ij"))
    places = np.tensordot(linear, offsets, axes=1)
    outside = (places < -1e-6).any(axis=0)
    assert outside.mean() > 0.5
    assert np.all(image[0][outside] == FLOOR)
    assert np.all(target[(places < -0.5 - 1e-6).any(axis=0)] == 0)
    assert np.all(image[0][(places > 1e-6).all(axis=0)] > FLOOR)


def test_cut__a_patch_larger_than_the_scan_holds_all_of_it(layered: Store) -> None:
    size = 36
    drawn = sampler(layered, size=size, structure_share=0.0, **STILL).draw(0)
    assert voxels(drawn).tolist() == [(n - 1) / 2 for n in WAVE]
    image = cut(recipe(tuple(voxels(drawn)), size), layered)[0][0]
    low = [(size - n) // 2 for n in WAVE]
    middle = tuple(slice(first, first + n) for first, n in zip(low, WAVE, strict=True))
    assert np.array_equal(image[middle], layered.normalise("wave", layered.read("wave"))[0])
    image[middle] = FLOOR
    assert np.all(image == FLOOR)


def test_patches__without_structures_no_labels_are_cut(layered: Store) -> None:
    assert patches(sampler(layered, structures=None))[0].classes is None


def centre_classes(store: Store, count: int, **values: object) -> NDArray[np.int64]:
    """Class of the voxel at each patch's centre."""
    drawing = sampler(store, **values, **STILL)
    classes = {scan: ORGANS.encode(store.labels(scan)) for scan in store.ids("train")}
    recipes = [drawing.draw(number) for number in range(count)]
    places = [tuple(int(v) for v in np.floor(voxels(r))) for r in recipes]
    return np.array([classes[r.scan][place] for r, place in zip(recipes, places, strict=True)])


def test_sampler__structures_are_drawn_evenly_whatever_their_size(store: Store) -> None:
    sizes = np.bincount(ORGANS.encode(store.labels(store.ids("train")[0])).ravel(), minlength=4)[1:]
    assert sizes.max() > 2 * sizes.min()
    hit = np.bincount(centre_classes(store, 600, structure_share=1.0), minlength=4)
    assert hit[0] == 0
    assert np.all(np.abs(hit[1:] - 200) < 60)  # 5 standard deviations


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_sampler__structure_share_is_kept(share: float, store: Store) -> None:
    """Places drawn anywhere are on a structure only as often as structures fill the scan."""
    anywhere = np.mean(centre_classes(store, 400, structure_share=0.0) > 0)
    assert anywhere < 0.5
    on = np.mean(centre_classes(store, 400, structure_share=share) > 0)
    assert abs(on - (share + (1 - share) * anywhere)) <= (0.1 if share == 0.5 else 0.0)


@pytest.mark.parametrize("size", [15, 16, 40])
def test_sampler__unturned_patches_lie_on_the_scans_own_grid(size: int, store: Store) -> None:
    """Their voxels are the scan's, not interpolated, and the labels lie where the image does."""
    drawing = sampler(store, size=size, **STILL)
    for number in range(20):
        drawn = drawing.draw(number)
        low = voxels(drawn) - (size - 1) / 2
        assert np.array_equal(low, np.rint(low))


def test_sampler__patches_drawn_anywhere_stay_inside(store: Store) -> None:
    drawing = sampler(store, structure_share=0.0, **STILL)
    for number in range(60):
        drawn = drawing.draw(number)
        low = voxels(drawn) - 7.5
        assert np.all(low >= 0) and np.all(low + 16 <= store.entry(drawn.scan).shape)


def test_sampler__a_scan_without_any_structure_is_drawn_from_anywhere(tmp_path: Path) -> None:
    empty = Store.open(layered_store(tmp_path))
    other = Structures(("absent",), ((9,),))
    centres = {tuple(voxels(sampler(empty, structures=other, structure_share=1.0).draw(number))) for number in range(8)}
    assert len(centres) > 1
