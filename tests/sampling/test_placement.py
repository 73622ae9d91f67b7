"""Placements keep what they promise: inside the scan, overlapping, contiguous, in distinct directions, replayable."""

import itertools
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orienteer.config import Config
from orienteer.errors import ConfigError
from orienteer.sampling import Sampler, SampleRecipe, ViewSettings
from orienteer.sampling.placement import BASE, DIRECTIONS, PLACEMENTS, overlap
from orienteer.sampling.settings import GeometrySettings, NeighboursSettings
from orienteer.store import Store

Memory = Callable[..., Store]
SCAN = ("scan_0",)
TURNED = GeometrySettings(probability=1.0, rotation_deg=15, scale=0.15, flip=True)
GEOMETRY = st.sampled_from((GeometrySettings(probability=0.0), TURNED))
ROOM = st.tuples(*[st.integers(0, 20)] * 3)
NUMBER = st.integers(0, 2**40)


def empty(*shape: int) -> np.ndarray:
    return np.zeros(shape, dtype=np.int16)


def drawn(memory_store: Memory, shape: np.ndarray, chosen: ViewSettings, number: int) -> SampleRecipe:
    recipe = Sampler(memory_store(empty(*shape)), SCAN, chosen, seed=4).draw(number)
    assert len(recipe.views) == chosen.count
    corners = np.array(list(itertools.product((-0.5, 0.5), repeat=3))) * (recipe.size - 1)
    for centre in recipe.centres / recipe.spacing:
        voxels = centre + corners @ np.array(recipe.linear).T
        assert voxels.min() >= -1e-6 and (voxels <= shape - 1 + 1e-6).all(), "a view sticks out of the scan"
    return recipe


def seen_voxels(recipe: SampleRecipe) -> np.ndarray:
    """``(K, 3)`` centres in the frame the network sees, in voxels."""
    return recipe.target_centres / recipe.spacing


@pytest.mark.parametrize(
    "chosen",
    [
        {"placement": "overlapping", "count": 4, "overlapping": {"share": 0.3}},
        {"placement": "grid", "count": 11},
        {"placement": "neighbours", "count": 8},
    ],
    ids=lambda chosen: chosen["placement"],
)
def test_draw__placements_are_replayable_in_any_order(memory_store: Memory, chosen: dict) -> None:
    chosen = ViewSettings.build({**chosen, "size": 10, "geometry": TURNED.model_dump() | {"probability": 0.5}})
    store = memory_store(empty(44, 40, 48), empty(42, 50, 41))
    sampler = Sampler(store, store.ids(), chosen, seed=3)
    forwards = {n: sampler.draw(n) for n in range(12)}
    again = Sampler(memory_store(empty(44, 40, 48), empty(42, 50, 41)), store.ids(), chosen, seed=3)
    assert forwards == {n: again.draw(n) for n in reversed(range(12))}
    assert len({recipe.views for recipe in forwards.values()}) == 12
    assert {recipe.is_grid_aligned for recipe in forwards.values()} == {True, False}
    other = Sampler(store, store.ids(), chosen, seed=4)
    assert all(other.draw(n).views != forwards[n].views for n in range(12))


@settings(max_examples=60)
@given(room=ROOM, number=NUMBER, geometry=GEOMETRY, count=st.integers(2, 5), share=st.floats(0, 1))
def test_overlapping__every_two_views_share_their_part(
    memory_store: Memory, room: tuple, number: int, geometry: GeometrySettings, count: int, share: float
) -> None:
    chosen = ViewSettings(placement="overlapping", count=count, size=9, geometry=geometry, overlapping={"share": share})
    recipe = drawn(memory_store, np.array(room) + 9, chosen, number)
    for one, other in itertools.combinations(seen_voxels(recipe), 2):
        # Counted by hand: the product of what is left of each edge.
        assert np.prod(np.clip(9 - np.abs(one - other), 0, None)) >= share * 9**3 - 1e-6


def test_overlapping__views_do_move(memory_store: Memory) -> None:
    """Half of the volume in common is a bound, not the rule; most pairs lie between it and all of it."""
    chosen = ViewSettings(placement="overlapping", count=2, size=16)
    sampler = Sampler(memory_store(empty(40, 40, 40)), SCAN, chosen, seed=0, augment=False)
    shares = np.array([overlap(np.diff(seen_voxels(sampler.draw(n)), axis=0)[0], 16) for n in range(200)])
    assert shares.min() < 0.52 and 0.55 < np.median(shares) < 0.75
    assert (shares == 1).mean() < 0.03


