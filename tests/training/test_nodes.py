"""One run on several nodes, each in a network of its own: what one process learns, and how it ends."""

import json
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from orienteer.testing.phantom import phantom_store
from orienteer.training.checkpoint import load_checkpoint
from tests.training.nodes import Nodes, NoNamespacesError, nodes, of_srun, of_torchrun, wait_until

pytestmark = pytest.mark.slow

STEPS = 50
SETTINGS = (
    "tasks={gap: {}, masked: {views: 1}}",
    "views.size=16",
    "network={name: unet, size: tiny, options: {features: [4, 8, 8]}}",
    # Rounding grows with the rate: at 1e-4 single losses were 3e-5 apart after 35 steps, at 1e-3 0.4 % after 40.
    f"optimiser={{steps: {STEPS}, batch: 4, learning_rate: 3e-5}}",
    "checkpoint={every: 25, log_every: 1}",
    "devices={accelerator: cpu, precision: 32-true, threads: 1, workers: 0}",
    "evaluation={per_scan: 2, final_per_scan: 2, examples: 0}",
)
SET = tuple(word for each in SETTINGS for word in ("--set", each))
LONG = ("--set", "optimiser.steps=5000")
"""For a run that is broken off."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    """Four nodes. Where this machine has none to give, the tests are skipped and the summary says so loudly."""
    try:
        with nodes(4) as made:
            yield made
    except NoNamespacesError as why:
        pytest.skip(f"NO NETWORK NAMESPACES: {why}")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store."""
    folder = tmp_path_factory.mktemp("nodes")
    phantom_store(folder, people=4, shape=(24, 24, 24), labels=False)
    return folder


class Job:
    """``orienteer`` on several nodes, each in a folder of its own with a copy of the store."""

    def __init__(
        self,
        cluster: Nodes,
        base: Path,
        name: str,
        size: int,
        *words: str,
        environment: Callable[[int, int], dict[str, str]] = of_torchrun,
        last_dies_after: int = 0,
    ) -> None:
        self.folders = [base / name / str(rank) for rank in range(size)]
        for folder in self.folders:
            if not folder.exists():
                shutil.copytree(base / "store", folder / "store")
            (folder / "said").unlink(missing_ok=True)
        self.run = self.folders[0] / "run"
        words = words or ("pretrain", "store", "run", *SET)
        self.processes = [
            cluster.orienteer(rank, environment(rank, size), words, folder, last_dies_after * (rank == size - 1))
            for rank, folder in enumerate(self.folders)
        ]

    def codes(self, seconds: float = 60) -> list[int | None]:
        """Exit codes, once all have ended."""
        for process in self.processes:
            process.join(seconds)
        return [process.exitcode for process in self.processes]

    def said(self) -> list[str]:
        """What each has printed; torch warns of hosts that have no name."""
        every = ((folder / "said").read_text().splitlines(keepends=True) for folder in self.folders)
        return ["".join(line for line in lines if not line.startswith("[W")) for lines in every]

    def lines(self, phase: str) -> list[dict]:
        """The lines of the run's log."""
        every = map(json.loads, (self.run / "observations.jsonl").read_text().splitlines())
        return [line for line in every if line["phase"] == phase]

    def losses(self) -> list[float]:
        return [line["measures"]["loss"]["value"] for line in self.lines("train") if line["task"] == "training"]

    def steps(self) -> int:
        """Logged so far."""
        file = self.run / "observations.jsonl"
        return file.read_text().count('"learning_rate"') if file.exists() else 0


@pytest.fixture(scope="module")
def alone(cluster: Nodes, base: Path) -> Job:
    job = Job(cluster, base, "alone", 1)
    assert job.codes() == [0], job.said()
    return job


@pytest.fixture(scope="module")
def two(cluster: Nodes, base: Path) -> Job:
    job = Job(cluster, base, "two", 2)
    assert job.codes() == [0, 0], job.said()
    return job


def test_nodes__two_and_four_learn_what_one_learns(cluster: Nodes, base: Path, alone: Job, two: Job) -> None:
    four = Job(cluster, base, "four", 4, environment=of_srun)
    assert four.codes() == [0] * 4, four.said()
    for job in (two, four):
        assert job.losses() == pytest.approx(alone.losses(), rel=1e-5) and len(job.losses()) == STEPS
        for mine, ones in zip(job.lines("validation"), alone.lines("validation"), strict=True):
            assert (mine["step"], mine["task"]) == (ones["step"], ones["task"])
            for name, measure in mine["measures"].items():
                assert measure["value"] == pytest.approx(ones["measures"][name]["value"], rel=1e-4, nan_ok=True), name


