import numpy as np
import pytest

from orienteer.comparison.bootstrap import RESAMPLES, drawn, grid_of, interval, resampled_means

REFERENCE = [[1, 0, 2, 1, 1], [0, 1, 1, 3, 0], [3, 0, 0, 2, 0]]


def _rows(people: int, seeds: int, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    who = np.repeat([f"p{n:02d}" for n in range(people)], seeds)
    return who, np.tile(np.arange(seeds), people), values.reshape(-1)


def test_bootstrap__mean_is_the_mean_over_rows() -> None:
    grid = grid_of(np.array(["a", "a", "b"]), np.array([0, 1, 0]), np.array([1.0, 2.0, 6.0]))
    assert grid.mean == 3.0
    assert grid.counts.tolist() == [[1, 1], [1, 0]]


def test_bootstrap__resamples_people_not_scans() -> None:
    """Ten scans of one person weigh as one draw: copies of a scan must not narrow the interval."""
    values = np.random.default_rng(0).normal(size=6)
    who = np.array([f"p{n}" for n in range(6)])
    once = interval(grid_of(who, np.zeros(6, dtype=int), values))
    often = interval(grid_of(np.repeat(who, 10), np.zeros(60, dtype=int), np.repeat(values, 10)))
    assert once is not None
    assert often == pytest.approx(once)


def test_bootstrap__resamples_seeds_too() -> None:
    """All people agree and the seeds do not: the spread of the seeds is the spread of the mean."""
    values = np.tile([0.0, 1.0, 2.0], (8, 1))
    ends = interval(grid_of(*_rows(8, 3, values)))
    assert ends == pytest.approx((0.0, 2.0), abs=0.35)
    alone = interval(grid_of(*_rows(8, 1, values[:, :1])))
    assert alone == (0.0, 0.0)


def test_bootstrap__matches_the_known_standard_error() -> None:
    values = np.random.default_rng(1).normal(size=200)
    means = resampled_means(grid_of(*_rows(200, 1, values)))
    assert means.std() == pytest.approx(values.std() / np.sqrt(200), rel=0.06)
    assert means.mean() == pytest.approx(values.mean(), abs=0.01)


def test_bootstrap__has_no_interval_below_three_people() -> None:
    assert interval(grid_of(*_rows(2, 3, np.arange(6.0)))) is None
    assert interval(grid_of(*_rows(3, 1, np.arange(3.0)))) is not None


def test_bootstrap__bears_a_ragged_grid() -> None:
    """Person c has only seed 1: some draws hold no row at all, and are left out."""
    grid = grid_of(np.array(["a", "b", "c"]), np.array([0, 0, 1]), np.array([1.0, 2.0, 3.0]))
    assert not np.isfinite(resampled_means(grid)).all()
    low, high = interval(grid) or (None, None)
    assert (low, high) == (1.0, 3.0)


def test_bootstrap__draws_with_replacement_and_the_same_every_time() -> None:
    counts = drawn(5, 0)
    assert counts.shape == (RESAMPLES, 5)
    assert (counts.sum(axis=1) == 5).all()
    assert counts.mean() == 1.0
    assert counts.var() == pytest.approx(0.8, rel=0.05)  # a multinomial's n p (1 - p)
    # Written down, so that another machine or NumPy that draws otherwise is noticed.
    assert counts[:3].astype(int).tolist() == REFERENCE
    assert not np.array_equal(counts, drawn(5, 1))


def test_bootstrap__covers_the_truth_as_often_as_it_says() -> None:
    """6 people, 3 seeds, each with its own luck: the docstring's 88 %, against 69 % if seeds were averaged first."""
    generator, hits, naive, rounds = np.random.default_rng(0), 0, 0, 300
    for _ in range(rounds):
        values = generator.normal(size=(6, 1)) + generator.normal(size=(1, 3)) + generator.normal(size=(6, 3))
        low, high = interval(grid_of(*_rows(6, 3, values))) or (0, 0)
        hits += low <= 0 <= high
        low, high = interval(grid_of(*_rows(6, 1, values.mean(axis=1, keepdims=True)))) or (0, 0)
        naive += low <= 0 <= high
    assert hits / rounds > 0.83
    assert naive / rounds < 0.76
