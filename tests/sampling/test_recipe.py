"""Recipes are pure data, and the targets follow from them alone."""

import json

import numpy as np
import pytest
from hypothesis import given, settings

from orienteer.sampling import Appearance, SampleRecipe, ViewRecipe
from orienteer.sampling.recipe import IDENTITY, Matrix
from orienteer.testing.strategies import recipes

MIRROR: Matrix = ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def recipe(*centres: tuple[float, float, float], linear: Matrix = IDENTITY, size: int = 9) -> SampleRecipe:
    views = tuple(ViewRecipe(centre) for centre in centres)
    return SampleRecipe(scan="a", number=5, size=size, spacing=2.0, linear=linear, views=views)


@settings(max_examples=60)
@given(recipes())
def test_json__round_trip_is_exact(drawn: SampleRecipe) -> None:
    text = drawn.to_json()
    assert "\n" not in text, "one line"
    json.loads(text, parse_constant=pytest.fail)
    again = SampleRecipe.from_json(text)
    assert again == drawn
    assert hash(again) == hash(drawn)
    np.testing.assert_array_equal(again.target_centres, drawn.target_centres)


@settings(max_examples=60)
@given(recipes())
def test_target_centres__linear_maps_them_back_to_the_scan(drawn: SampleRecipe) -> None:
    """``linear`` maps an offset in the view's frame to one in the scan's: gaps must obey the same map."""
    target, true = drawn.target_centres, drawn.centres
    np.testing.assert_allclose((target[1:] - target[0]) @ np.array(drawn.linear).T, true[1:] - true[0], atol=1e-8)


def test_target_centres__without_augmentation_are_the_centres() -> None:
    drawn = recipe((10, 20, 30), (4, 5, 6))
    np.testing.assert_array_equal(drawn.target_centres, [[10, 20, 30], [4, 5, 6]])


def test_target_centres__flip_and_scale_by_hand() -> None:
    np.testing.assert_array_equal(recipe((10, 20, 30), linear=MIRROR).target_centres, [[-10, 20, 30]])
    # The view's millimetre covers 1.25 mm of the scan: the body looks smaller, gaps shrink.
    larger: Matrix = ((1.25, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.8))
    np.testing.assert_allclose(recipe((10, 20, 30), linear=larger).target_centres, [[8, 20, 37.5]])


def test_target_centres__quarter_turn_by_hand() -> None:
    # The view's right is the scan's anterior; the view's anterior is the scan's left.
    turn: Matrix = ((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    np.testing.assert_allclose(recipe((10, 20, 30), linear=turn).target_centres, [[20, -10, 30]])


def test_view_mm__is_size_times_spacing() -> None:
    assert recipe((0, 0, 0), size=9).view_mm == 18.0


@pytest.mark.parametrize(
    ("centre", "size", "linear", "aligned"),
    [
        ((8, 10, 12), 9, IDENTITY, True),  # odd views are centred on a voxel
        ((9, 10, 12), 9, IDENTITY, False),
        ((9, 11, 13), 10, IDENTITY, True),  # even ones between two
        ((8, 10, 12), 10, IDENTITY, False),
        ((8, 10, 12.5), 9, IDENTITY, False),
        ((8, 10, 12), 9, MIRROR, False),
    ],
)
def test_is_grid_aligned__by_hand(centre: tuple, size: int, linear: Matrix, aligned: bool) -> None:
    assert recipe(centre, size=size, linear=linear).is_grid_aligned is aligned


def test_appearance__default_is_neutral_and_comparable() -> None:
    assert Appearance() == Appearance(gamma=1.0, contrast=1.0, brightness=0.0, bias=(), blur_mm=0.0, noise=0.0)
    assert Appearance(bias=(0.0,) * 9) != Appearance()
