"""An ingest on a cluster: workers die, do not see the files, are all gone; the store is as one machine makes it."""

import filecmp
import os
import shutil
import signal
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import dask
import pytest
from typer.testing import CliRunner

from orienteer.cli import app, commands
from orienteer.cluster import open as opening
from orienteer.cluster import workers as cluster_workers
from orienteer.cluster.work import look_around
from orienteer.errors import ConfigError, OrienteerError, StoreError
from orienteer.ingest import IngestOptions, ingest, workers
from orienteer.store.journal import IngestJournal
from tests.cluster.conftest import Scheduler
from tests.store.phantoms import cohort

assert commands

OPTIONS = {"keep_names": True, "progress": False, "spacing": 2.0}


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten scans, and ``local``, the store that the pool of one machine makes of them."""
    folder = tmp_path_factory.mktemp("cohort")
    ingest(cohort(folder / "scans", 10), folder / "local", IngestOptions(workers=2, **OPTIONS))
    return folder / "scans"


def assert_same(store: Path, scans: Path) -> None:
    """Every file of the store is the local store's, byte for byte, and there is no other."""
    files, expected = (
        sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        for folder in (store, scans.parent / "local")
    )
    assert files == expected
    assert all(filecmp.cmp(store / name, scans.parent / "local" / name, shallow=False) for name in files)


def late(job: int) -> None:
    raise TimeoutError(f"job {job}: the network's disk does not answer")


def test_map__a_job_that_timed_out_ends_as_any_error_does(tmp_path: Path, scheduler: Scheduler) -> None:
    scheduler.worker()
    scheduler.wait_for(1)
    with (
        opening.open_cluster(scheduler.address, tmp_path, {}, workers=1, say=print) as cluster,
        pytest.raises(TimeoutError, match="job 7"),
    ):
        list(cluster.map(late, [7]))


