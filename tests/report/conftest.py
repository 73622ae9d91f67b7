"""A finished run to read, and a real browser to look at its report with."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from orienteer.report.read import EvaluationRecords, RunRecords, read_run

from .run_folder import make_run

# Quiet and offline, with a software renderer for the 3D view.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with all tasks, evaluated on val and test people; never changed by a test."""
    return make_run(tmp_path_factory.mktemp("runs") / "finished")


@pytest.fixture(scope="session")
def records(finished: Path) -> RunRecords:
    """The records of the finished run."""
    return read_run(finished)


@pytest.fixture(scope="session")
def lead(records: RunRecords) -> EvaluationRecords:
    """The test people's evaluation."""
    assert records.lead is not None
    return records.lead


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium. Absent, the test is skipped loudly, or fails where a browser is required."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("ORIENTEER_CHROMIUM") or next((p for name in names if (p := shutil.which(name))), None)
    if path is None:
        if os.environ.get("ORIENTEER_REQUIRE_BROWSER"):
            pytest.fail("a browser is required, and no Chromium was found")
        pytest.skip("NO CHROMIUM: set ORIENTEER_CHROMIUM to test the report in a browser")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Browser tests that did not run are said so at the end."""
    skipped = [r for r in terminalreporter.stats.get("skipped", []) if "NO CHROMIUM" in str(r.longrepr)]
    if skipped:
        terminalreporter.write_line(f"!!! {len(skipped)} tests IN A BROWSER did not run", red=True, bold=True)
