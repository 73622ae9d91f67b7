"""A benchmark on a cluster: what one machine gives, whichever workers die, and stopped jobs are saved."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from orienteer.benchmark.run import benchmark
from orienteer.store.lock import only_one
from orienteer.training.folder import TRAINING
from tests.benchmark.conftest import cohort, config
from tests.cluster.conftest import Scheduler
from tests.forked import start

__all__ = ["cohort"]


@pytest.fixture(scope="module")
def small(cohort: Path) -> Path:
    """A benchmark of three jobs, and ``local``, its folder, run on this machine."""
    values = config()
    values["arms"] = {"ours": values["arms"]["ours"]}
    values |= {"seeds": [0], "parallel": 1}
    values["tasks"]["organs"]["modes"] = ["finetuned"]
    values["pretrain"]["optimiser"]["steps"] = 60
    file = cohort / "small.yaml"
    file.write_text(yaml.safe_dump(values, sort_keys=False))
    result = benchmark(file, cohort / "local", progress=False)
    assert (result.finished, result.failures) == (3, {})
    return file


def assert_same(out: Path, local: Path) -> None:
    """The same jobs gave the same weights and scores; a stop has left more checkpoints."""
    weights, expected = (
        {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*.safetensors"))}
        for folder in (out / "cells", local / "cells")
    )
    assert len(expected) >= 3 and {name: weights[name] for name in expected} == expected
    for name in ("cases", "pretext"):
        ours, theirs = (pq.read_table(folder / "results" / "records" / f"{name}.parquet") for folder in (out, local))
        assert ours.equals(theirs), name


def test_benchmark__on_a_local_cluster__gives_what_the_pool_gives(small: Path, tmp_path: Path) -> None:
    result = benchmark(small, tmp_path / "out", cluster="local", progress=False)
    assert (result.finished, result.failures) == (3, {})
    assert_same(tmp_path / "out", small.parent / "local")
    costs = pq.read_table(tmp_path / "out" / "results" / "records" / "costs.parquet").to_pylist()
    assert all(row["seconds"] > 0 and row["cpu_seconds"] > 0 and row["peak_memory_mb"] > 50 for row in costs)


def once(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
def test_benchmark__stopped_and_then_a_worker_killed__gives_the_same(
    small: Path, tmp_path: Path, scheduler: Scheduler
) -> None:
    out, run, first = tmp_path / "out", tmp_path / "out/cells/pretrain/ours/seed_0", scheduler.worker()
    command = start("benchmark", small, out, "--cluster", scheduler.address)
    once((run / "settings.yaml").exists)
    assert command.pid is not None
    os.kill(command.pid, signal.SIGTERM)
    command.join(60)
    assert command.exitcode == 128 + signal.SIGTERM
    assert (run / "cost.json").exists() and not (run / "cell.json").exists(), "the job ended its step and saved it"
    with only_one(run, TRAINING):
        pass

    def kill() -> None:
        once(lambda: not (run / "cost.json").exists())  # it runs again
        first.kill()
        scheduler.worker()

    killing = threading.Thread(target=kill)
    killing.start()
    result = benchmark(small, out, cluster=scheduler.address, progress=False)
    killing.join()
    assert (result.finished, result.failures) == (3, {})
    assert_same(out, small.parent / "local")


def test_worker__imports_nothing_heavy_to_wait_for_a_job() -> None:
    code = "import sys, orienteer.benchmark.remote, orienteer.ingest.workers; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
