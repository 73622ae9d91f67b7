import pyarrow as pa
import pytest

from orienteer.comparison.benchmark import Benchmark
from orienteer.comparison.costs import costs_of

from .results_folder import SEGMENTATION, document

BENCHMARK = Benchmark.model_validate(document((("ours", "ours", "ours"),), (SEGMENTATION,)))


def _row(**changes: object) -> dict[str, object]:
    row = {"arm": "ours", "stage": "pretrain", "labels": None, "seed": 0, "device": "CPU", "peak_memory_mb": 10.0}
    return row | {"seconds": 8.0, "cpu_seconds": 6.0, "energy_j": None, "steps": 400} | changes


def test_costs__means_are_over_the_runs_that_were_measured_whole() -> None:
    killed = _row(seed=1, seconds=None, cpu_seconds=None, peak_memory_mb=30.0)
    (found,) = costs_of(pa.Table.from_pylist([_row(), killed, _row(seed=2, seconds=10.0)]), BENCHMARK)
    stage = found.stages["pretrain"]
    assert (stage.runs, stage.timed, stage.seconds, stage.cpu_seconds) == (3, 2, pytest.approx(9), pytest.approx(6))
    assert (stage.peak_memory_mb, stage.energy_j, stage.metered, stage.steps) == (30.0, None, 0, 400)


def test_costs__runs_of_several_tasks_are_not_averaged() -> None:
    def run(task: str, seconds: float, memory: float) -> dict[str, object]:
        return _row(stage="finetune", task=task, seconds=seconds, peak_memory_mb=memory)

    name = SEGMENTATION["name"]
    (found,) = costs_of(pa.Table.from_pylist([run("age", 1.0, 90.0), run(name, 9.0, 20.0)]), BENCHMARK)
    stage = found.stages["finetune"]
    assert (stage.task, stage.runs, stage.seconds, stage.peak_memory_mb) == (name, 1, 9.0, 20.0)


def test_costs__nothing_is_said_where_every_run_was_killed() -> None:
    (found,) = costs_of(pa.Table.from_pylist([_row(seconds=None, cpu_seconds=None)]), BENCHMARK)
    assert (found.stages["pretrain"].seconds, found.stages["pretrain"].cpu_seconds) == (None, None)
