"""Records to read, and a look at the page in a real browser."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from orienteer.comparison.records import Records, read_records
from orienteer.comparison.statistics import Analysis, analyse

from .results_folder import make_results


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
def open_page(chromium: Browser) -> Callable[..., Seen]:
    """Open a file and ask it something."""

    def look(file: Path, ask: Callable[[Page], Any], *, width: int = 1280, dark: bool = False) -> Seen:
        errors: list[str] = []
        requests: list[str] = []
        page = chromium.new_page(
            viewport={"width": width, "height": 1000}, color_scheme="dark" if dark else "light", offline=True
        )
        page.on("console", lambda m: errors.append(m.text) if m.type in ("error", "assert") else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready=yes]", timeout=60_000)
        answer = ask(page)
        page.close()
        return Seen(answer, errors, [url for url in requests if not url.startswith(("data:", "blob:"))])

    return look
