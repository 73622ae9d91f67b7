"""What figures are computed with, against values worked out by hand or by brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from orienteer.records.statistics import angles_deg, auc, effective_rank, interval_by_subject, mean, median, vectors


def test_vectors__axes_stay_in_order() -> None:
    rows = {"true_s": np.array([3.0, 6.0]), "true_r": np.array([1.0, 4.0]), "true_a": np.array([2.0, 5.0])}
    np.testing.assert_array_equal(vectors(rows, "true"), [[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize(
    ("predicted", "true", "degrees"),
    [
        ((1, 0, 0), (5, 0, 0), 0.0),
        ((0, 3, 0), (5, 0, 0), 90.0),
        ((-2, 0, 0), (5, 0, 0), 180.0),
        ((1, 1, 0), (0, 9, 0), 45.0),
        ((1, 1, 1), (0, 0, 4), 54.735610317),
        # A prediction of no length points nowhere.
        ((0, 0, 0), (5, 0, 0), 90.0),
    ],
)
def test_angles_deg__reference_by_hand(predicted: tuple, true: tuple, degrees: float) -> None:
    # Not 1e-9: the arc cosine near 1 loses half of the digits.
    np.testing.assert_allclose(angles_deg(np.array([predicted], float), np.array([true], float)), [degrees], atol=1e-5)


def test_angles_deg__leaves_out_true_vectors_of_no_length() -> None:
    angles = angles_deg(np.array([[1.0, 0, 0], [0, 1.0, 0]]), np.array([[0.0, 0, 0], [1.0, 0, 0]]))
    np.testing.assert_allclose(angles, [90.0])


def test_angles_deg__random_directions_are_90_on_average() -> None:
    a, b = np.random.default_rng(3).normal(size=(2, 20_000, 3))
    assert angles_deg(a, b).mean() == pytest.approx(90.0, abs=1.0)


# Few distinct values, so that ties are common.
few = arrays(np.float64, st.integers(1, 12), elements=st.sampled_from([-0.5, 0.0, 0.25, 0.5, 1.0]))


@settings(max_examples=80)
@given(higher=few, lower=few)
def test_auc__equals_counting_every_pair(higher: np.ndarray, lower: np.ndarray) -> None:
    won = [1.0 if a > b else 0.5 if a == b else 0.0 for a in higher for b in lower]
    assert auc(higher, lower) == pytest.approx(np.mean(won))


def test_auc__of_nothing_is_nan() -> None:
    assert np.isnan(auc(np.zeros(0), np.ones(3)))
    assert np.isnan(auc(np.ones(3), np.zeros(0)))


@pytest.mark.parametrize("rank", [1, 2, 5, 16])
def test_effective_rank__of_equal_orthogonal_directions_is_their_number(rank: int) -> None:
    basis = np.linalg.qr(np.random.default_rng(4).normal(size=(16, 16)))[0][:rank]
    # Each direction and its opposite: the mean is zero and every singular value is the same.
    assert effective_rank(np.concatenate([basis, -basis]) + 7.0) == pytest.approx(rank)


def test_effective_rank__isotropic_cloud_is_near_its_dimension() -> None:
    assert effective_rank(np.random.default_rng(5).normal(size=(5000, 12))) == pytest.approx(12, abs=0.1)


def test_effective_rank__collapse() -> None:
    line = np.outer(np.linspace(-1, 1, 50), np.arange(1, 9))
    assert effective_rank(line) == pytest.approx(1.0)
    assert effective_rank(np.ones((50, 8))) == 0.0, "one point has no spread at all"


def test_effective_rank__of_a_diverged_embedding_is_nan_not_a_crash() -> None:
    assert np.isnan(effective_rank(np.full((6, 3), np.nan)))


def test_effective_rank__unequal_spread_by_hand() -> None:
    # Variances 4 : 1, shares 0.8 and 0.2.
    cloud = np.array([[2.0, 0], [-2.0, 0], [0, 1.0], [0, -1.0]])
    assert effective_rank(cloud) == pytest.approx(np.exp(-0.8 * np.log(0.8) - 0.2 * np.log(0.2)))


def test_mean_and_median__of_nothing_are_nan() -> None:
    assert np.isnan([mean(np.zeros(0)), median(np.zeros(0))]).all()
    assert (mean(np.array([1, 2, 6])), median(np.array([1, 2, 6]))) == (3.0, 2.0)


def interval(errors: dict[str, list[float]], owners: str | None = None) -> tuple[float, float] | None:
    """The interval of errors listed by scan; ``owners`` names the subject of each scan, else each has its own."""
    names = dict(zip(errors, owners or errors, strict=True))
    subjects = np.array([names[scan] for scan, values in errors.items() for _ in values])
    return interval_by_subject(np.array([value for values in errors.values() for value in values]), subjects)


def test_interval__of_equal_errors_is_a_point() -> None:
    assert interval({"a": [4.0] * 5, "b": [4.0] * 9, "c": [4.0]}) == pytest.approx([4.0, 4.0])


def test_interval__resamples_subjects_not_rows() -> None:
    # Three subjects, one of whom differs: who is drawn decides, however many rows there are.
    assert interval({"a": [2.0] * 1000, "b": [2.0] * 1000, "c": [8.0] * 1000}) == pytest.approx([2.0, 8.0])


@pytest.mark.parametrize("owners", ["AAA", "AAB"])
def test_interval__below_three_subjects_there_is_none(owners: str) -> None:
    # Three scans of one subject say nothing of how people differ; an interval of no width would claim certainty.
    assert interval({"a": [2.0] * 10, "b": [5.0] * 10, "c": [8.0] * 10}, owners) is None


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_interval__of_a_value_that_is_not_finite_there_is_none(lost: float) -> None:
    assert interval({"a": [2.0, lost], "b": [5.0], "c": [8.0]}) is None


def test_interval__weighs_subjects_by_their_rows() -> None:
    low, high = interval({"a": [10.0] * 90, **{name: [0.0] * 10 for name in "bcde"}}) or (0.0, 0.0)
    # "a" is drawn 0 to 5 times, three times or more in 5.8 % and four or more in 0.7 % of the draws.
    assert low == 0.0
    assert high == pytest.approx(3 * 90 * 10 / (3 * 90 + 2 * 10))


def test_interval__matches_the_normal_approximation_for_many_subjects() -> None:
    rng = np.random.default_rng(0)
    values = np.abs(rng.normal(10, 3, size=200))
    half = 1.96 * values.std() / np.sqrt(200)
    low, high = interval({f"p{n}": [value] * 4 for n, value in enumerate(values)}) or (0.0, 0.0)
    assert low == pytest.approx(values.mean() - half, abs=0.08)
    assert high == pytest.approx(values.mean() + half, abs=0.08)


def test_interval__is_the_same_every_time() -> None:
    errors = {name: [float(n)] for n, name in enumerate("abcdefgh")}
    assert interval(errors) == interval(errors)
