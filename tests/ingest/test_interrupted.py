"""Kills, full disks, two ingests at once: the store stays what it was, and the next run goes on."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from orienteer.errors import OrienteerError, StoreError
from orienteer.ingest import IngestOptions, ingest, workers
from orienteer.ingest.prepare import prepare
from orienteer.ingest.run import _alone_in
from orienteer.store import Store
from orienteer.store.journal import IngestJournal
from orienteer.store.lock import only_one
from orienteer.store.private import read_private
from tests.forked import assert_group_ends, server
from tests.scans.files import nifti
from tests.store.phantoms import AFFINE, body, cohort

HOLD = """
import sys, time
from pathlib import Path
from orienteer.store.lock import only_one
with only_one(Path(sys.argv[1]), "ingest"):
    print("held", flush=True)
    time.sleep(60)
"""


def start(folder: Path, count: int) -> BaseProcess:
    """An ingest that leads a group of processes."""
    process: BaseProcess = server().Process(target=_ingest, args=[folder, count])
    process.start()
    return process


def _ingest(folder: Path, count: int) -> None:
    os.setsid()
    ingest(folder / "in", folder / "store", IngestOptions(workers=count, keep_names=True, progress=False))


def tree(store: Path) -> dict[str, bytes]:
    return {str(p.relative_to(store)): p.read_bytes() for p in sorted(store.rglob("*.b2nd"))}


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.slow
def test_ingest__killed_at_any_moment_ends_as_if_it_had_not_been(tmp_path: Path, count: int) -> None:
    for index in range(12):
        nifti(tmp_path / "in" / f"c{index:02}.nii.gz", body((56, 60, 50), index), AFFINE)
    ingest(tmp_path / "in", tmp_path / "whole", IngestOptions(workers=1, keep_names=True, progress=False))
    journalled = []
    for wanted in (1, 3, 6):
        process = start(tmp_path, count)
        journal = IngestJournal(tmp_path / "store")
        deadline = time.monotonic() + 60
        while process.is_alive() and len(journal.read()) < wanted and time.monotonic() < deadline:
            time.sleep(0.003)
        process.kill()
        process.join()
        journalled.append(len(journal.read()))
        if not (tmp_path / "store" / "manifest.json").exists():
            with pytest.raises(StoreError, match="has not finished"):
                Store.open(tmp_path / "store")
    assert 0 < journalled[0] < 12  # at least one kill fell into the work
    result = ingest(tmp_path / "in", tmp_path / "store", IngestOptions(workers=1, keep_names=True, progress=False))
    assert len(result.kept) >= journalled[-1]
    assert tree(tmp_path / "store") == tree(tmp_path / "whole")
    manifests = [(tmp_path / name / "manifest.json").read_bytes() for name in ("store", "whole")]
    assert manifests[0] == manifests[1]
    assert not [p.name for p in (tmp_path / "store").rglob("*") if ".part" in p.name or "journal" in p.name]


def test_ingest__workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    cohort(tmp_path / "in", 30)
    process = start(tmp_path, 2)
    deadline = time.monotonic() + 60
    while not IngestJournal(tmp_path / "store").read() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.join()
    assert process.pid is not None
    assert_group_ends(process.pid)


def _die_on_case_1(job):
    if job.source.id == "case_1":
        os.kill(os.getpid(), signal.SIGKILL)
    return prepare(job)


@pytest.mark.slow
def test_ingest__a_worker_that_dies_costs_one_scan(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(workers, "prepare", _die_on_case_1)
    result = ingest(
        cohort(tmp_path / "in", 4), tmp_path / "store", IngestOptions(workers=2, keep_names=True, progress=False)
    )
    assert result.added == ("case_0", "case_2", "case_3")
    assert result.failed["case_1"][0].code == "worker-died"


@pytest.fixture
def limited_files() -> Iterator[None]:
    """No file may grow beyond 3 kB: the kernel then refuses to write, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_ingest__a_full_disk_is_told_and_the_store_stays(tmp_path: Path, request) -> None:
    cohort(tmp_path / "in", 2)
    ingest(tmp_path / "in", tmp_path / "store", IngestOptions(workers=1, keep_names=True, progress=False))
    before = (tmp_path / "store" / "manifest.json").read_bytes()
    nifti(tmp_path / "in" / "new.nii.gz", body(seed=9), AFFINE)
    request.getfixturevalue("limited_files")
    with pytest.raises(OrienteerError, match=r"cannot write .*too large") as caught:
        ingest(tmp_path / "in", tmp_path / "store", IngestOptions(workers=1, keep_names=True, progress=False))
    assert "space" in caught.value.cure
    assert (tmp_path / "store" / "manifest.json").read_bytes() == before
    assert Store.open(tmp_path / "store").verify() == ()


def test_ingest__a_full_disk_leaves_no_husk_of_a_new_store(tmp_path: Path, request) -> None:
    cohort(tmp_path / "in", 2)
    request.getfixturevalue("limited_files")
    with pytest.raises(OrienteerError, match=r"cannot write .*image\.b2nd"):
        ingest(tmp_path / "in", tmp_path / "store", IngestOptions(workers=1, keep_names=True, progress=False))
    assert not (tmp_path / "store").exists()


def test_ingest__a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    cohort(tmp_path / "in", 1)
    with pytest.raises(StoreError, match="cannot make /proc/store"):
        ingest(tmp_path / "in", Path("/proc/store"), IngestOptions(workers=1, keep_names=True, progress=False))


def test_only_one__a_second_ingest_is_refused_and_a_dead_one_is_forgotten(tmp_path: Path) -> None:
    cohort(tmp_path / "in", 2)
    (tmp_path / "store").mkdir()
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "store"], stdout=subprocess.PIPE)
    assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
    with pytest.raises(StoreError, match="another ingest is writing"):
        ingest(tmp_path / "in", tmp_path / "store", IngestOptions(workers=1, keep_names=True, progress=False))
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert (
        len(
            ingest(tmp_path / "in", tmp_path / "store", IngestOptions(workers=1, keep_names=True, progress=False)).added
        )
        == 2
    )


def test_only_one__is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), only_one(tmp_path, "ingest"):
        raise RuntimeError
    with only_one(tmp_path, "ingest"):
        pass


def test_journal__a_line_cut_by_a_kill_is_skipped(tmp_path: Path) -> None:
    cohort(tmp_path / "in", 3)
    result = ingest(tmp_path / "in", tmp_path / "store", IngestOptions(workers=1, keep_names=True, progress=False))
    journal = IngestJournal(tmp_path)
    private = read_private(tmp_path / "store")
    assert private is not None
    records = private.scans
    for entry in result.manifest.scans:
        journal.append(entry, records[entry.id])
    journal.lines.path.write_bytes(journal.lines.path.read_bytes()[:-40])
    journal.append(result.manifest.scans[0], records["case_0"])
    assert sorted(journal.read()) == ["case_0", "case_1"]
    assert journal.lines.path.stat().st_mode & 0o777 == 0o600


def test_ingest__refused_beside_another_that_is_as_new__leaves_its_folder(tmp_path: Path) -> None:
    """Both found no store; the one that comes second finds the lock taken, and nothing published yet."""
    store, exists = tmp_path / "store", Path.exists
    (store / "arrays").mkdir(parents=True)
    with only_one(store, "ingest"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "exists", lambda self, **options: self != store and exists(self, **options))
        with pytest.raises(StoreError, match="another ingest is writing"), _alone_in(store):
            pass
    assert (store / "arrays").is_dir()
