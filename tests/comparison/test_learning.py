"""Curves by step: the mean over seeds where all have one, and the first step that is as good as scratch's end."""

import pyarrow as pa
import pytest

from orienteer.comparison.benchmark import Benchmark
from orienteer.comparison.figures import learning_figure
from orienteer.comparison.learning import learning_of
from orienteer.comparison.records import Records
from orienteer.comparison.statistics import Analysis
from orienteer.comparison.tables import learning_table

from .results_folder import AGE, SEGMENTATION, document

ARMS = (("ours", "ours", "ours"), ("scratch", "scratch", "scratch"))


def rows(arm: str, seed: int, values: dict[int, float], task: str = SEGMENTATION["name"]) -> list[dict[str, object]]:
    base = {"task": task, "arm": arm, "labels": 1, "seed": seed}
    return [{**base, "step": step, "value": value} for step, value in values.items()]


def test_learning__is_the_mean_up_to_where_all_seeds_come_and_says_when_scratch_is_reached() -> None:
    benchmark = Benchmark.model_validate(document(ARMS, (SEGMENTATION,)))
    table = pa.Table.from_pylist([
        *rows("ours", 0, {0: 0.1, 100: 0.6, 200: 0.8}), *rows("ours", 1, {0: 0.2, 100: 0.4, 200: 0.6, 300: 0.65}),
        *rows("scratch", 0, {0: 0.0, 100: 0.3, 200: 0.6}), *rows("scratch", 1, {0: 0.0, 100: 0.4, 200: 0.7}),
    ])  # fmt: skip
    found = learning_of(table, benchmark)
    ours = found[SEGMENTATION["name"], 1, "ours"]
    assert ours.steps == (0, 100, 200) and ours.means == pytest.approx((0.15, 0.5, 0.7))
    assert (ours.lows[1], ours.highs[1]) == (0.4, 0.6)
    assert ours.ends == (200, 300) and ours.last == (0.8, 0.65)
    assert ours.reached == (100, None)
    assert found[SEGMENTATION["name"], 1, "scratch"].reached == (200, 200)
    assert learning_of(None, benchmark) == {}


def test_learning__seeds_that_scratch_has_not_run_yet_count_nowhere() -> None:
    benchmark = Benchmark.model_validate(document(ARMS, (SEGMENTATION,)))
    table = pa.Table.from_pylist([
        *rows("ours", 0, {0: 0.1, 100: 0.6}), *rows("ours", 1, {0: 0.2, 100: 0.9, 200: 0.95}),
        *rows("scratch", 0, {0: 0.0, 100: 0.5}),
    ])  # fmt: skip
    ours = learning_of(table, benchmark)[SEGMENTATION["name"], 1, "ours"]
    assert (ours.means, ours.ends, ours.last, ours.reached) == ((0.1, 0.6), (100,), (0.6,), (100,))


def test_learning__a_lower_error_is_better() -> None:
    benchmark = Benchmark.model_validate(document(ARMS, (AGE,)))
    errors = [rows("ours", 0, {0: 9, 50: 3}, AGE["name"]), rows("scratch", 0, {0: 9, 50: 4}, AGE["name"])]
    found = learning_of(pa.Table.from_pylist([row for each in errors for row in each]), benchmark)
    assert found[AGE["name"], 1, "ours"].reached == (50,)


def test_learning__is_drawn_and_told(analysis: Analysis, records: Records) -> None:
    benchmark, task = records.benchmark, records.benchmark.tasks[0]
    figure = learning_figure(analysis, benchmark, task, 1)
    assert figure is not None and [trace["name"] for trace in figure.data] == [arm.label for arm in benchmark.arms]
    assert figure.data[0]["x"] == [0, 100, 200, 300, 400] and figure.data[0]["y"][0] == pytest.approx(36, abs=1e-3)
    table = learning_table(analysis, benchmark, task)
    assert table is not None
    ours, scratch = (table.rows[place][1] for place in (0, 4))
    assert (ours.text, ours.detail) == ("300", "of 500 (400 to 600): 84.2")
    assert (scratch.text, scratch.detail) == ("500 (400 to 600)", "of 500 (400 to 600): 78.2")
    assert learning_figure(analysis, benchmark, benchmark.tasks[1], 1) is None
    assert learning_table(analysis, benchmark, benchmark.tasks[1]) is None
