"""Take pictures of a report with a real browser.

    python docs/make_screenshot.py RUN/report.html docs/images/report.png [--dark] [--width 1280]

``--full`` takes the whole page; ``--section gap`` one part of it; ``--pdf`` prints it. Chromium is found on the path,
or named by the environment variable ORIENTEER_CHROMIUM.
"""

import argparse
import os
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

# Quiet, offline, and with a software renderer, so that the 3D view is drawn without a graphics card.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-gl=angle", "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]  # fmt: skip


def chromium() -> str | None:
    """Where Chromium is; None lets playwright use its own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("ORIENTEER_CHROMIUM") or next((p for name in names if (p := shutil.which(name))), None)


def main() -> None:
    """Read the arguments, open the page, wait until it is drawn, take the picture."""
    parser = argparse.ArgumentParser(description="Picture of a report")
    parser.add_argument("page", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--section")
    parser.add_argument("--pdf", action="store_true", help="print to PDF instead")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=1500)
    options = parser.parse_args()
    options.picture.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = browser.new_page(
            viewport={"width": options.width, "height": options.height},
            color_scheme="dark" if options.dark else "light",
        )
        page.on("console", lambda message: print(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: print(f"error: {error}"))
        page.goto(options.page.resolve().as_uri())
        page.wait_for_selector("html[data-ready=yes]", timeout=60_000)
        page.wait_for_timeout(1500)
        if options.pdf:
            page.pdf(path=options.picture, format="A4")
        elif options.section:
            page.locator(f"#{options.section}").screenshot(path=options.picture)
        else:
            page.screenshot(path=options.picture, full_page=options.full)
        if not options.pdf:  # few colours, so that the repository stays small
            few = Image.open(options.picture).convert("RGB").quantize(256, dither=Image.Dither.NONE)
            few.save(options.picture, optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
