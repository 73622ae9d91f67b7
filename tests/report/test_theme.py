"""Colours that everyone can tell apart, and plots plotly accepts."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.report.theme import DIVERGING, SEQUENTIAL, SIMILARITY, floats, ink_on, mix, plain, signed


def _luminance(colour: str) -> float:
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("anchors", [SEQUENTIAL, DIVERGING, SIMILARITY])
def test_mix__meets_the_anchors(anchors: tuple[str, ...]) -> None:
    assert [mix(anchors, n / (len(anchors) - 1)) for n in range(len(anchors))] == list(anchors)
    assert mix(anchors, -3) == anchors[0] and mix(anchors, 9) == anchors[-1]


def test_mix__sequential_map_is_ordered_by_lightness_alone() -> None:
    light = [_luminance(mix(SEQUENTIAL, n / 50)) for n in range(51)]
    assert all(a > b for a, b in pairwise(light))


@given(st.sampled_from([SEQUENTIAL, DIVERGING, SIMILARITY]), st.floats(0, 1))
def test_ink_on__keeps_a_contrast_of_four(anchors: tuple[str, ...], place: float) -> None:
    fill = mix(anchors, place)
    light, dark = sorted([_luminance(fill), _luminance(ink_on(fill))], reverse=True)
    assert (light + 0.05) / (dark + 0.05) > 4


def test_floats__turn_what_is_not_finite_into_holes() -> None:
    assert floats(np.array([1.234, np.nan, np.inf, -0.001])) == [1.23, None, None, -0.0]


def test_plain__leaves_no_tag() -> None:
    assert "<" not in plain("<img src=x>")


def test_signed__has_a_true_minus() -> None:
    assert signed(-0.484) == "−0.48" and signed(0.4) == "0.40"
