"""Conventions of intensity: where the window lies, and what a network sees, whatever units a scan has."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.errors import ConfigError, ScanError
from orienteer.store.convention import WINDOW, Convention, Range, ZScore, convention_of
from orienteer.store.intensity import normalise, quantise
from orienteer.store.manifest import Parameters

CONVENTIONS = [WINDOW, ZScore(), Range(low=-175.0, high=250.0)]


def seen(image: np.ndarray, body: np.ndarray, convention: Convention, *, empty: float | None = None) -> np.ndarray:
    """What a network of a store with this convention is shown of an image."""
    stored, scale = quantise(image.astype(np.float32), body, whole=False, empty=empty, convention=convention)
    return convention.to_network(normalise(stored[None], [scale])[0])


@pytest.mark.parametrize("convention", CONVENTIONS, ids=str)
def test_convention__is_what_its_text_and_its_parameters_say(convention: Convention) -> None:
    assert convention_of(str(convention)) == convention
    written = Parameters.of(3.0, convention).model_dump_json()
    assert Parameters.model_validate_json(written).convention == convention


def test_parameters__a_store_by_percentiles_is_written_as_before() -> None:
    assert Parameters.of(3.0, WINDOW).model_dump() == {
        "method": 1,
        "spacing": 3.0,
        "foreground_cell": 4,
        "window_percentiles": (0.5, 99.5),
    }


@pytest.mark.parametrize("wrong", ["z-score", "1", "5,1", "1,1", "1,2,3", "nan,1", "0,inf", ""])
def test_convention__what_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match="neither window, zscore nor a range") as caught:
        convention_of(wrong)
    assert "--intensities=-175,250" in caught.value.cure


@given(gain=st.floats(1e-3, 1e3), offset=st.floats(-1e3, 1e3), seed=st.integers(0, 99))
def test_zscore__the_body_has_mean_0_and_deviation_1_in_any_unit(gain: float, offset: float, seed: int) -> None:
    """Uniform values, so that none is cut off; the air is no part of it, and is no exception to it."""
    values = np.random.default_rng(seed).uniform(200, 900, (12, 12, 12))
    body = np.zeros(values.shape, dtype=bool)
    body[2:-2, 2:-2, 2:-2] = True
    values[~body] = 0.0
    shown = seen(gain * (values + offset), body, ZScore(), empty=gain * offset)
    assert abs(float(shown[body].mean())) < 2e-3
    assert abs(float(shown[body].std()) - 1) < 2e-3
    expected = (values - values[body].mean()) / values[body].std()
    np.testing.assert_allclose(shown, np.clip(expected, -3.75, 3.75), atol=4e-3)


def test_range__fixed_ends_become_0_and_1_and_cut_off_what_is_beyond() -> None:
    image = np.linspace(-1000, 1500, 1000).reshape(10, 10, 10)
    shown = seen(image, np.ones(image.shape, dtype=bool), convention_of((-175, 250)))
    np.testing.assert_allclose(shown, np.clip((image + 175) / 425, 0, 1), atol=1e-3)
    assert (shown.min(), shown.max()) == (0.0, 1.0)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (400.0, 900.0), (-175.0, -170.0)])
def test_range__scans_of_another_unit_are_refused(low: float, high: float) -> None:
    image = np.linspace(low, high, 1000).reshape(10, 10, 10)
    with pytest.raises(ScanError, match="fill next to nothing of -175,250") as caught:
        seen(image, np.ones(image.shape, dtype=bool), convention_of("-175,250"))
    assert caught.value.code == "outside-range"


@pytest.mark.parametrize("convention", CONVENTIONS, ids=str)
def test_convention__the_way_to_the_network_leads_back(convention: Convention) -> None:
    values = np.linspace(-1, 1, 9, dtype=np.float32)
    shown = convention.to_network(values)
    assert shown.dtype == np.float32
    np.testing.assert_allclose(convention.to_window(shown), values, atol=1e-6)
