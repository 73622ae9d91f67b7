"""Records to read, and a real browser to look at the page with."""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from orienteer.comparison.records import Records, read_records
from orienteer.comparison.statistics import Analysis, analyse

from .results_folder import make_results

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished benchmark: two tasks, two modes, seven arms; its records are never changed by a test."""
    return make_results(tmp_path_factory.mktemp("benchmark") / "results")


@pytest.fixture(scope="session")
def records(results: Path) -> Records:
    return read_records(results)


@pytest.fixture(scope="session")
def analysis(records: Records) -> Analysis:
    return analyse(records)


@dataclass(frozen=True)
class Seen:
    """What a page answered, complained of and asked for."""

    answer: Any
    errors: list[str]
    requests: list[str]


@pytest.fixture(scope="session")
def open_page() -> Callable[..., Seen]:
    """Open a file in headless Chromium and ask it something; absent, skipped loudly or failed where required."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("ORIENTEER_CHROMIUM") or next((p for name in names if (p := shutil.which(name))), None)
    if path is None:
        if os.environ.get("ORIENTEER_REQUIRE_BROWSER"):
            pytest.fail("a browser is required, and no Chromium was found")
        pytest.skip("NO CHROMIUM: set ORIENTEER_CHROMIUM to test the page in a browser")

    def look(file: Path, ask: Callable[[Page], Any], width: int, dark: bool) -> Seen:
        errors: list[str] = []
        requests: list[str] = []
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=path, args=ARGUMENTS)
            page = browser.new_page(
                viewport={"width": width, "height": 1000}, color_scheme="dark" if dark else "light", offline=True
            )
            page.on("console", lambda m: errors.append(m.text) if m.type in ("error", "assert") else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("request", lambda request: requests.append(request.url))
            page.goto(file.as_uri())
            page.wait_for_selector("html[data-ready=yes]", timeout=60_000)
            answer = ask(page)
            browser.close()
        return Seen(answer, errors, [url for url in requests if not url.startswith(("data:", "blob:"))])

    def seen(file: Path, ask: Callable[[Page], Any], *, width: int = 1280, dark: bool = False) -> Seen:
        # In a thread of its own: playwright allows one instance a thread, and the report's tests hold one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(look, file, ask, width, dark).result()

    return seen
