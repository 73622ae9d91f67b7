"""What an ingest of very many scans holds of each."""

import subprocess
import sys
import weakref
from pathlib import Path

import pytest

from orienteer.ingest import IngestOptions, ingest, workers
from orienteer.ingest.finished import Finished
from orienteer.ingest.job import Job, Outcome
from orienteer.scans.discover import discover
from orienteer.scans.findings import finding
from orienteer.store import Store
from tests.ingest.scan_states import context
from tests.store.phantoms import cohort

COMMAND = """
import sys
import orienteer.ingest.run
from orienteer.scans.formats.registry import FORMATS
list(FORMATS.values())
sys.exit(", ".join({"SimpleITK", "blosc2", "scipy.ndimage", "torch"} & set(sys.modules)) or 0)
"""


def test_ingest__the_process_that_leads_holds_none_of_the_libraries_that_prepare() -> None:
    ended = subprocess.run([sys.executable, "-c", COMMAND], check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def _at_once(job: Job) -> Outcome:
    return Outcome(job.source.id, findings=(finding("empty-file", "no bytes"),))


def test_prepare_all__outcomes_are_not_kept_and_few_jobs_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(40):
        (tmp_path / f"{number}.nii").touch()
    jobs = _jobs(tmp_path)
    monkeypatch.setattr(workers, "prepare", _at_once)
    kept = []
    for outcome in workers.prepare_all(jobs, 2):
        kept.append(weakref.ref(outcome))
        del outcome
        assert sum(each() is not None for each in kept) <= workers.AHEAD * 2
    assert len(kept) == 40


def _jobs(folder: Path) -> list[Job]:
    given = context(None)
    return [Job(source, given.parameters, None, folder, source.id, "kept") for source in discover(folder)]


def test_finished__gives_back_what_was_made_of_a_scan(tmp_path: Path) -> None:
    options = IngestOptions(spacing=3.0, workers=1, keep_names=True, progress=False)
    ingest(cohort(tmp_path / "in", 2), tmp_path / "store", options)
    store = Store.open(tmp_path / "store")
    records = store.private()
    for entry in store.scans:
        finished = Finished.of(entry, records[entry.id])
        assert (finished.entry, finished.record) == (entry, records[entry.id])
        assert (finished.id, finished.voxels, finished.grid) == (entry.id, entry.voxels, records[entry.id].grid)
