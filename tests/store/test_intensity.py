"""What 16 bits keep, and what a network is given."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.errors import ScanError
from orienteer.store.intensity import LIMIT, empty_value, normalise, quantise
from orienteer.store.manifest import Intensity

EVERYWHERE = np.ones((8, 8, 8), dtype=bool)


def image(low: float, high: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, (8, 8, 8)).astype(np.float32)


def test_quantise__hounsfield_units_are_stored_as_they_are() -> None:
    hu = np.rint(image(-1000, 1200))
    stored, scale = quantise(hu, EVERYWHERE, whole=True, empty=None)
    assert (scale.slope, scale.intercept) == (1.0, 0.0)
    assert np.array_equal(stored, hu)


@given(low=st.floats(-1e4, 1e4), width=st.floats(1e-3, 1e5), seed=st.integers(0, 99), whole=st.booleans())
def test_quantise__loses_less_than_a_thousandth_of_the_window(low, width, seed, whole) -> None:
    values = image(low, low + width, seed)
    values = np.rint(values) if whole else values
    if np.ptp(np.percentile(values, (0.5, 99.5))) <= width * 0.5:
        return  # rounding left fewer values than a scan has
    stored, scale = quantise(values, EVERYWHERE, whole=whole, empty=None)
    back = stored * scale.slope + scale.intercept
    # Whole numbers at slope 1 carry half a unit of 256 and more.
    assert np.abs(back - values).max() <= (scale.high - scale.low) / (500 if whole else 1000)


def test_quantise__one_hot_voxel_does_not_cost_the_tissue_its_steps() -> None:
    values = image(0.0, 1.0)
    values[0, 0, 0] = 1e6
    stored, scale = quantise(values, EVERYWHERE, whole=False, empty=None)
    assert scale.slope < 1 / 3000
    assert stored[0, 0, 0] == stored.max()


def test_quantise__an_empty_background_becomes_exactly_minus_one() -> None:
    values = image(300.0, 900.0)
    values[:4] = 0.0
    for whole in (True, False):
        stored, scale = quantise(values, values > 0, whole=whole, empty=0.0)
        seen = normalise(stored[None], [scale])[0]
        assert np.unique(seen[:4]).tolist() == [-1.0]


def test_quantise__air_far_below_the_window_is_one_constant_and_does_not_squeeze_it() -> None:
    values = np.rint(image(-120.0, 250.0))
    values[:4] = -1024.0
    stored, scale = quantise(values, values > -500, whole=True, empty=-1024.0)
    assert scale.low > -130
    assert np.unique(normalise(stored[None], [scale])[0, :4]).tolist() == [-LIMIT]


def test_quantise__zero_stays_zero() -> None:
    values = image(0.0, 3.7)
    values[0] = 0.0
    stored, scale = quantise(values, EVERYWHERE, whole=False, empty=None)
    assert (stored[0] * scale.slope + scale.intercept == 0.0).all()


def test_quantise__a_body_of_one_value_is_refused() -> None:
    with pytest.raises(ScanError) as caught:
        quantise(np.full((8, 8, 8), 5.0, np.float32), EVERYWHERE, whole=True, empty=None)
    assert caught.value.code == "constant"


def test_normalise__window_to_plus_minus_one_for_each_channel() -> None:
    windows = [
        Intensity(slope=1.0, intercept=0.0, low=-100.0, high=300.0),
        Intensity(slope=0.5, intercept=10.0, low=10.0, high=20.0),
    ]
    voxels = np.array([[[[-100, 100, 300, 9999]]], [[[0, 10, 20, -999]]]], dtype=np.int16)
    seen = normalise(voxels, windows)
    assert seen.dtype == np.float32
    assert np.allclose(seen[0, 0, 0], [-1, 0, 1, LIMIT], atol=1e-6)
    assert np.allclose(seen[1, 0, 0], [-1, 0, 1, -LIMIT], atol=1e-6)


@given(st.integers(-32768, 32767), st.integers(0, 50))
def test_normalise__a_voxel_does_not_depend_on_its_crop(value, seed) -> None:
    window = [Intensity(slope=0.3, intercept=4.0, low=-50.0, high=900.0)]
    crop = np.random.default_rng(seed).integers(-3000, 3000, (1, 3, 3, 3)).astype(np.int16)
    crop[0, 1, 1, 1] = value
    alone = normalise(np.full((1, 1, 1, 1), value, np.int16), window)
    assert normalise(crop, window)[0, 1, 1, 1] == alone.item()


def test_empty_value__found_in_a_stripped_scan_and_not_in_noise() -> None:
    stripped = image(300.0, 900.0)
    stripped[:3] = 0.0
    assert empty_value(stripped) == 0.0
    assert empty_value(image(300.0, 900.0)) is None
