"""Means and their intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orienteer.report.intervals import mean_by_scan


def test_mean_by_scan__is_the_plain_mean() -> None:
    estimate = mean_by_scan(np.array([1.0, 2.0, 6.0]), np.array(["a", "a", "b"], dtype=object))
    assert estimate.mean == pytest.approx(3.0) and (estimate.rows, estimate.scans) == (3, 2)


def test_mean_by_scan__has_no_interval_below_three_scans() -> None:
    estimate = mean_by_scan(np.arange(100.0), np.repeat(["a", "b"], 50))
    assert estimate.low is None and estimate.high is None


def test_mean_by_scan__does_not_narrow_when_rows_of_a_scan_are_repeated() -> None:
    # A hundred copies of one value carry no more knowledge than one.
    values, scans = np.arange(8.0), np.array(list("abcdefgh"))
    once = mean_by_scan(values, scans)
    often = mean_by_scan(np.repeat(values, 100), np.repeat(scans, 100))
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_mean_by_scan__interval_is_near_the_textbook_one() -> None:
    values = np.random.default_rng(3).normal(10, 2, size=200)
    estimate = mean_by_scan(values, np.arange(200))
    half = 1.96 * values.std() / np.sqrt(200)
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.05)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.05)


@given(st.lists(st.tuples(st.floats(0, 500), st.integers(0, 9)), min_size=1, max_size=60))
def test_mean_by_scan__interval_stays_within_the_values(rows: list[tuple[float, int]]) -> None:
    values, scans = np.array([v for v, _ in rows]), np.array([s for _, s in rows])
    estimate = mean_by_scan(values, scans)
    if estimate.low is not None and estimate.high is not None:
        assert values.min() - 1e-6 <= estimate.low <= estimate.high <= values.max() + 1e-6
