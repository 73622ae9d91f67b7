"""A training that goes on until its own loss falls no more: what decides, at which rate it ends, and how it resumes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.training.course import Course, learning_rate
from orienteer.training.settings import OptimiserSettings, PlateauSettings

OPTIMISER = OptimiserSettings(steps=100, learning_rate=1.0, warmup=0.1, final=0.1)
PLATEAU = PlateauSettings(window=5, fall=0.1, patience=2, decay=0.5)


def fed(losses: list[float], plateau: PlateauSettings = PLATEAU, optimiser: OptimiserSettings = OPTIMISER) -> Course:
    """A course that was told one loss a step."""
    course = Course(optimiser, plateau)
    for step, loss in enumerate(losses, 1):
        course.note(step, loss, 1)
    return course


def test_course__without_a_plateau_is_the_schedule() -> None:
    course = Course(OPTIMISER)
    assert not course.note(50, 1.0, 50) and course.last == 100 and course.state == {}
    assert [course.rate(step) for step in range(100)] == [learning_rate(step, OPTIMISER) for step in range(100)]


def test_course__turns_after_windows_that_did_not_fall() -> None:
    falling = [1.0] * 5 + [0.8] * 5 + [0.7] * 5
    course = fed([*falling, *[0.65] * 5, *[0.64] * 4])
    assert course.turned is None and course.last == 100
    assert course.note(25, 0.64, 1)  # the second window above 0.9 x 0.7
    assert (course.turned, course.last) == (25, 38)
    assert not course.note(26, 9.0, 1) and course.turned == 25


def test_course__one_window_that_falls_starts_the_waiting_anew() -> None:
    course = fed([1.0] * 10 + [0.8] * 5 + [0.79] * 5)
    assert course.turned is None and course.state["stale"] == 1


def test_course__holds_the_peak_then_decays_to_the_end() -> None:
    course = fed([1.0] * 40)
    assert (course.turned, course.last) == (15, 23)
    rates = [course.rate(step) for step in range(course.last)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert rates[10:16] == [1.0] * 6
    assert rates[15:] == sorted(rates[15:], reverse=True) and rates[-1] < 0.2
    assert course.rate(course.last) == pytest.approx(0.1)


def test_course__that_never_turns_decays_within_its_steps() -> None:
    course = fed([1.0 * 0.5**step for step in range(66)])
    assert course.turned is None and course.last == 100
    assert course.rate(65) == 1.0 > course.rate(67) > course.rate(99)
    assert course.rate(100) == pytest.approx(0.1)


def test_course__a_plateau_that_comes_while_the_rate_decays_changes_nothing() -> None:
    course = fed([1.0 * 0.9**step for step in range(66)] + [1.0] * 30)
    assert course.turned is None and course.last == 100
    rates = [course.rate(step) for step in range(60, 100)]
    assert rates == sorted(rates, reverse=True)


def test_course__never_turns_before_its_earliest_step() -> None:
    assert fed([1.0] * 40, PLATEAU.model_copy(update={"earliest": 30})).turned == 30


@given(st.lists(st.floats(0.01, 10), min_size=40, max_size=90), st.integers(0, 40), st.integers(1, 7))
def test_course__goes_on_from_what_a_checkpoint_kept(losses: list[float], at: int, every: int) -> None:
    """Read every step or every few, and resumed anywhere: the same end."""
    whole = fed(losses)
    first = fed(losses[:at])
    resumed = Course(OPTIMISER, PLATEAU, json.loads(json.dumps(first.state)))
    for step, loss in enumerate(losses[at:], at + 1):
        resumed.note(step, loss, 1)
    assert resumed.state == whole.state and resumed.last == whole.last
    assert whole.last <= OPTIMISER.steps
    seldom = Course(OPTIMISER, PLATEAU)
    for start in range(0, len(losses) - every + 1, every):
        part = losses[start : start + every]
        seldom.note(start + every, sum(part) / every, every)
    assert seldom.turned is None or seldom.turned % every == 0
