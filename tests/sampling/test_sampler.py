"""Drawing recipes: the same ones whatever the order, never outside the scan, on the body where there is body."""

import dataclasses
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orienteer.errors import ConfigError
from orienteer.sampling import Appearance, Sampler, SampleRecipe, ViewSettings
from orienteer.sampling.sampler import draw_appearance, draw_linear
from orienteer.sampling.settings import AppearanceSettings, GeometrySettings
from orienteer.store import Store
from orienteer.testing.strategies import view_settings

SMALL = ViewSettings(size=12)
TURNED = ViewSettings(size=12, geometry=GeometrySettings(probability=1.0, rotation_deg=20, scale=0.15, flip=True))

Memory = Callable[..., Store]


def empty(*shape: int) -> np.ndarray:
    return np.zeros(shape, dtype=np.int16)


def first_voxels(recipe: SampleRecipe) -> np.ndarray:
    """``(K, 3)`` low corner of grid-aligned views, in voxels."""
    return recipe.centres / recipe.spacing - (recipe.size - 1) / 2


def test_draw__any_order_gives_the_same_recipes(store: Store) -> None:
    sampler = Sampler(store, store.ids("train"), TURNED, seed=3)
    numbers = list(range(40))
    forwards = {n: sampler.draw(n) for n in numbers}
    backwards = {n: sampler.draw(n) for n in reversed(numbers)}
    other_process = Sampler(Store.open(store.path), store.ids("train"), TURNED, seed=3)
    assert forwards == backwards == {n: other_process.draw(n) for n in numbers[::3] + numbers[1::3] + numbers[2::3]}
    assert [recipe.number for recipe in forwards.values()] == numbers


def test_draw__seeds_and_numbers_give_other_views(store: Store) -> None:
    ids = store.ids("train")
    drawn = [Sampler(store, ids, TURNED, seed=seed).draw(n) for seed in (0, 1) for n in range(20)]
    assert len({recipe.views for recipe in drawn}) == 40
    assert len({recipe.linear for recipe in drawn}) == 40
    places = [view.centre_mm for recipe in drawn for view in recipe.views]
    assert len(set(places)) == len(places), "views of one sample lie apart, too"


def test_draw__reference_recipe_is_pinned(memory_store: Memory) -> None:
    """Should this change, runs made before can no longer be repeated: say so in the changelog."""
    sampler = Sampler(memory_store(empty(30, 34, 32)), ("scan_0",), SMALL, seed=11, augment=False)
    assert [sampler.draw(n).centres.tolist() for n in (0, 1)] == PINNED


PINNED = [
    [[37.0, 25.0, 33.0], [39.0, 53.0, 39.0], [39.0, 19.0, 23.0]],
    [[21.0, 43.0, 19.0], [37.0, 15.0, 15.0], [33.0, 35.0, 25.0]],
]


@pytest.mark.parametrize("augment", [True, False])
def test_draw__each_epoch_shows_every_scan_once(store: Store, augment: bool) -> None:
    ids = store.ids()
    sampler = Sampler(store, ids, SMALL, seed=0, augment=augment)
    epochs = [[sampler.draw(n).scan for n in range(start, start + 8)] for start in range(0, 48, 8)]
    for epoch in epochs:
        assert sorted(epoch) == sorted(ids)
    orders = {tuple(epoch) for epoch in epochs}
    # Training is shuffled anew each epoch; measuring keeps the scans in order.
    assert len(orders) == (6 if augment else 1)


def test_draw__without_augmentation_is_neutral_and_on_the_grid(store: Store) -> None:
    sampler = Sampler(store, store.ids(), TURNED, seed=0, augment=False)
    for n in range(16):
        recipe = sampler.draw(n)
        assert recipe.is_grid_aligned
        assert {view.appearance for view in recipe.views} == {Appearance()}


def test_draw__share_of_turned_samples_is_as_set(memory_store: Memory) -> None:
    chosen = ViewSettings(size=12, geometry=GeometrySettings(probability=0.3))
    sampler = Sampler(memory_store(empty(30, 30, 30)), ("scan_0",), chosen, seed=0)
    turned = [not sampler.draw(n).is_grid_aligned for n in range(600)]
    assert np.mean(turned) == pytest.approx(0.3, abs=0.06)


def test_draw__share_of_curved_samples_is_as_set_and_views_share_their_curve(memory_store: Memory) -> None:
    chosen = ViewSettings(size=12, appearance=AppearanceSettings(curve=0.3))
    sampler = Sampler(memory_store(empty(30, 30, 30)), ("scan_0",), chosen, seed=0)
    curves = [{view.appearance.curve for view in sampler.draw(n).views} for n in range(600)]
    assert all(len(each) == 1 for each in curves), "one sequence for all views of a sample"
    drawn = [curve for each in curves for curve in each if curve]
    assert len(drawn) / 600 == pytest.approx(0.3, abs=0.06) and len(set(drawn)) == len(drawn)
    assert {len(curve) for curve in drawn} == {2, 3, 4, 5, 6, 7}
    assert min(map(min, drawn)) < -0.9 and max(map(max, drawn)) > 0.9 and max(abs(v) for c in drawn for v in c) <= 1


