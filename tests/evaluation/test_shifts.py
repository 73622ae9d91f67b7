"""Shifts: what each does to a scan, and what it leaves alone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from orienteer.evaluation.shifts import Shift, Whole, averaged, biased, shifts
from orienteer.store.convention import Convention, convention_of
from orienteer.store.intensity import BODY_ABOVE, FLOOR, LIMIT

SHIFTS = {shift.card.name: shift for shift in shifts(3.0)}


def scan(convention: Convention | None = None) -> Whole:
    """A body of greys from dark to bright in a constant background, 20 x 24 x 28 voxels of 3 mm."""
    voxels = np.full((1, 20, 24, 28), FLOOR, dtype=np.float32)
    voxels[0, 4:-4, 4:-4, 4:-4] = np.linspace(-0.94, 1.0, 20, dtype=np.float32)
    return Whole.of(voxels, spacing=3.0, view_mm=48.0, convention=convention or convention_of("window"))


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def changed(name: str, whole: Whole, seed: int = 0) -> NDArray[np.float32]:
    return SHIFTS[name].changed(whole, random(seed))


def test_shifts__names_are_unique_and_words_follow_the_spacing() -> None:
    assert len(SHIFTS) == len(shifts(3.0))
    assert [shift.card.title for shift in shifts(1.5) if shift.card.name == "slices-2x"] == ["slices of 3 mm"]


@pytest.mark.parametrize(
    "shift", [each for each in SHIFTS.values() if each.change is not None], ids=lambda each: each.card.name
)
def test_shift__changes_the_body_and_stays_in_the_window(shift: Shift) -> None:
    whole = scan()
    result = shift.changed(whole, random())
    assert result.shape == whole.voxels.shape and result.dtype == np.float32
    assert np.abs(result).max() <= LIMIT
    assert np.abs(result - whole.voxels)[:, whole.body].mean() > 0.01
    if shift.card.group in ("contrast", "intensity"):
        np.testing.assert_allclose(result[:, ~whole.body], FLOOR, atol=0.02)
    np.testing.assert_array_equal(result, shift.changed(whole, random()), err_msg="the same draw, the same scan")


@pytest.mark.parametrize("name", [name for name, each in SHIFTS.items() if each.change is None])
def test_shift__of_geometry_leaves_the_voxels_alone(name: str) -> None:
    whole = scan()
    np.testing.assert_allclose(changed(name, whole), whole.voxels, atol=1e-6)


def test_inverted__darkest_becomes_brightest_and_twice_is_as_before() -> None:
    whole = scan()
    once = changed("inverted", whole)[0, 10, 10, 4:-4]
    assert (np.diff(once) < 0).all() and once.max() == pytest.approx(1.0, abs=0.06)
    again = Whole.of(changed("inverted", whole), spacing=3, view_mm=48, convention=whole.convention)
    np.testing.assert_allclose(changed("inverted", again)[0, 10, 10, 6:-6], whole.voxels[0, 10, 10, 6:-6], atol=0.1)


def test_folded__the_middle_becomes_the_brightest() -> None:
    line = changed("folded", scan())[0, 10, 10, 4:-4]
    assert 8 <= line.argmax() <= 11 and line[0] < -0.8 and line[-1] < -0.8


def test_bent__keeps_the_order_and_remapped_does_not() -> None:
    whole = scan()
    for seed in range(5):
        assert (np.diff(changed("bent", whole, seed)[0, 10, 10, 4:-4]) >= -1e-6).all()
    assert any((np.diff(changed("remapped", whole, seed)[0, 10, 10, 4:-4]) < -0.1).any() for seed in range(5))


def test_biased__field_spans_what_it_says_across_a_view() -> None:
    bright = np.full((1, 40, 40, 40), 0.0, dtype=np.float32)
    whole = Whole.of(bright, spacing=3.0, view_mm=48.0, convention=convention_of((0, 1)))
    factor = (biased(whole, random(), share=0.5) + 1) / 1.0
    assert factor.max() == pytest.approx(1.5, rel=0.02) and factor.min() == pytest.approx(1 / 1.5, rel=0.02)
    # From the darkest to the brightest plane it is the edge of a view.
    low, high = (np.argwhere(factor[0] == end)[0] for end in (factor.min(), factor.max()))
    assert np.linalg.norm(low - high) * 3.0 >= 0.9 * 48.0


def test_averaged__slices_are_means_and_a_ramp_stays_a_ramp() -> None:
    steps = np.zeros((1, 2, 2, 8), dtype=np.float32)
    steps[..., 4:] = 8.0
    np.testing.assert_allclose(averaged(steps, 3, 4.0)[0, 0, 0], [0, 0, 1, 3, 5, 7, 8, 8])
    ramp = np.arange(30, dtype=np.float32).reshape(1, 30, 1, 1)
    np.testing.assert_allclose(averaged(ramp, 1, 3.0)[0, 2:-2, 0, 0], np.arange(2, 28), rtol=1e-5)
    np.testing.assert_allclose(averaged(ramp, 1, 2.5).mean(), ramp.mean(), rtol=1e-5)


def test_averaged__slices_thicker_than_the_scan_are_its_mean() -> None:
    ramp = np.arange(4, dtype=np.float32).reshape(1, 4, 1, 1)
    assert np.ptp(averaged(ramp, 1, 9.0)) == 0


def test_whole__a_part_keeps_the_window_of_the_whole_until_it_is_chosen_anew() -> None:
    whole = scan()
    dark = whole.part(np.array([0, 0, 0]), np.array([20, 24, 14]))
    np.testing.assert_array_equal(dark.voxels, whole.voxels[..., :14])
    bright = dark.rewindowed(dark.voxels)
    assert dark.voxels.max() < 0.1 and bright.max() == pytest.approx(1.0, abs=0.06)


def test_whole__a_fixed_range_is_never_chosen_anew() -> None:
    whole = scan(convention_of((0, 1000)))
    np.testing.assert_allclose(changed("inverted", whole)[:, whole.body], -whole.voxels[:, whole.body], atol=1e-5)
    dark = whole.part(np.array([0, 0, 0]), np.array([20, 24, 14]))
    np.testing.assert_array_equal(dark.rewindowed(dark.voxels), dark.voxels)


def test_whole__air_is_no_body() -> None:
    assert scan().body.sum() == np.count_nonzero(scan().voxels[0] > BODY_ABOVE)
