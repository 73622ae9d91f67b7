import math

import pytest

from orienteer.comparison.benchmark import Task
from orienteer.comparison.efficiency import Needed
from orienteer.comparison.words import chance_of, equals, figure, gain, needed, number, span, written

from .results_folder import AGE, SEGMENTATION

DICE, YEARS = written(Task(**SEGMENTATION)), written(Task(**AGE))


def test_words__a_fraction_is_shown_in_points() -> None:
    assert number(0.5234, DICE) == "52.3"
    assert gain(0.0519, DICE) == "+5.2"
    assert gain(-0.0519, DICE) == "−5.2"
    assert number(4.125, YEARS) == "4.12"
    assert YEARS.unit == "years"
    assert number(None, DICE) == "–"


def test_words__nothing_is_never_minus_zero() -> None:
    assert number(-0.0001, DICE) == "0.0"
    assert gain(-0.0001, DICE) == "+0.0"


def test_words__an_unknown_metric_has_no_better_end() -> None:
    other = written(Task(**SEGMENTATION), "volume_error_mm")
    assert (other.title, other.better, other.unit) == ("Volume error", None, "mm")
    assert written(Task(**SEGMENTATION), "hd95_mm").better == "lower"


def test_words__intervals() -> None:
    assert span(0.1, 0.2, DICE) == "10.0 to 20.0"
    assert span(-0.1, 0.2, DICE, signed=True) == "−10.0 to +20.0"
    assert span(None, 0.2, DICE) == ""


@pytest.mark.parametrize(
    ("p", "text"),
    [(None, "–"), (1.0, "1.00"), (0.25, "0.25"), (0.0312, "0.031"), (0.00051, "0.0005"), (0.00001, "< 0.0001")],
)
def test_words__p(p: float | None, text: str) -> None:
    assert chance_of(p) == text
    if p is not None:
        assert equals(p) == (f"p {text}" if text.startswith("<") else f"p = {text}")


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Needed(6.2, 4.0, math.inf, 1, 10), "6.2 (4.0 to > 10)"),
        (Needed(math.inf, math.inf, math.inf, 1, 10), "> 10"),
        (Needed(-math.inf, -math.inf, 1.4, 1, 10), "≤ 1 (≤ 1 to 1.4)"),
        (Needed(2.0, None, None, 1, 10), "2.0"),
        (Needed(None, None, None, 0, 0, "why"), "–"),
    ],
)
def test_words__labels_needed(found: Needed, text: str) -> None:
    assert needed(found) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(5.8123, "mm", "5.81 mm"), (0.5, "fraction", "50.0 %"), (0.0, "1", "0"), (12345.6, "1", "12346"), (None, "", "–")],
)
def test_words__three_digits(value: float | None, unit: str, text: str) -> None:
    assert figure(value, unit) == text
