"""Appearance changes intensities, keeps the anatomy's place, and does not know where the view was cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orienteer.sampling import Appearance
from orienteer.sampling.appearance import apply_appearance
from orienteer.store.intensity import LIMIT
from orienteer.testing.strategies import appearances


def voxels(seed: int = 0, size: int = 10, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (channels, size, size, size)).astype(np.float32)


def test_apply__neutral_returns_the_same_voxels() -> None:
    view = voxels() * 1.5
    np.testing.assert_array_equal(apply_appearance(view, Appearance(), spacing=3.0), view)


def test_apply__neutral_value_of_each_change_does_nothing() -> None:
    # Zero coefficients take the long way through every formula.
    view = voxels()
    result = apply_appearance(view, Appearance(bias=(0.0,) * 9), spacing=3.0)
    np.testing.assert_allclose(result, view, atol=1e-6)


def test_apply__what_lies_below_the_window_is_kept() -> None:
    """As scans are seen when they are not varied: air below the floor of a CT window, for one."""
    view = np.linspace(-1.5, 1.5, 1000, dtype=np.float32).reshape(1, 10, 10, 10)
    np.testing.assert_allclose(apply_appearance(view, Appearance(bias=(0.0,) * 9), spacing=3.0), view, atol=1e-6)
    bent = apply_appearance(view, Appearance(gamma=2.0), spacing=3.0)
    np.testing.assert_allclose(bent[view < -1], view[view < -1], atol=1e-6)


def test_apply__curve_moves_the_body_straight_between_its_knots_and_leaves_air() -> None:
    view = np.array([-1.5, -1.0, -0.96, -0.5, 0.0, 0.5, 1.0, 1.4], dtype=np.float32).reshape(1, 2, 2, 2)
    result = apply_appearance(view, Appearance(curve=(1.0, -0.2, 0.6)), spacing=3.0)
    np.testing.assert_allclose(result.ravel(), [-1.5, -1.0, -0.96, 0.4, -0.2, 0.2, 0.6, 0.6], atol=1e-6)


def test_apply__curve_comes_before_all_other_changes() -> None:
    view, curve = voxels(), (0.5, -0.5, 0.0)
    curved = apply_appearance(view, Appearance(curve=curve), spacing=3.0)
    both = apply_appearance(view, Appearance(gamma=1.3, contrast=0.9, curve=curve), spacing=3.0)
    np.testing.assert_allclose(both, apply_appearance(curved, Appearance(gamma=1.3, contrast=0.9), spacing=3.0))


@settings(max_examples=60)
@given(appearance=appearances(), channels=st.integers(1, 2))
def test_apply__stays_finite_within_limits_and_float32(appearance: Appearance, channels: int) -> None:
    view = voxels(1, channels=channels) * 1.5
    before = view.copy()
    result = apply_appearance(view, appearance, spacing=3.0)
    assert result.shape == view.shape
    assert result.dtype == np.float32
    assert np.isfinite(result).all()
    assert np.abs(result).max() <= LIMIT
    np.testing.assert_array_equal(view, before, "its input is left alone")
    np.testing.assert_array_equal(result, apply_appearance(view, appearance, spacing=3.0), "replays bit for bit")


@settings(max_examples=40)
@given(gamma=st.floats(0.3, 3), contrast=st.floats(0.2, 2), brightness=st.floats(-1, 1))
def test_apply__gamma_contrast_brightness_keep_the_order_of_intensities(
    gamma: float, contrast: float, brightness: float
) -> None:
    view = np.linspace(-1.5, 1.5, 1000, dtype=np.float32).reshape(1, 10, 10, 10)
    result = apply_appearance(view, Appearance(gamma, contrast, brightness), spacing=3.0)
    assert (np.diff(result.ravel()) >= 0).all()


@pytest.mark.parametrize(
    ("appearance", "value", "expected"),
    [
        # Gamma 2: 0.25 of the window becomes 0.0625.
        (Appearance(gamma=2.0), -0.5, -0.875),
        (Appearance(gamma=2.0), 1.0, 1.0),
        (Appearance(gamma=0.5), -0.5, 0.0),
        (Appearance(contrast=0.5), -0.6, -0.3),
        (Appearance(brightness=0.2), 0.3, 0.5),
        (Appearance(contrast=2.0, brightness=0.1), 0.5, 1.1),
        # Limits.
        (Appearance(brightness=1.0), 0.9, LIMIT),
        (Appearance(contrast=2.0, brightness=-1.0), -1.0, -LIMIT),
    ],
)
def test_apply__single_values_by_hand(appearance: Appearance, value: float, expected: float) -> None:
    view = np.full((1, 8, 8, 8), value, dtype=np.float32)
    np.testing.assert_allclose(apply_appearance(view, appearance, spacing=3.0), expected, atol=1e-6)


@pytest.mark.parametrize("term", range(9))
def test_apply__bias_is_the_stated_polynomial(term: int) -> None:
    coefficients = np.zeros(9)
    coefficients[term] = 0.2
    view = np.zeros((1, 9, 9, 9), dtype=np.float32)
    field = (apply_appearance(view, Appearance(bias=tuple(coefficients)), spacing=3.0)[0] + 1) / 2 / 0.5
    at = (8, 6, 2)
    x, y, z = np.array(at) / 4 - 1
    expected = [x, y, z, x * y, y * z, x * z, x * x, y * y, z * z][term]
    assert field[at] == pytest.approx(np.exp(0.2 * expected), rel=1e-5)
    assert field[4, 4, 4] == pytest.approx(1.0), "nothing in the middle"


def test_apply__bias_leaves_background_at_the_floor() -> None:
    view = np.full((1, 8, 8, 8), -1.0, dtype=np.float32)
    np.testing.assert_array_equal(apply_appearance(view, Appearance(bias=(0.3,) * 9), spacing=3.0), -1.0)


def test_apply__blur_is_measured_in_mm() -> None:
    view = np.full((1, 25, 25, 25), -1.0, dtype=np.float32)
    view[0, 12, 12, 12] = 1.0
    line = np.arange(25) - 12.0

    def width(blur_mm: float, spacing: float) -> float:
        profile = apply_appearance(view, Appearance(blur_mm=blur_mm), spacing=spacing)[0].sum((1, 2)) + 625
        return float(np.sqrt((profile * line**2).sum() / profile.sum())) * spacing

    # Cut at 2.5 standard deviations, a Gaussian is a tenth narrower.
    assert width(4.0, 2.0) == pytest.approx(4.0, rel=0.12)
    assert width(4.0, 1.0) == pytest.approx(4.0, rel=0.12)
    assert width(6.0, 3.0) == pytest.approx(6.0, rel=0.12)


def test_apply__blur_does_not_mix_channels_nor_draw_in_a_dark_frame() -> None:
    view = np.stack([np.full((10, 10, 10), 0.5), np.full((10, 10, 10), -0.5)]).astype(np.float32)
    result = apply_appearance(view, Appearance(blur_mm=6.0), spacing=3.0)
    np.testing.assert_allclose(result, view, atol=1e-6)


def noisy(*address: int, size: int = 20, channels: int = 1) -> np.ndarray:
    view = np.zeros((channels, size, size, size), dtype=np.float32)
    return apply_appearance(view, Appearance(noise=0.1, noise_address=address), spacing=3.0)


def test_apply__noise_is_counted_by_seed_sample_and_view() -> None:
    addresses = [(seed, number, view) for seed in (0, 1) for number in (0, 1, 9) for view in (0, 1)]
    drawn = [noisy(*address) for address in addresses]
    for address, noise in zip(addresses, drawn, strict=True):
        np.testing.assert_array_equal(noise, noisy(*address))
    for one in range(len(drawn)):
        for other in range(one):
            assert abs(np.corrcoef(drawn[one].ravel(), drawn[other].ravel())[0, 1]) < 0.06


def test_apply__noise_has_the_stated_strength_and_no_mean() -> None:
    noise = noisy(3, 4, 5)
    assert noise.std() == pytest.approx(0.1, rel=0.03)
    assert abs(noise.mean()) < 0.004


def test_apply__channels_get_noise_of_their_own() -> None:
    noise = noisy(0, 0, 0, channels=2)
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.06