def test_ingest__a_worker_killed_midway__the_store_is_the_one_that_a_single_machine_makes(
    scans: Path, tmp_path: Path, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = scheduler.worker("dies_once")
    scheduler.worker()
    scheduler.wait_for(2)
    monkeypatch.chdir(scans.parent)  # relative paths, which the workers' folder knows nothing of
    words = ["ingest", "scans", str(tmp_path / "store"), "--spacing", "2", "--keep-names"]
    result = CliRunner().invoke(app, [*words, "--cluster", scheduler.address])
    assert result.exit_code == 0, result.output
    assert dying.wait(10) != 0
    assert "10 added" in result.output
    assert "lost the worker at tcp://127.0.0.1:" in " ".join(result.output.split())
    assert_same(tmp_path / "store", scans)


def test_ingest__a_paused_worker_holds_nobody_up(
    scans: Path, tmp_path: Path, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_workers, "HANDOVER", 0.5)
    paused = scheduler.worker()
    scheduler.wait_for(1)
    os.kill(paused.pid, signal.SIGSTOP)
    try:
        scheduler.worker()
        scheduler.wait_for(2)
        result = ingest(scans, tmp_path / "store", IngestOptions(cluster=scheduler.address, **OPTIONS))
    finally:
        os.kill(paused.pid, signal.SIGCONT)
    assert len(result.added) == 10
    assert_same(tmp_path / "store", scans)


def test_ingest__a_scan_that_kills_its_workers_costs_itself(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "LIVES", 2)
    with dask.config.set({"distributed.worker.preload": ["tests.cluster.deadly"]}):
        result = ingest(scans, tmp_path / "store", IngestOptions(cluster="local", workers=2, **OPTIONS))
    assert len(result.added) == 9
    assert [finding.code for finding in result.failed["case_1"]] == ["worker-died"]


def test_ingest__a_worker_without_the_scans_is_named_and_gets_none(
    scans: Path, tmp_path: Path, scheduler: Scheduler, capsys: pytest.CaptureFixture[str]
) -> None:
    scheduler.worker("blind")
    with pytest.raises(OrienteerError, match=f"worker on node-without-scans: it does not see {scans}"):
        ingest(scans, tmp_path / "store", IngestOptions(cluster=scheduler.address, **OPTIONS))
    assert not (tmp_path / "store").exists()
    scheduler.worker()
    scheduler.wait_for(2)
    ingest(scans, tmp_path / "store", IngestOptions(cluster=scheduler.address, **OPTIONS | {"progress": True}))
    assert_same(tmp_path / "store", scans)
    assert f"left out: worker on node-without-scans: it does not see {scans}" in capsys.readouterr().err


def test_ingest__the_scheduler_dies__finished_scans_are_kept(
    scans: Path, tmp_path: Path, mortal: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    mortal.worker()
    append = IngestJournal.append

    def third(self: IngestJournal, *what: object) -> None:
        append(self, *what)
        if len(self.read()) == 3:
            mortal.process.kill()

    monkeypatch.setattr(IngestJournal, "append", third)
    with pytest.raises(OrienteerError, match=r"scheduler of tcp://\S+ is gone"):
        ingest(scans, tmp_path / "store", IngestOptions(cluster=mortal.address, **OPTIONS))
    result = ingest(scans, tmp_path / "store", IngestOptions(workers=1, **OPTIONS))
    assert len(result.kept) >= 3
    assert_same(tmp_path / "store", scans)


def test_ingest__no_worker_is_left__is_told_after_a_while(
    scans: Path, tmp_path: Path, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "PATIENCE", 2.0)
    scheduler.worker("dies_once")
    scheduler.wait_for(1)
    with pytest.raises(OrienteerError, match="has had no worker for 2 s"):
        ingest(scans, tmp_path / "store", IngestOptions(cluster=scheduler.address, **OPTIONS))
    assert len(IngestJournal(tmp_path / "store").read()) == 1


@pytest.mark.parametrize(
    "name",
    [
        "",
        "node1:8786",
        "slurm",
        "slurm:0",
        "slurm:many",
        "dask",
        "http://node1",
        "tcp://node1",
        "tcp://node1:x",
        "tcp://[::1",
    ],
)
def test_options__what_names_no_cluster_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="is no cluster"):
        IngestOptions(cluster=name)


def test_options__workers_are_those_of_one_machine() -> None:
    assert IngestOptions(cluster="local", workers=2).workers == 2
    with pytest.raises(StoreError, match="--workers says nothing about slurm:8"):
        IngestOptions(cluster="slurm:8", workers=2)


def test_cluster__where_no_scheduler_listens__is_told_within_seconds(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "CONNECT", 0.5)
    with pytest.raises(OrienteerError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1"):
        ingest(scans, tmp_path / "store", IngestOptions(cluster="tcp://127.0.0.1:1", **OPTIONS))
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(("name", "required"), [("tcp://127.0.0.1:1", True), ("tls://127.0.0.1:1", False)])
def test_cluster__less_safe_than_dask_is_told__is_refused(
    scans: Path, tmp_path: Path, name: str, required: bool
) -> None:
    with (
        dask.config.set({"distributed.comm.require-encryption": required}),
        pytest.raises(ConfigError, match="does not fit what Dask's configuration says of TLS"),
    ):
        ingest(scans, tmp_path / "store", IngestOptions(cluster=name, **OPTIONS))


def test_cluster__without_its_package__names_the_extra(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(OrienteerError, match=r"pip install 'orienteer\[cluster\]'"):
        ingest(scans, tmp_path / "store", IngestOptions(cluster="local", **OPTIONS))


def slurm(folder: Path, monkeypatch: pytest.MonkeyPatch, sbatch: str) -> AbstractContextManager:
    """Stand-ins for the commands of Slurm, and what Dask's configuration asks it for."""
    (folder / "bin").mkdir()
    for name, text in (("sbatch", sbatch), ("scancel", 'kill -9 -- "-$1"')):
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    opening._slurm_cluster()  # whose defaults must be there before our own
    own = {"cores": 1, "memory": "2GB", "scheduler-options": {"host": "127.0.0.1"}}
    return dask.config.set({f"jobqueue.slurm.{name}": value for name, value in own.items()})


def test_cluster__of_slurm__submits_jobs_that_do_the_work(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = 'cp "$1" "$0.job"; setsid sh "$0.job" >/dev/null 2>&1 </dev/null & echo "Submitted batch job $!"'
    with slurm(tmp_path, monkeypatch, f'[ "$1" = --test-only ] && exit 0; {begin}'):
        ingest(scans, tmp_path / "store", IngestOptions(cluster="slurm:1", **OPTIONS))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert_same(tmp_path / "store", scans)


def test_cluster__of_slurm__what_it_refuses_is_told(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        slurm(tmp_path, monkeypatch, "echo 'sbatch: error: invalid account' >&2; exit 1"),
        pytest.raises(OrienteerError, match="Slurm refuses such a job: sbatch: error: invalid account"),
    ):
        ingest(scans, tmp_path / "store", IngestOptions(cluster="slurm:1", **OPTIONS))


def test_cluster__without_slurm__is_told(scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(OrienteerError, match="no sbatch here"):
        ingest(scans, tmp_path / "store", IngestOptions(cluster="slurm:2", **OPTIONS))


def test_worker__of_another_version_says_so() -> None:
    assert "not 0.0.0" in look_around("0.0.0", {})[1]


def test_cluster__whose_scheduler_has_another_version__is_refused(
    scans: Path, tmp_path: Path, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "__version__", "0.0.0")
    with pytest.raises(OrienteerError, match=r"does not know Orienteer 0\.0\.0 \(it has \d"):
        ingest(scans, tmp_path / "store", IngestOptions(cluster=scheduler.address, **OPTIONS))
