"""Fixtures shared by every room's tests."""

import fcntl
import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from orienteer.ingest import IngestOptions, ingest
from orienteer.processes import processes_with
from tests.browser import chromium

__all__ = ["chromium"]

# How long an example takes says how busy the machine is, and nothing of the code.
settings.register_profile("orienteer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("orienteer")

# Started in the background, a shell makes this process deaf to the Ctrl-C that some tests press.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Whichever test starts the first process, those of a benchmark find torch imported.
processes_with("orienteer.benchmark.job")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real scans, read in place. Absent, the test is skipped and the summary says so loudly."""
    folder = Path(os.environ.get("ORIENTEER_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "oasis" / "subjects.tsv").is_file():
        if os.environ.get("ORIENTEER_REQUIRE_DATA"):
            pytest.fail(f"real scans should be at {folder}, and are not")
        pytest.skip(f"NO REAL SCANS at {folder}: set ORIENTEER_DATA to test on them")
    return folder


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[Path], object]], Path]:
    """A folder by its name, filled by the first that asks of the processes among which tests are shared out.

    Read it only.
    """
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, whole = base / name, base / f"{name}.made"
        with (base / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not whole.exists():
                folder.mkdir()
                make(folder)
                whole.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def real_brains(real_data: Path, made_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A store of the real brains at 3 mm, labelled; ``result.json`` beside it tells how it was made. Read it only."""

    def make(folder: Path) -> None:
        oasis = real_data / "oasis"
        result = ingest(
            oasis, folder / "store", IngestOptions(spacing=3.0, labels=oasis / "labels",
            table=oasis / "subjects.tsv", workers=2, keep_names=True, progress=False),
        )  # fmt: skip
        counts = {"added": len(result.added), "failed": len(result.failed)}
        more = {"notes": result.notes, "splits": result.splits, "seconds": result.seconds}
        (folder / "result.json").write_text(json.dumps(counts | more))

    return made_once("real-brains", make) / "store"


@pytest.fixture(scope="session", autouse=True)
def _plain_terminal() -> Iterator[None]:
    """Fixed width and no colour, so that what a command prints can be compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "160")
        patch.setenv("NO_COLOR", "1")
        patch.setenv("TERM", "dumb")
        yield


@pytest.fixture
def untimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``check`` estimates rests on no real step of training, which takes longer than all else."""
    monkeypatch.setattr("orienteer.runs.proposal.rehearse", lambda *_, **__: 0.1)


@pytest.fixture(scope="session", autouse=True)
def _no_wait_for_the_disk() -> Iterator[None]:
    """This process does not wait until files are on the disk: that takes longer than most tests.

    Only a loss of power would show it, which no test can cause. A test of what happens when it fails puts its own in
    this place; processes that tests start have the real one.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)  # which refuses what is no open file, too
        yield


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What the tests import stays: Python's collector need not look through it, now or during the tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests and browsers first, so that at the end no process waits for another one's long test."""
    slow = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("browser")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Real-data tests that did not run are the last thing the reader sees."""
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if "NO REAL SCANS" in str(r.longrepr)]
    if skipped:
        terminalreporter.write_line(f"!!! {len(skipped)} tests on REAL SCANS did not run", red=True, bold=True)
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if "NO CHROMIUM" in str(r.longrepr)]
    if skipped:
        terminalreporter.write_line(f"!!! {len(skipped)} tests IN A BROWSER did not run", red=True, bold=True)
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if "NO NETWORK NAMESPACES" in str(r.longrepr)]
    if skipped:
        terminalreporter.write_line(f"!!! {len(skipped)} tests ON SEVERAL NODES did not run", red=True, bold=True)
    for report in terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", []):
        for name, value in report.user_properties:
            if name == "golden" and report.when == "call":
                terminalreporter.write_line(f"golden record: compared {value}")
    sys.stdout.flush()