def test_nodes__only_the_first_speaks_and_writes_and_the_record_counts_them(two: Job) -> None:
    said = two.said()
    assert "1 CPU thread x 2 on 2 nodes" in said[0] and "next:" in said[0]
    assert said[1] == "" and not (two.folders[1] / "run").exists()
    environment = json.loads((two.run / "run.json").read_text())["environment"]
    assert (environment["devices"], environment["nodes"]) == (2, 2)


def test_nodes__one_that_is_killed_ends_the_other_and_the_run_resumes_exactly(
    cluster: Nodes, base: Path, two: Job
) -> None:
    job = Job(cluster, base, "killed", 2, last_dies_after=33)
    assert job.codes() == [2, -9]
    said = job.said()[0]
    assert "orienteer: another process of this run (10.77.0.2) has ended after step 33\n" in said and "--resume" in said
    assert "Traceback" not in said
    assert [path.name for path in sorted((job.run / "checkpoints").iterdir())] == ["step_00000025"]
    again = Job(cluster, base, "killed", 2, "pretrain", "store", "run", "--resume")
    assert again.codes() == [0, 0], again.said()
    assert again.losses() == two.losses()
    ends = [load_checkpoint(each.run / "checkpoints" / f"step_{STEPS:08d}") for each in (again, two)]
    for name, weight in ends[0].model.items():
        assert torch.equal(weight, ends[1].model[name]), name


def test_nodes__one_that_is_cut_off_is_given_up_in_time(cluster: Nodes, base: Path) -> None:
    words = ("pretrain", "store", "run", *SET, *LONG, "--set", "devices.timeout_s=3")
    job = Job(cluster, base, "cut", 2, *words)
    wait_until(lambda: job.steps() > 5)
    with cluster.cut_off(1):
        assert job.codes(15) == [2, 2]
    assert "another process of this run does not answer after step" in job.said()[0]


def test_nodes__all_stop_after_the_same_step_when_one_agent_of_torchrun_is_told_to(cluster: Nodes, base: Path) -> None:
    folders = [base / "agents" / str(rank) for rank in range(2)]
    agents = []
    for rank, folder in enumerate(folders):
        shutil.copytree(base / "store", folder / "store")
        words = (
            "--nnodes=2", "--nproc-per-node=1", f"--node-rank={rank}", "--master-addr=10.77.0.1",
            "--master-port=29500", "-m", "orienteer", "pretrain", "store", "run", *SET, *LONG,
        )  # fmt: skip
        agents.append(cluster.torchrun(rank, words, folder))
    log = folders[0] / "run" / "observations.jsonl"
    wait_until(lambda: log.exists() and '"learning_rate"' in log.read_text())
    os.kill(agents[1].pid, signal.SIGTERM)
    for agent in agents:
        agent.join(30)
    assert [agent.exitcode for agent in agents] == [1, 1], "torchrun makes 1 of every exit code"
    said = (folders[0] / "said").read_text()
    way = "the same `torchrun` command with --resume at its end\n"
    stopped = re.search(rf"orienteer: stopped after step (\d+), which is saved; to go on: {way}", said)
    assert stopped is not None and "exitcode  : 143" in said, said
    assert load_checkpoint(folders[0] / "run" / "checkpoints" / f"step_{int(stopped[1]):08d}").step == int(stopped[1])
    assert "orienteer: " not in (folders[1] / "said").read_text()


def test_nodes__another_store_is_refused_and_its_node_named(cluster: Nodes, base: Path) -> None:
    (base / "wrong" / "1").mkdir(parents=True)
    phantom_store(base / "wrong" / "1", people=5, shape=(24, 24, 24), labels=False)
    job = Job(cluster, base, "wrong", 2)
    assert job.codes() == [2, 2]
    said = job.said()
    assert "store is not the store that the first process has" in said[0] and said[1] == ""
    assert not job.run.exists()


def test_nodes__a_mistake_is_told_once_and_ends_all(cluster: Nodes, base: Path, two: Job) -> None:
    again = Job(cluster, base, "two", 2)
    assert again.codes(10) == [2, 2]
    assert again.said()[0].count("exists and is not empty") == 1 and again.said()[1] == ""
