"""A benchmark on a cluster: what one machine gives, whichever workers die, and stopped jobs are saved."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from orienteer.benchmark.run import benchmark
from tests.benchmark.conftest import cohort, config

__all__ = ["cohort"]


@pytest.fixture(scope="module")
def small(cohort: Path) -> Path:
    """A benchmark of five jobs, and ``local``, its folder, run on this machine."""
    values = config()
    del values["arms"]["masked"]
    values |= {"seeds": [0], "parallel": 1}
    values["tasks"]["organs"]["modes"] = ["finetuned"]
    file = cohort / "small.yaml"
    file.write_text(yaml.safe_dump(values, sort_keys=False))
    result = benchmark(file, cohort / "local", progress=False)
    assert (result.finished, result.failures) == (5, {})
    return file


def assert_same(out: Path, local: Path) -> None:
    """The same jobs gave the same weights and scores."""
    weights, expected = (
        {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*.safetensors"))}
        for folder in (out / "cells", local / "cells")
    )
    assert len(expected) >= 3 and weights == expected
    for name in ("cases", "pretext"):
        ours, theirs = (pq.read_table(folder / "results" / "records" / f"{name}.parquet") for folder in (out, local))
        assert ours.equals(theirs), name


def test_benchmark__on_a_local_cluster__gives_what_the_pool_gives(small: Path, tmp_path: Path) -> None:
    result = benchmark(small, tmp_path / "out", cluster="local", progress=False)
    assert (result.finished, result.failures) == (5, {})
    assert_same(tmp_path / "out", small.parent / "local")
    costs = pq.read_table(tmp_path / "out" / "results" / "records" / "costs.parquet").to_pylist()
    assert all(row["seconds"] > 0 and row["cpu_seconds"] > 0 and row["peak_memory_mb"] > 50 for row in costs)
