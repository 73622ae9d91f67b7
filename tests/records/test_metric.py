"""Skill: the share of the way from chance to perfect."""

import math

import pytest

from orienteer.records import Measure, Observation


@pytest.mark.parametrize(
    ("measure", "skill"),
    [
        (Measure(0.0, "mm", 60.0), 1.0),
        (Measure(15.0, "mm", 60.0), 0.75),
        (Measure(60.0, "mm", 60.0), 0.0),
        (Measure(90.0, "mm", 60.0), -0.5),
        (Measure(1.0, "fraction", 0.5, "higher"), 1.0),
        (Measure(0.75, "fraction", 0.5, "higher"), 0.5),
        (Measure(0.5, "fraction", 0.5, "higher"), 0.0),
        (Measure(0.25, "fraction", 0.5, "higher"), -0.5),
    ],
)
def test_measure__skill_by_hand(measure: Measure, skill: float) -> None:
    assert measure.skill == pytest.approx(skill)


@pytest.mark.parametrize(
    "measure",
    [
        Measure(3.0, "mm", None),
        Measure(math.nan, "mm", 60.0),
        Measure(3.0, "mm", math.nan),
        Measure(math.inf, "mm", 60.0),
        Measure(3.0, "mm", 0.0),
        Measure(0.4, "fraction", 1.0, "higher"),
    ],
)
def test_measure__without_a_scale_there_is_no_skill(measure: Measure) -> None:
    assert measure.skill is None


def test_observation__headline_is_the_first_measure() -> None:
    first, second = Measure(1.0, "mm"), Measure(2.0, "deg")
    assert Observation("gap", {"b": first, "a": second}).headline == ("b", first)
