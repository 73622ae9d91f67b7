"""Take the pictures of the observatory that the documentation shows.

    orienteer observe RUN --no-browser --port 8700     # prints the link
    python docs/make_observatory_pictures.py LINK docs/images

Chromium is found on the path, or named by the environment variable ORIENTEER_CHROMIUM.
"""

import argparse
import io
from collections.abc import Callable
from pathlib import Path

from make_screenshot import ARGUMENTS, chromium
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

SEEN = "localStorage.setItem('orienteer.tour', 'seen')"


def explore(page: Page) -> None:
    """Views in the scan, the 3D picture drawn."""
    page.wait_for_selector("[data-plane='3d'][data-drawn=yes]", timeout=60_000)


def where(page: Page) -> None:
    """A point of one person, found in another."""
    page.click("[data-tab=where]")
    page.wait_for_selector("[data-found]", timeout=60_000)
    box = page.locator("[data-plane=sagittal] svg").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.48 * box["width"], box["y"] + 0.52 * box["height"])
    page.wait_for_selector("[aria-label='Where it lies in the other scan'][aria-busy=false] [data-found=yes]")


def learn(page: Page) -> None:
    """The slider at the first kept step."""
    page.click("[data-tab=learn]")
    page.locator("[aria-label='Step of training']").press("Home")
    page.wait_for_selector(".arm[aria-busy=false] .heat", timeout=60_000)


def judge(page: Page) -> None:
    """Probes, errors, worst cases."""
    page.click("[data-tab=judge]")
    page.wait_for_selector("[data-worst='0']", timeout=60_000)


PICTURES: tuple[tuple[str, Callable[[Page], None], str, int, int], ...] = (
    ("observatory", explore, "light", 1400, 1180),
    ("observatory-where", where, "dark", 1400, 1120),
    ("observatory-learn", learn, "light", 1400, 960),
    ("observatory-judge", judge, "light", 1400, 1150),
    ("observatory-phone", explore, "dark", 360, 1000),
)


def take(browser: Browser, link: str, show: Callable[[Page], None], scheme: str, width: int, height: int) -> bytes:
    """Open the page anew, go somewhere, and photograph it."""
    context = browser.new_context(viewport={"width": width, "height": height})
    context.add_init_script(SEEN)
    page = context.new_page()
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.on("console", lambda message: print(f"{message.type}: {message.text}"))
    page.goto(link)
    page.wait_for_selector("html[data-ready=yes]", timeout=120_000)
    show(page)
    page.wait_for_timeout(1200)
    picture = page.screenshot()
    context.close()
    return picture


def main() -> None:
    """Every picture, with few colours so that the repository stays small."""
    parser = argparse.ArgumentParser(description="Pictures of the observatory")
    parser.add_argument("link")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        for name, show, scheme, width, height in PICTURES:
            picture = Image.open(io.BytesIO(take(browser, options.link, show, scheme, width, height)))
            picture.convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
                options.folder / f"{name}.png", optimize=True
            )
            print(name)
        browser.close()


if __name__ == "__main__":
    main()
