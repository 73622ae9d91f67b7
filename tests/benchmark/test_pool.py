"""Jobs in processes: each has its own device and share of the cores, and one that is killed is named."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from orienteer.benchmark import pool


@dataclass(frozen=True)
class Fake:
    """As much of a job as the pool looks at."""

    name: str
    folder: Path


def killed(job: Fake) -> None:
    """The work of a job that the system kills if it is the one called ``greedy``."""
    if job.name == "greedy":
        os._exit(137)
    job.folder.mkdir()


def interrupted(job: Fake) -> None:
    """The work of a job that is told to stop."""
    job.folder.mkdir()
    raise KeyboardInterrupt


def lasting(job: Fake) -> None:
    """The work of a job that takes longer than the benchmark needs to stop."""
    job.folder.mkdir()
    time.sleep(2)


def told(job: Fake) -> None:
    """Notes which device and how many threads it was given."""
    threads = torch.get_num_threads(), os.environ["OMP_NUM_THREADS"]
    job.folder.with_suffix(".txt").write_text(f"{os.environ.get('CUDA_VISIBLE_DEVICES', '')} {threads}")


def test_pool__the_job_that_was_killed_is_named_and_all_others_are_done(tmp_path: Path) -> None:
    names = ["job-0", "greedy", *(f"job-{n}" for n in range(1, 12))]
    failures = pool.run_here([Fake(name, tmp_path / name) for name in names], killed, lambda *_: None, parallel=1)
    assert list(failures) == ["greedy"]
    assert "killed" in failures["greedy"]
    assert {path.name for path in tmp_path.iterdir()} == set(names) - {"greedy"}


def test_pool__told_to_stop__begins_none_of_those_that_were_handed_out_already(tmp_path: Path) -> None:
    names = [f"job-{n}" for n in range(6)]
    with pytest.raises(KeyboardInterrupt):
        pool.run_here([Fake(name, tmp_path / name) for name in names], interrupted, lambda *_: None, parallel=1)
    assert [path.name for path in tmp_path.iterdir()] == ["job-0"]


def test_pool__the_benchmark_told_to_stop__jobs_that_run_are_the_last(tmp_path: Path) -> None:
    def stop(job: Fake, error: str | None) -> None:
        while not (tmp_path / "job-1").exists():  # the next one runs; a third was handed out as well
            time.sleep(0.01)
        raise KeyboardInterrupt

    names = [f"job-{n}" for n in range(6)]
    with pytest.raises(KeyboardInterrupt):
        pool.run_here([Fake(name, tmp_path / name) for name in names], lasting, stop, parallel=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job-0", "job-1"]


def test_pool__a_job_gets_one_of_the_gpus_that_this_process_may_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(pool, "available_cores", lambda: 6)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    assert pool.run_here([Fake("job", tmp_path / "job")], told, lambda *_: None, parallel=2) == {}
    assert (tmp_path / "job.txt").read_text() == "5 (3, '3')"


@pytest.mark.parametrize(
    ("named", "found"), [("", ["0", "1"]), ("5, 7", ["5", "7"]), ("MIG-a,MIG-b", ["MIG-a", "MIG-b"])]
)
def test_gpus__are_called_as_the_environment_calls_them(
    monkeypatch: pytest.MonkeyPatch, named: str, found: list[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert pool._gpus() == found
