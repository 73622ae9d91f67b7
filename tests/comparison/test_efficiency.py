import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from orienteer.comparison.efficiency import labels_needed, readings, risen_of
from orienteer.comparison.scores import Cell

COUNTS = [1, 2, 4, 8]
CURVE = np.array([0.1, 0.2, 0.3, 0.4])  # 0.1 + 0.1 log2(labels)


def _cell(mean: float, *, people: int = 8, seeds: int = 2, spread: float = 0.0, random: int = 0) -> Cell:
    generator = np.random.default_rng(random)
    who = np.repeat([f"p{n}" for n in range(people)], seeds)
    own = generator.normal(0, spread, people)
    values = mean + np.repeat(own - own.mean(), seeds)  # the mean is what it is called
    return Cell(who, who, np.tile(np.arange(seeds), people), values, 0, who.size)


def _reading(score: float, curve: np.ndarray) -> float:
    return float(readings(np.array([score]), curve[:, None], COUNTS)[0])


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        (0.1, -math.inf), (0.05, -math.inf), (0.2, 2.0), (0.25, 2 * math.sqrt(2)), (0.3, 4.0), (0.4, 8.0),
        (0.401, math.inf),
    ],
)  # fmt: skip
def test_reading__is_exact_on_a_straight_curve(score: float, expected: float) -> None:
    assert _reading(score, CURVE) == pytest.approx(expected)


def test_reading__a_dip_is_levelled_and_the_fewest_labels_count() -> None:
    dipped = np.array([0.1, 0.3, 0.2, 0.4])  # isotonic: 0.1, 0.25, 0.25, 0.4
    assert _reading(0.25, dipped) == pytest.approx(2.0)
    assert _reading(0.175, dipped) == pytest.approx(math.sqrt(2))
    assert _reading(0.325, dipped) == pytest.approx(4 * math.sqrt(2))


def test_reading__of_a_flat_curve() -> None:
    flat = np.full(4, 0.2)
    assert _reading(0.2, flat) == -math.inf
    assert _reading(0.21, flat) == math.inf


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=7))
def test_risen_of__is_scipys_isotonic_regression(values: list[float]) -> None:
    curves = np.array([values, values[::-1]]).T
    for column, risen in zip(curves.T, risen_of(curves).T, strict=True):
        np.testing.assert_allclose(risen, isotonic_regression(column).x, atol=1e-12)


def test_labels_needed__without_spread_is_exact() -> None:
    scratch = {count: _cell(value) for count, value in zip(COUNTS, CURVE, strict=True)}
    found = labels_needed(_cell(0.25), scratch, 1)
    expected = pytest.approx(2 * math.sqrt(2))
    assert (found.value, found.low, found.high) == (expected, expected, expected)
    assert (found.fewest, found.most) == (1, 8)


def test_labels_needed__where_less_is_better() -> None:
    scratch = {count: _cell(10 - 10 * value) for count, value in zip(COUNTS, CURVE, strict=True)}
    assert labels_needed(_cell(7.0), scratch, -1).value == pytest.approx(4.0)
    assert labels_needed(_cell(5.0), scratch, -1).value == math.inf
    assert labels_needed(_cell(9.5), scratch, -1).value == -math.inf


def test_labels_needed__the_interval_grows_with_the_people_that_differ() -> None:
    scratch = {count: _cell(value, spread=0.03, random=count) for count, value in zip(COUNTS, CURVE, strict=True)}
    found = labels_needed(_cell(0.27, spread=0.03, random=99), scratch, 1)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 1 < found.low < found.value < found.high
    assert found.high / found.low > 1.3


def test_labels_needed__an_interval_may_end_beyond_what_was_measured() -> None:
    scratch = {count: _cell(value, spread=0.05, random=count) for count, value in zip(COUNTS, CURVE, strict=True)}
    found = labels_needed(_cell(0.4, spread=0.05, random=99), scratch, 1)
    assert found.high == math.inf
    assert found.low is not None
    assert found.low < 8


def test_labels_needed__people_common_to_all_decide() -> None:
    """A person that scratch was never measured on must not lift the arm."""
    scratch = {count: _cell(value, people=6) for count, value in zip(COUNTS, CURVE, strict=True)}
    arm = _cell(0.2, people=8)
    arm.values[np.isin(arm.people, ["p6", "p7"])] = 5.0
    assert labels_needed(arm, scratch, 1).value == pytest.approx(2.0)


def test_labels_needed__says_why_there_is_none() -> None:
    assert "fewer than two" in labels_needed(_cell(0.2), {1: _cell(0.1)}, 1).reason
    assert "fewer than two" in labels_needed(_cell(0.2), {0: _cell(0.1), 1: _cell(0.1)}, 1).reason
    stranger = Cell(np.array(["x"]), np.array(["x"]), np.array([0]), np.array([0.2]), 0, 1)
    found = labels_needed(stranger, {1: _cell(0.1), 2: _cell(0.2)}, 1)
    assert found.value is None
    assert "share no person" in found.reason


def test_labels_needed__where_scores_are_undefined_only_shared_pairs_count() -> None:
    """Persons and seeds may be common to all cells without one pair of them being so."""

    def ragged(rows: dict[tuple[str, int], float]) -> Cell:
        people, seeds = zip(*rows, strict=True)
        return Cell(np.array(people), np.array(people), np.array(seeds), np.array(list(rows.values())), 0, len(rows))

    arm = ragged({("A", 0): 0.2, ("B", 1): 0.2})
    scratch = {labels: ragged({("A", 1): 0.1 * labels, ("C", 1): 0.1 * labels}) for labels in (1, 2)}
    assert labels_needed(arm, scratch, 1).value is None
    scratch = {labels: ragged({("A", 0): 0.1 * labels, ("B", 0): 9.0, ("C", 1): 9.0}) for labels in (1, 4)}
    assert labels_needed(arm, scratch, 1).value == pytest.approx(2 ** (2 / 3))


def test_labels_needed__two_people_have_a_number_and_no_interval() -> None:
    scratch = {count: _cell(value, people=2) for count, value in zip(COUNTS, CURVE, strict=True)}
    found = labels_needed(_cell(0.3, people=2), scratch, 1)
    assert found.value == pytest.approx(4.0)
    assert (found.low, found.high) == (None, None)
