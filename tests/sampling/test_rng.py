"""Counted randomness: a number depends on its address alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orienteer.sampling import Purpose, generator, torch_seed

address = st.integers(0, 2**64 - 1)


def first(*where: int, seed: int = 0, purpose: Purpose = Purpose.PLACEMENT) -> list[int]:
    return generator(seed, purpose, *where).integers(0, 2**63, 4).tolist()


def test_generator__numbers_are_these_on_every_machine() -> None:
    """Pinned: should numpy ever change its streams, every run made before could no longer be repeated."""

    def fresh() -> np.random.Generator:
        return generator(7, Purpose.PLACEMENT, 3, 1)

    integers = [7310793898439440991, 6342033928008163017, 2387956929744327012]
    assert fresh().integers(0, 2**63, 3).tolist() == integers
    drawn = fresh()
    drawn.integers(0, 2**63, 3)
    assert drawn.random(2).tolist() == [0.02997066858361852, 0.3721321752174529]
    np.testing.assert_allclose(drawn.normal(size=2), [1.955845352774058, 0.772473786621211], rtol=1e-12)
    assert drawn.permutation(8).tolist() == [2, 5, 7, 4, 6, 0, 1, 3]
    np.testing.assert_allclose(
        drawn.standard_normal(2, dtype="float32"), [-1.0506364107131958, -1.714257836341858], rtol=1e-6
    )


def test_torch_seed__numbers_are_these_on_every_machine() -> None:
    assert torch_seed(7, Purpose.WEIGHTS) == 113597708860267368
    assert torch_seed(7, Purpose.STEP, 12) == 1540443099101840086


def test_purpose__numbers_never_change() -> None:
    assert {purpose.name: purpose.value for purpose in Purpose} == {
        "SCAN_ORDER": 1,
        "GEOMETRY": 2,
        "PLACEMENT": 3,
        "APPEARANCE": 4,
        "NOISE": 5,
        "PROBE": 6,
        "WEIGHTS": 7,
        "STEP": 8,
        "CORRUPTION": 9,
        "LABELLED": 10,
        "TRAINED_ON": 11,
        "MEASURED": 12,
        "CURVE": 13,
        "SHIFT": 14,
        "ELASTIC": 15,
    }


def test_generator__streams_differ_by_seed_purpose_and_either_counter() -> None:
    addresses = [
        (seed, purpose, a, b)
        for seed in (0, 1, 2**63)
        for purpose in Purpose
        for a in (0, 1, 2, 1000)
        for b in (0, 1, 2)
    ]
    drawn = {tuple(first(a, b, seed=seed, purpose=purpose)) for seed, purpose, a, b in addresses}
    assert len(drawn) == len(addresses)


def test_generator__long_streams_of_neighbours_do_not_run_into_each_other() -> None:
    long = set(generator(0, Purpose.PLACEMENT, 5, 0).integers(0, 2**63, 50_000).tolist())
    for a, b in ((6, 0), (5, 1), (4, 0)):
        assert not long & set(generator(0, Purpose.PLACEMENT, a, b).integers(0, 2**63, 5000).tolist())


@settings(max_examples=40)
@given(seed=address, a=address, b=address)
def test_generator__depends_on_nothing_drawn_before(seed: int, a: int, b: int) -> None:
    expected = first(a, b, seed=seed)
    np.random.default_rng(1).random(7)
    generator(seed, Purpose.NOISE, a, b).random(100)
    assert first(a, b, seed=seed) == expected


@settings(max_examples=40)
@given(a=address, b=address)
def test_generator__counters_are_not_interchangeable(a: int, b: int) -> None:
    if a != b:
        assert first(a, b) != first(b, a)


@pytest.mark.parametrize("seed", [-1, 2**64, -(2**70)])
def test_generator__takes_any_seed(seed: int) -> None:
    assert first(seed=seed) == first(seed=seed % 2**64)


@pytest.mark.parametrize("large", [2**53, 2**63, 2**64 - 2])
def test_generator__large_seeds_and_counters_keep_their_last_digit(large: int) -> None:
    assert first(seed=large) != first(seed=large + 1)
    assert first(large) != first(large + 1)
    assert first(0, large) != first(0, large + 1)


def test_torch_seed__fits_torch() -> None:
    seeds = {torch_seed(seed, Purpose.STEP, step) for seed in range(5) for step in range(50)}
    assert len(seeds) == 250
    assert all(0 <= seed < 2**63 for seed in seeds)