def test_draw__curves_leave_all_other_draws_as_they_were(memory_store: Memory) -> None:
    store = memory_store(empty(30, 30, 30))
    plain, curved = (
        Sampler(store, ("scan_0",), ViewSettings(size=12, appearance=AppearanceSettings(curve=share)), seed=0).draw(5)
        for share in (0.0, 1.0)
    )
    without = tuple(
        dataclasses.replace(view, appearance=dataclasses.replace(view.appearance, curve=())) for view in curved.views
    )
    assert dataclasses.replace(curved, views=without) == plain


@settings(max_examples=120)
@given(
    chosen=view_settings(),
    room=st.tuples(*[st.integers(0, 14)] * 3),
    number=st.integers(0, 2**40),
    seed=st.integers(0, 2**31),
    augment=st.booleans(),
)
def test_draw__no_voxel_of_a_view_lies_outside_the_scan(
    memory_store: Memory, chosen: ViewSettings, room: tuple, number: int, seed: int, augment: bool
) -> None:
    shape = np.array(room) + chosen.size
    recipe = Sampler(memory_store(empty(*shape)), ("scan_0",), chosen, seed, augment).draw(number)
    corners = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 3), axis=-1).reshape(-1, 3) * (recipe.size - 1)
    for centre in recipe.centres / recipe.spacing:
        voxels = centre + corners @ np.array(recipe.linear).T
        assert voxels.min() >= -1e-9
        assert (voxels <= shape - 1 + 1e-9).all()


def test_draw__aligned_views_reach_every_place_there_is_and_no_more(memory_store: Memory) -> None:
    sampler = Sampler(memory_store(empty(10, 12, 9)), ("scan_0",), ViewSettings(size=9), seed=0, augment=False)
    seen = Counter(tuple(low) for n in range(300) for low in first_voxels(sampler.draw(n)).tolist())
    assert set(seen) == {(d, h, 0.0) for d in (0.0, 1.0) for h in (0.0, 1.0, 2.0, 3.0)}
    # 900 draws over 8 places, uniformly: 112 each, give or take 10.
    assert min(seen.values()) > 70
    assert max(seen.values()) < 155


def test_draw__turned_views_fill_the_whole_range(memory_store: Memory) -> None:
    sampler = Sampler(memory_store(empty(30, 36, 40)), ("scan_0",), TURNED, seed=0)
    recipes = [sampler.draw(n) for n in range(300)]
    reached = []
    for recipe in recipes:
        reach = np.abs(recipe.linear) @ np.full(3, (recipe.size - 1) / 2)
        span = np.array([29, 35, 39]) - 2 * reach
        reached.append((recipe.centres / recipe.spacing - reach) / span)
    places = np.concatenate(reached)
    assert places.min() < 0.01
    assert places.max() > 0.99
    np.testing.assert_allclose(places.mean(0), 0.5, atol=0.04)


def test_draw__a_view_that_would_stick_out_is_not_turned(memory_store: Memory) -> None:
    # The view fills the scan: any turn would stick out.
    sampler = Sampler(memory_store(empty(12, 12, 12)), ("scan_0",), TURNED, seed=0)
    for n in range(10):
        assert sampler.draw(n).is_grid_aligned
        np.testing.assert_array_equal(first_voxels(sampler.draw(n)), 0.0)


