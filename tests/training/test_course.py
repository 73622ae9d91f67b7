"""A training that goes on until its own loss falls no more: what decides, at which rate it ends, and how it resumes."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orienteer.errors import ConfigError
from orienteer.finetune.settings import FinetuneSettings
from orienteer.training.course import Course, begins, earliest_turn, learning_rate
from orienteer.training.settings import OptimiserSettings, PlateauSettings

OPTIMISER = OptimiserSettings(steps=100, learning_rate=1.0, warmup=0.1, final=0.1)
PLATEAU = PlateauSettings(window=5, fall=0.1, patience=2, decay=0.5)
RISING = [9.0] * 10
"""Losses while the rate rises, which are held against nothing."""


def fed(losses: list[float], plateau: PlateauSettings = PLATEAU, optimiser: OptimiserSettings = OPTIMISER) -> Course:
    """A course that was told one loss a step."""
    course = Course(optimiser, plateau)
    for step, loss in enumerate(losses, 1):
        course.note(step, [loss])
    return course


def test_course__without_a_plateau_is_the_schedule() -> None:
    course = Course(OPTIMISER)
    assert not course.note(50, [1.0] * 50) and course.last == 100 and course.state == {} and not course.closes(50)
    assert [course.rate(step) for step in range(100)] == [learning_rate(step, OPTIMISER) for step in range(100)]


def test_course__turns_after_windows_that_did_not_fall() -> None:
    falling = [*RISING, *[1.0] * 5, *[0.8] * 5, *[0.7] * 5]
    course = fed([*falling, *[0.65] * 5, *[0.64] * 4])
    assert course.turned is None and course.last == 100
    assert course.note(35, [0.64])  # the second window above 0.9 x 0.7
    assert (course.turned, course.last) == (35, 53)
    assert not course.note(36, [9.0]) and course.turned == 35


def test_course__one_window_that_falls_starts_the_waiting_anew() -> None:
    course = fed([*RISING, *[1.0] * 10, *[0.8] * 5, *[0.79] * 5])
    assert course.turned is None and course.state["stale"] == 1


def test_course__holds_the_peak_then_decays_to_the_end() -> None:
    course = fed([1.0] * 40)
    assert (course.turned, course.last) == (25, 38)
    rates = [course.rate(step) for step in range(course.last)]
    assert rates[:10] == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert rates[10:26] == [1.0] * 16
    assert rates[25:] == sorted(rates[25:], reverse=True) and rates[-1] < 0.2
    assert course.rate(course.last) == pytest.approx(0.1)


def test_course__never_turns_while_the_rate_rises_or_some_weights_stand_still() -> None:
    """Else it would end without ever having decayed, or with an encoder that never learned."""
    longer = OPTIMISER.model_copy(update={"warmup": 0.5, "steps": 200})
    assert fed([1.0] * 180, optimiser=longer).turned == 115
    course = Course(OPTIMISER, PLATEAU, joined=32)
    for step in range(1, 60):
        course.note(step, [1.0])
    assert course.turned == 50
    assert begins(OPTIMISER, PLATEAU, 32) == 35 and earliest_turn(OPTIMISER, PLATEAU, 32) == 50


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
    assert fed([1.0] * 60, PLATEAU.model_copy(update={"earliest": 43})).turned == 45


@example([1.0] * 40, 0, set())
@given(st.lists(st.floats(0.01, 10), min_size=40, max_size=90), st.integers(0, 40), st.sets(st.integers(1, 90)))
def test_course__is_the_same_however_it_was_read_and_wherever_it_went_on(
    losses: list[float], at: int, looks: set[int]
) -> None:
    """On a CPU every loss is read at once, on a GPU some later; what a window ends with is always read."""
    whole, pending = fed(losses), []
    course = Course(OPTIMISER, PLATEAU)
    for step, loss in enumerate(losses, 1):
        pending.append(loss)
        if step in looks or course.closes(step) or step == at:
            course.note(step, pending)
            pending = []
        if step == at:
            course = Course(OPTIMISER, PLATEAU, json.loads(json.dumps(course.state)))
    course.note(len(losses), pending)
    assert course.state == whole.state and course.last == whole.last <= OPTIMISER.steps


def test_settings__a_plateau_that_can_never_come_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"1000 steps end before it can come: set optimiser\.steps.* to 4000, or lower"
    ):
        FinetuneSettings.read({}, ["plateau={}"])
    FinetuneSettings.read({}, ["plateau={}", "optimiser.steps=4000"])
    with pytest.raises(ConfigError, match=r"come: lower .*transfer\.head_first"):
        FinetuneSettings.read({}, ["plateau={}", "optimiser.steps=4000", "transfer.head_first=0.9"])