@pytest.mark.parametrize(("shift", "share"), [((0, 0, 0), 1), ((5, 0, 0), 0.5), ((5, -5, 5), 0.125), ((10, 0, 0), 0)])
def test_overlap__by_hand(shift: tuple, share: float) -> None:
    assert overlap(np.array(shift), 10) == pytest.approx(share)


@settings(max_examples=60)
@given(room=ROOM, number=NUMBER, geometry=GEOMETRY, count=st.integers(9, 14))
def test_grid__base_crops_fill_a_cube_without_gaps_and_random_crops_lie_in_it(
    memory_store: Memory, room: tuple, number: int, geometry: GeometrySettings, count: int
) -> None:
    chosen = ViewSettings(placement="grid", count=count, size=8, geometry=geometry)
    recipe = drawn(memory_store, np.array(room) + 16, chosen, number)
    places = seen_voxels(recipe)
    crops, base = places[:-8], places[-8:]
    corner = base.min(axis=0)
    steps = (base - corner) / 8
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-6)
    assert {tuple(step) for step in np.rint(steps).tolist()} == set(itertools.product((0.0, 1.0), repeat=3))
    assert (crops >= corner - 1e-6).all() and (crops <= corner + 8 + 1e-6).all()
    # So every voxel of a random crop lies in exactly one base crop.
    shared = overlap(crops[:, None] - base, 8).sum(axis=1)
    np.testing.assert_allclose(shared, 1.0, atol=1e-6)


def test_grid__its_origin_is_drawn_wherever_it_fits(memory_store: Memory) -> None:
    chosen = ViewSettings(placement="grid", count=9, size=8)
    sampler = Sampler(memory_store(empty(18, 16, 17)), SCAN, chosen, seed=0, augment=False)
    corners = Counter(tuple(seen_voxels(sampler.draw(n))[1:].min(axis=0).tolist()) for n in range(240))
    assert set(corners) == {(r + 3.5, 3.5, s + 3.5) for r in range(3) for s in range(2)}
    assert min(corners.values()) > 20, "each origin equally often, 40 times of 240"


def test_grid__random_crops_reach_all_of_the_cube(memory_store: Memory) -> None:
    chosen = ViewSettings(placement="grid", count=16, size=8)
    sampler = Sampler(memory_store(empty(16, 16, 16)), SCAN, chosen, seed=0, augment=False)
    crops = np.concatenate([seen_voxels(sampler.draw(n))[:8] for n in range(60)])
    for axis in range(3):
        assert set(crops[:, axis].tolist()) == {3.5 + step for step in range(9)}


@settings(max_examples=60)
@given(
    room=ROOM,
    number=NUMBER,
    geometry=GEOMETRY,
    count=st.integers(2, 8),
    gap=st.integers(0, 3),
    jitter=st.integers(0, 3),
)
def test_neighbours__lie_in_distinct_directions_and_never_touch_the_centre(
    memory_store: Memory, room: tuple, number: int, geometry: GeometrySettings, count: int, gap: int, jitter: int
) -> None:
    jitter = min(gap, jitter)
    chosen = ViewSettings(
        placement="neighbours",
        count=count,
        size=8,
        geometry=geometry,
        neighbours=NeighboursSettings(gap=gap, jitter=jitter),
    )
    recipe = drawn(memory_store, np.array(room) + 16 + gap + 2 * jitter, chosen, number)
    places = seen_voxels(recipe)
    offsets = places[1:] - places[0]
    steps = np.rint(offsets / (8 + gap))
    assert np.abs(offsets - (8 + gap) * steps).max() <= jitter + 1e-6
    assert np.abs(steps).max(axis=1).tolist() == [1.0] * (count - 1)
    assert len({tuple(step) for step in steps.tolist()}) == count - 1
    assert (np.abs(offsets).max(axis=1) >= 8 - 1e-6).all(), "shares voxels with the centre"


def test_neighbours__all_directions_come_up_equally_and_jitter_uses_its_range(memory_store: Memory) -> None:
    chosen = ViewSettings(placement="neighbours", count=5, size=8)
    sampler = Sampler(memory_store(empty(50, 50, 50)), SCAN, chosen, seed=0, augment=False)
    offsets = np.concatenate(
        [np.diff(seen_voxels(sampler.draw(n))[[0, k]], axis=0) for n in range(150) for k in range(1, 5)]
    )
    counts = Counter(tuple(step) for step in np.rint(offsets / 10).tolist())
    assert set(counts) == {tuple(step) for step in DIRECTIONS.tolist()}
    assert min(counts.values()) >= 8 and max(counts.values()) <= 45  # 600 over 26: 23 each
    assert Counter((offsets - 10 * np.rint(offsets / 10)).ravel().tolist()).keys() == {-1.0, 0.0, 1.0}