def half_body(cells: int = 8) -> np.ndarray:
    occupied = np.zeros((cells,) * 3, bool)
    occupied[: cells // 2] = True
    return occupied


def test_draw__views_lie_where_there_is_body(memory_store: Memory) -> None:
    chosen = ViewSettings(size=8, min_foreground=0.95, geometry=GeometrySettings(probability=0.5))
    sampler = Sampler(memory_store(empty(32, 32, 32), occupied=half_body()), ("scan_0",), chosen, seed=0)
    centres = np.concatenate([sampler.draw(n).centres / 2.0 for n in range(60)])
    # Every cell the view touches is body: it ends at voxel 16.
    assert centres[:, 0].max() + 4 <= 16
    assert centres[:, 1].max() > 20, "the other axes are free"


def test_draw__asked_for_nothing_views_lie_anywhere(memory_store: Memory) -> None:
    chosen = ViewSettings(size=8, min_foreground=0.0)
    sampler = Sampler(memory_store(empty(32, 32, 32), occupied=half_body()), ("scan_0",), chosen, seed=0)
    centres = np.concatenate([sampler.draw(n).centres / 2.0 for n in range(60)])
    assert (centres[:, 0] > 16).mean() == pytest.approx(0.5, abs=0.12)


@pytest.mark.parametrize(("asked", "low", "high"), [(1.0, 0.7, 1.0), (0.0, 0.0, 0.3)])
def test_draw__too_little_body_takes_the_best_place_tried(
    memory_store: Memory, asked: float, low: float, high: float
) -> None:
    occupied = np.zeros((12, 12, 12), bool)
    occupied[8:10, 8:10, 8:10] = True  # voxels 32 to 39: no view of 16 can be full of it
    chosen = ViewSettings(size=16, min_foreground=asked)
    sampler = Sampler(memory_store(empty(48, 48, 48), occupied=occupied), ("scan_0",), chosen, seed=0, augment=False)
    centres = np.concatenate([sampler.draw(n).centres / 2.0 for n in range(30)])
    # About one place in nine touches all of the body; the best of 32 tries mostly does.
    touches_all = ((centres + 8 > 36) & (centres - 8 < 36)).all(1)
    assert low <= touches_all.mean() <= high


def test_draw__without_any_body_still_draws(memory_store: Memory) -> None:
    store = memory_store(empty(20, 20, 20), occupied=np.zeros((5, 5, 5), bool))
    sampler = Sampler(store, ("scan_0",), SMALL, seed=0, augment=False)
    assert len({tuple(low) for n in range(20) for low in first_voxels(sampler.draw(n)).tolist()}) > 5


def test_sampler__no_scans_is_refused(store: Store) -> None:
    with pytest.raises(ConfigError, match="no scans"):
        Sampler(store, (), SMALL, seed=0)


@pytest.mark.parametrize("axis", range(3))
def test_sampler__scan_smaller_than_the_view_is_named(memory_store: Memory, axis: int) -> None:
    shape = [12, 12, 12]
    Sampler(memory_store(empty(*shape)), ("scan_0",), SMALL, seed=0)
    shape[axis] = 11
    store = memory_store(empty(20, 20, 20), empty(*shape))
    with pytest.raises(ConfigError, match=r"scan scan_1 is .*11.* too small for a view of 12"):
        Sampler(store, store.ids(), SMALL, seed=0)


def test_draw_linear__turns_and_scales_within_limits() -> None:
    limits = GeometrySettings(rotation_deg=20.0, scale=0.15)
    angles, scales = [], []
    for n in range(400):
        linear = draw_linear(np.random.default_rng(n), limits)
        _left, scale, _right = np.linalg.svd(linear)
        scales.append(scale)
        rotation = linear @ np.linalg.inv(np.diag(np.linalg.norm(linear, axis=0)))
        np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-9)
        assert np.linalg.det(rotation) > 0, "no mirror unless asked for"
        angles.append(np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))))
    assert max(angles) <= 20.0 + 1e-6
    assert max(angles) > 18.0
    assert np.min(scales) >= 0.85 and np.max(scales) <= 1.15
    assert np.min(scales) < 0.87 and np.max(scales) > 1.13
    assert np.std(scales, axis=1).max() > 0.05, "each axis by itself"


def test_draw_linear__mirrors_half_of_the_time_and_only_left_and_right() -> None:
    limits = GeometrySettings(rotation_deg=0.0, scale=0.0, flip=True)
    signs = np.array([np.diag(draw_linear(np.random.default_rng(n), limits)) for n in range(400)])
    np.testing.assert_array_equal(signs[:, 1:], 1.0)
    assert (signs[:, 0] < 0).mean() == pytest.approx(0.5, abs=0.08)


def test_draw_appearance__within_limits_and_really_varied() -> None:
    limits = AppearanceSettings(gamma=0.3, contrast=0.2, brightness=0.1, bias=0.15, blur_mm=2.0, noise=0.08)
    drawn = [dataclasses.asdict(draw_appearance(np.random.default_rng(n), limits, (1, n, 2))) for n in range(400)]

    def values(name: str) -> np.ndarray:
        return np.array([item[name] for item in drawn])

    for name, low, high in (
        ("gamma", np.exp(-0.3), np.exp(0.3)),
        ("contrast", 0.8, 1.2),
        ("brightness", -0.1, 0.1),
        ("noise", 0.0, 0.08),
        ("blur_mm", 0.0, 2.0),
    ):
        assert values(name).min() >= low and values(name).max() <= high
        assert np.ptp(values(name)) > 0.9 * (high - low), f"{name} uses its range"
    assert (values("blur_mm") == 0).mean() == pytest.approx(0.5, abs=0.08), "half of the views stay sharp"
    assert values("bias").shape == (400, 9)
    assert values("bias").std() == pytest.approx(0.05, rel=0.1)
    assert values("noise_address").tolist() == [[1, n, 2] for n in range(400)]


@pytest.mark.parametrize("cell", [2, 4, 8])
def test_draw__the_edge_of_a_foreground_cell_is_the_stores_own(memory_store: Memory, cell: int) -> None:
    """Body in voxels 16 to 31 along R, whatever the cells it is told in."""
    occupied = np.zeros((32 // cell,) * 3, bool)
    occupied[16 // cell :] = True
    store = memory_store(empty(32, 32, 32), occupied=occupied, cell=cell)
    assert store.foreground_cell == cell
    chosen = ViewSettings(size=8, min_foreground=0.95)
    sampler = Sampler(store, ("scan_0",), chosen, seed=0, augment=False)
    first = np.concatenate([first_voxels(sampler.draw(n)) for n in range(40)])[:, 0]
    assert first.min() >= 16 and len(set(first)) > 6
