from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import PermutationMethod, wilcoxon

from orienteer.comparison.paired import Paired, holm, paired, rank_biserial, signed_rank
from orienteer.comparison.scores import Cell

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=6)


def _cell(values: np.ndarray, twice: int = 0) -> Cell:
    """``(people, seeds)`` or ``(people, seeds, 2)`` values; of the second scan only the first ``twice`` people's."""
    values = values[..., None] if values.ndim == 2 else values
    rows = [
        (f"scan-{p}-{k}", f"p{p:02d}", s, values[p, s, k])
        for p, s, k in product(*map(range, values.shape))
        if k == 0 or p < twice
    ]
    cases, people, seeds, found = zip(*rows, strict=True)
    return Cell(np.array(cases), np.array(people), np.array(seeds), np.array(found), 0, len(rows))


def _pair(
    generator: np.random.Generator, *, people: int = 8, effect: float = 0.0, luck: float = 0.0, runs: int = 0
) -> Paired:
    """Two arms on 3 seeds and two people scanned twice; ``luck`` is what each training adds to all its scans.

    The 3 seeds of an arm start from ``runs`` pretraining runs, which differ by an SD of 0.01; none with 0.
    """
    shape = (people, 3, 2)
    shared = generator.normal(0.5, 0.04, (people, 1, 1)) + generator.normal(0, 0.02, (1, 3, 1))

    def arm(add: float) -> Cell:
        own = generator.normal(0, 0.01, (people, 1, 1)) + generator.normal(0, luck, (1, 3, 1))
        if runs:
            own = own + np.resize(generator.normal(0, 0.01, runs), (1, 3, 1))
        return _cell(shared + add + own + generator.normal(0, 0.01, shape), twice=2)

    found = paired(arm(effect), arm(0.0), 1)
    assert found is not None
    return found


def _within(found: Paired) -> bool:
    assert found.low is not None
    assert found.high is not None
    return found.low <= 0 <= found.high


# --- Wilcoxon


@pytest.mark.parametrize("count", [6, 13, 50, 120, 300])
def test_signed_rank__is_scipys_without_ties(count: int) -> None:
    gains = np.random.default_rng(count).normal(0.3, 1, count)
    found = signed_rank(gains)
    expected = wilcoxon(gains, method="exact" if count <= 200 else "auto")
    assert found.p == pytest.approx(expected.pvalue, rel=1e-12)
    assert found.pairs == count


def test_signed_rank__with_ties_and_few_pairs_is_every_sign_counted() -> None:
    gains = np.array([1.0, 1.0, -1.0, 2.0, 2.0, 3.0, 0.0, 0.0])
    ranks = np.array([2.0, 2.0, 2.0, 4.5, 4.5, 6.0])
    positive = 2 + 2 + 4.5 + 4.5 + 6
    sums = np.array([(ranks * signs).sum() for signs in product((0, 1), repeat=6)])
    middle = ranks.sum() / 2
    assert signed_rank(gains).p == pytest.approx((abs(sums - middle) >= positive - middle).mean())


@pytest.mark.parametrize("random", range(3))
def test_signed_rank__is_scipys_permutation_test_with_ties(random: int) -> None:
    gains = np.random.default_rng(random).integers(-2, 4, 12).astype(float)
    expected = wilcoxon(gains[gains != 0], method=PermutationMethod(n_resamples=2**12))
    assert signed_rank(gains).p == pytest.approx(expected.pvalue)


def test_signed_rank__all_zero_is_one() -> None:
    found = signed_rank(np.zeros(8))
    assert (found.p, found.effect, found.reason) == (1.0, 0.0, "")


@pytest.mark.parametrize("count", range(6))
def test_signed_rank__too_few_pairs_say_so(count: int) -> None:
    found = signed_rank(np.ones(count))
    assert found.p is None
    assert f"{count} pairs" in found.reason


def test_signed_rank__six_pairs_that_agree_are_just_enough() -> None:
    assert signed_rank(np.arange(1.0, 7.0)).p == 2 / 64


@given(st.lists(st.integers(-5, 5), min_size=6, max_size=20))
def test_signed_rank__is_the_same_seen_from_the_other_arm(values: list[int]) -> None:
    gains = np.array(values, dtype=float)
    here, there = signed_rank(gains), signed_rank(-gains)
    assert here.p == pytest.approx(there.p)
    assert here.effect == pytest.approx(-(there.effect or 0.0))
    assert here.p is not None
    assert 0 < here.p <= 1


# --- effect size


def test_rank_biserial__by_hand() -> None:
    assert rank_biserial(np.array([3.0, -1.0, 2.0, 0.0])) == pytest.approx((3 - 1 + 2) / 6)
    assert rank_biserial(np.array([1.0, 2.0])) == 1.0
    assert rank_biserial(np.array([1.0, -1.0])) == 0.0
    assert rank_biserial(np.zeros(3)) == 0.0


