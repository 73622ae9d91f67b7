"""Means and their intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.report.intervals import Estimate, mean_by_subject


def mean(values: np.ndarray, people: np.ndarray) -> Estimate:
    return mean_by_subject(values, {"subject": people}, np.ones(len(values), dtype=bool))


def test_mean_by_subject__is_the_plain_mean() -> None:
    estimate = mean(np.array([1.0, 2.0, 6.0]), np.array(["a", "a", "b"], dtype=object))
    assert estimate.mean == pytest.approx(3.0) and (estimate.rows, estimate.owners) == (3, 2)


def test_mean_by_subject__has_no_interval_below_three_people() -> None:
    estimate = mean(np.arange(100.0), np.repeat(["a", "b"], 50))
    assert estimate.low is None and estimate.high is None


def test_mean_by_subject__does_not_narrow_when_rows_of_a_person_are_repeated() -> None:
    # A hundred copies of one value carry no more knowledge than one.
    values, people = np.arange(8.0), np.array(list("abcdefgh"))
    once = mean(values, people)
    often = mean(np.repeat(values, 100), np.repeat(people, 100))
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_mean_by_subject__interval_is_near_the_textbook_one() -> None:
    values = np.random.default_rng(3).normal(10, 2, size=200)
    estimate = mean(values, np.arange(200))
    half = 1.96 * values.std() / np.sqrt(200)
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.05)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.05)


@given(st.lists(st.tuples(st.floats(0, 500), st.integers(0, 9)), min_size=1, max_size=60))
def test_mean_by_subject__interval_stays_within_the_values(rows: list[tuple[float, int]]) -> None:
    values, people = np.array([v for v, _ in rows]), np.array([s for _, s in rows])
    estimate = mean(values, people)
    if estimate.low is not None and estimate.high is not None:
        assert values.min() - 1e-6 <= estimate.low <= estimate.high <= values.max() + 1e-6


def test_mean_by_subject__draws_people_not_their_scans() -> None:
    # Six scans of three people know no more of how people differ than three scans do.
    values, rows = np.array([1.0, 1.0, 2.0, 2.0, 9.0, 9.0]), np.ones(6, dtype=bool)
    twice = mean_by_subject(values, {"scan": np.array(list("abcdef")), "person": np.array(list("AABBCC"))}, rows)
    once = mean_by_subject(values[::2], {"person": np.array(list("ABC"))}, rows[::2])
    assert (twice.low, twice.high, twice.owners, twice.drawn) == (once.low, once.high, 3, "subjects")


def test_mean_by_subject__of_records_from_before_draws_scans_and_says_so() -> None:
    table = {"scan": np.array(list("aabbc"))}
    estimate = mean_by_subject(np.arange(5.0), table, np.array([True, True, True, True, False]))
    assert (estimate.mean, estimate.rows, estimate.owners, estimate.drawn) == (1.5, 4, 2, "scans")
