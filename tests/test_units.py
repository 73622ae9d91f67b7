"""How values are written."""

import pytest

from orienteer.units import duration, in_sentence, shown, shown_interval


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (5.44, "mm", "5.4 mm"),
        (0.921, "fraction", "92.1 %"),
        (7.26, "deg", "7.3°"),
        (143.2, "mm", "143 mm"),
        (0.532, "1", "0.53"),
        (None, "mm", "–"),
        (float("nan"), "deg", "–"),
    ],
)
def test_shown__has_unit_and_a_sensible_precision(value: float | None, unit: str, text: str) -> None:
    assert shown(value, unit) == text


def test_shown_interval__says_the_unit_once() -> None:
    assert shown_interval(0.52, 0.581, "fraction") == "52.0 to 58.1 %"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (99.4, "99 s"), (99.6, "1.7 min"), (5969, "99.5 min"),
     (5971, "1.7 h")],
)  # fmt: skip
def test_duration__has_two_or_three_digits(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_in_sentence__keeps_abbreviations() -> None:
    assert in_sentence("Gap error") == "gap error" and in_sentence("AUC of pairs") == "AUC of pairs"
