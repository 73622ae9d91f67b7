"""One real browser for every test of a page, offline and quiet."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

# Quiet and offline, with a software renderer for 3D views.
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
def chromium() -> Iterator[Browser]:
    """A headless Chromium. Absent, the test is skipped loudly, or fails where a browser is required."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("ORIENTEER_CHROMIUM") or next((p for name in names if (p := shutil.which(name))), None)
    if path is None:
        if os.environ.get("ORIENTEER_REQUIRE_BROWSER"):
            pytest.fail("a browser is required, and no Chromium was found")
        pytest.skip("NO CHROMIUM: set ORIENTEER_CHROMIUM to test pages in a browser")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