def test_neighbours__prefer_directions_with_body(memory_store: Memory) -> None:
    """Body only right of voxel 24: no neighbour is drawn further left than needed."""
    occupied = np.zeros((12, 12, 12), bool)
    occupied[6:] = True
    chosen = ViewSettings(placement="neighbours", count=5, size=8, min_foreground=0.5)
    sampler = Sampler(memory_store(empty(48, 48, 48), occupied=occupied), SCAN, chosen, seed=0, augment=False)
    centres = np.concatenate([seen_voxels(sampler.draw(n)) for n in range(40)])
    assert (centres[:, 0] < 20).mean() < 0.02


def test_neighbours__a_scan_that_barely_holds_them_is_enough(memory_store: Memory) -> None:
    """Two cells along each axis: the 7 neighbours of a corner, whichever corner it is."""
    chosen = ViewSettings(placement="neighbours", count=8, size=8)
    sampler = Sampler(memory_store(empty(20, 20, 20)), SCAN, chosen, seed=0, augment=False)
    centres = {tuple(seen_voxels(sampler.draw(n))[0].tolist()) for n in range(60)}
    assert centres == set(itertools.product((4.5, 14.5), repeat=3))


@pytest.mark.parametrize(
    ("chosen", "shape", "complaint", "cure"),
    [
        ({"placement": "overlapping", "size": 12}, (20, 11, 20), "too small for a view of 12", "lower views.size"),
        (
            {"placement": "grid", "size": 12, "count": 10},
            (30, 23, 30),
            "grid of 2 x 2 x 2 views of 12",
            "views.size to 11",
        ),
        ({"placement": "grid", "size": 12, "count": 8}, (30, 30, 30), "no random crop", "views.count=10"),
        ({"placement": "neighbours", "size": 24, "count": 8}, (54, 60, 50), "at most 3 neighbours", "views.count to 4"),
        ({"placement": "neighbours", "size": 24}, (30, 20, 30), "too small for a view of 24", "lower views.size"),
    ],
)
def test_sampler__what_cannot_fit_is_refused_with_a_cure(
    memory_store: Memory, chosen: dict, shape: tuple, complaint: str, cure: str
) -> None:
    with pytest.raises(ConfigError, match=complaint) as error:
        Sampler(memory_store(empty(*shape)), SCAN, ViewSettings(**chosen), seed=0)
    assert cure in error.value.cure


def test_sampler__what_just_fits_is_drawn(memory_store: Memory) -> None:
    for chosen, shape in (
        ({"placement": "grid", "size": 12, "count": 10}, (24, 24, 24)),
        ({"placement": "neighbours", "size": 12, "count": 6}, (28, 42, 14)),
    ):
        sampler = Sampler(memory_store(empty(*shape)), SCAN, ViewSettings(**chosen, geometry=TURNED), seed=0)
        assert len({sampler.draw(n).views for n in range(5)}) > 1
        assert all(sampler.draw(n).is_grid_aligned for n in range(5)), "turned, they would stick out"


def test_settings__jitter_larger_than_the_gap_is_refused() -> None:
    with pytest.raises(ConfigError, match="jitter 3 is larger than gap 2"):
        ViewSettings.build({"neighbours": {"gap": 2, "jitter": 3}})


def test_placements__are_those_of_the_settings() -> None:
    annotation = ViewSettings.model_fields["placement"].annotation
    assert issubclass(ViewSettings, Config)
    assert tuple(PLACEMENTS) == annotation.__args__
    assert BASE.shape == (8, 3) and DIRECTIONS.shape == (26, 3)


@pytest.mark.parametrize("name", PLACEMENTS)
@given(st.lists(st.tuples(*[st.integers(1, 70)] * 3), max_size=8), st.integers(8, 24), st.integers(2, 12), st.data())
def test_fits__says_of_many_scans_what_check_says_of_each(
    name: str, shapes: list[tuple[int, int, int]], size: int, count: int, data: st.DataObject
) -> None:
    gap = data.draw(st.integers(0, 6))
    room = NeighboursSettings(gap=gap, jitter=data.draw(st.integers(0, gap)))
    chosen = ViewSettings(size=size, count=8).model_copy(update={"count": count, "neighbours": room})

    def holds(shape: tuple[int, int, int]) -> bool:
        try:
            PLACEMENTS[name].check("scan", shape, chosen)
        except ConfigError:
            return False
        return True

    found = PLACEMENTS[name].fits(np.array(shapes, dtype=np.int64).reshape(-1, 3), chosen)
    assert found.dtype == bool and found.tolist() == [holds(shape) for shape in shapes]