# --- Holm


def test_holm__by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


@given(P_VALUES)
def test_holm__is_closed_testing_with_bonferroni(values: list[float]) -> None:
    """Holm's own justification: p of one = the largest Bonferroni p of any set of hypotheses that holds it."""
    places = range(len(values))
    sets = [chosen for size in range(1, len(values) + 1) for chosen in combinations(places, size)]
    expected = [
        max(min(1.0, len(chosen) * min(values[n] for n in chosen)) for chosen in sets if place in chosen)
        for place in places
    ]
    assert holm(values) == pytest.approx(expected)


# --- two arms


def test_paired__finds_a_planted_gain() -> None:
    found = _pair(np.random.default_rng(0), effect=0.05, luck=0.008)
    assert found.gain == pytest.approx(0.05, abs=0.015)
    assert not _within(found)
    assert found.by_row.p is not None
    assert found.by_row.p < 1e-4
    assert found.by_person.p == 2 / 2**8
    assert found.by_person.effect == 1.0
    assert (found.by_row.pairs, found.by_person.pairs, found.people) == (30, 8, 8)


def test_paired__turns_the_sign_where_less_is_better() -> None:
    generator = np.random.default_rng(0)
    better, worse = _cell(generator.normal(4, 0.1, (8, 3))), _cell(generator.normal(5, 0.1, (8, 3)))
    found = paired(better, worse, -1)
    assert found is not None
    assert found.gain == pytest.approx(1.0, abs=0.1)
    assert found.by_person.effect == 1.0


def test_paired__by_person_calls_equal_arms_different_in_one_of_twenty() -> None:
    generator, rounds = np.random.default_rng(0), 400
    tests = [_pair(generator).by_person.p for _ in range(rounds)]
    false = np.mean([p is not None and p < 0.05 for p in tests])
    assert 0.005 < false < 0.05 + 2 * np.sqrt(0.05 * 0.95 / rounds)


def test_paired__by_row_alone_is_too_sure_and_the_interval_is_not_fooled_by_luck() -> None:
    """What the docstrings say of equal arms whose trainings differ in luck; why a mark needs both."""
    generator, rounds = np.random.default_rng(1), 200
    found = [_pair(generator, luck=0.008) for _ in range(rounds)]
    by_row = np.array([one.by_row.p is not None and one.by_row.p < 0.05 for one in found])
    both = by_row & np.array([not _within(one) for one in found])
    assert by_row.mean() > 0.25
    assert both.mean() < 0.15


def test_paired__the_luck_of_one_pretraining_is_not_seen() -> None:
    """What docs/how-to/compare.md says of arms that were pretrained once."""
    shares = []
    for runs in (1, 3):
        generator = np.random.default_rng(2)
        found = [_pair(generator, luck=0.008, runs=runs) for _ in range(200)]
        called = [one.by_row.p is not None and one.by_row.p < 0.05 and not _within(one) for one in found]
        shares.append(np.mean(called))
    assert shares[0] > 0.2 and shares[1] < 0.75 * shares[0], shares


def test_paired__two_scans_of_a_person_are_one_pair_by_person() -> None:
    generator = np.random.default_rng(0)
    found = paired(_cell(generator.random((6, 2, 2)), twice=6), _cell(generator.random((6, 2, 2)), twice=6), 1)
    assert found is not None
    assert (found.by_row.pairs, found.by_person.pairs) == (24, 6)


def test_paired__keeps_to_the_common_cases_and_seeds() -> None:
    arm, reference = _cell(np.full((8, 3), 2.0)), _cell(np.full((7, 2), 1.5))
    found = paired(arm, reference, 1)
    assert found is not None
    assert (found.by_row.pairs, found.people, found.gain) == (14, 7, 0.5)
    nowhere = Cell(np.array(["x"]), np.array(["x"]), np.array([9]), np.array([1.0]), 0, 1)
    assert paired(arm, nowhere, 1) is None


def test_paired__one_case_and_one_seed_have_a_gain_and_no_test() -> None:
    found = paired(_cell(np.array([[0.7]])), _cell(np.array([[0.6]])), 1)
    assert found is not None
    assert found.gain == pytest.approx(0.1)
    assert (found.low, found.by_row.p, found.by_person.p) == (None, None, None)


def test_paired__rounding_of_the_machine_makes_no_difference() -> None:
    """0.3 - 0.2 and 0.2 - 0.1 differ in the last digit; the ranks must tie."""
    values = np.array([0.3, 0.2, 0.5, 0.7, 0.9, 0.6])[:, None]
    found = paired(_cell(values), _cell(values - 0.1), 1)
    assert found is not None
    assert found.by_row.p == pytest.approx(2 / 64)
