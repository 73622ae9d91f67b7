"""A golden test that cannot fail is none: what counts as a difference."""

import json

import numpy as np
import pytest

from tests.golden.compare import differences, pretty, summary
from tests.golden.read import array

RECORD = {
    "run": {
        "weights": {"a.weight": array(np.arange(6, dtype=np.float32))},
        "figures": {"error_mm": 10.0, "skill": 0.0, "interval": [8.0, 12.0], "none": None},
        "verdict": "stuck",
    }
}


def changed(**figures: object) -> dict:
    run = RECORD["run"]
    return {"run": {**run, "figures": {**run["figures"], **figures}}}


@pytest.mark.parametrize("exact", [True, False])
def test_differences__none_in_the_same_record(exact: bool) -> None:
    assert not list(differences(RECORD, RECORD, exact=exact))


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    ("found", "line"),
    [
        (changed(error_mm=10.5), "run / figures / error_mm: 10.0 -> 10.5"),
        (changed(error_mm=None), "run / figures / error_mm: 10.0 -> null"),
        (changed(none=1.0), "run / figures / none: null -> 1.0"),
        (changed(interval=[8.0, 13.0]), "run / figures / interval / [1]: 12.0 -> 13.0"),
        (changed(interval=[8.0]), "run / figures / interval: [8.0, 12.0] -> [8.0]"),
        (changed(new=1), "run / figures / new: not there -> 1"),
        ({"run": {**RECORD["run"], "verdict": "learning"}}, "run / verdict: stuck -> learning"),
        ({}, 'run: {"weights"'),
    ],
)
def test_differences__of_figures_are_told_in_both_modes(found: dict, line: str, exact: bool) -> None:
    (told,) = differences(RECORD, found, exact=exact)
    assert told.startswith(line)


def test_differences__a_last_bit_counts_only_where_bits_are_compared() -> None:
    weights = np.arange(6, dtype=np.float32)
    weights[3] = np.nextafter(weights[3], np.float32(9))
    found = {"run": {**changed(error_mm=np.nextafter(10.0, 11.0))["run"], "weights": {"a.weight": array(weights)}}}
    first, second = differences(RECORD, found, exact=True)
    assert first.startswith("run / weights / a.weight") and second.startswith("run / figures / error_mm")
    assert not list(differences(RECORD, found, exact=False))


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("other", [np.arange(6.0), np.arange(7, dtype=np.float32), np.arange(1, 7, dtype=np.float32)])
def test_differences__of_arrays_in_type_shape_or_size_are_told_in_both_modes(other: np.ndarray, exact: bool) -> None:
    found = {"run": {**RECORD["run"], "weights": {"a.weight": array(other)}}}
    assert len(list(differences(RECORD, found, exact=exact))) == 1


@pytest.mark.parametrize(("name", "told"), [("conv.bias", 0), ("conv.weight", 1)])
def test_differences__a_bias_may_drift_within_the_tolerance(name: str, told: int) -> None:
    before, after = (array(np.full(4, value, np.float32)) for value in (0.02, 0.024))
    assert len(list(differences({name: before}, {name: after}, exact=False))) == told
    assert len(list(differences({name: before}, {name: after}, exact=True))) == 1


def test_summary__counts_per_run_and_lists_the_first() -> None:
    lines = [f"pretraining / a / weights / {name}: 1 -> 2" for name in "xyz"] + ["pretraining / b / step: 1 -> 2"]
    assert summary(lines, most=2).splitlines() == [
        "pretraining / a: 3",
        "  pretraining / a / weights / x: 1 -> 2",
        "  pretraining / a / weights / y: 1 -> 2",
        "  and 1 more",
        "pretraining / b: 1",
        "  pretraining / b / step: 1 -> 2",
    ]


def test_pretty__gives_the_same_record_back() -> None:
    assert json.loads(pretty(RECORD, width=20)) == RECORD
