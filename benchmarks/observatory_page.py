"""From click to updated numbers on the observatory's page, in a real browser, as a person would feel it.

    orienteer observe RUN --no-browser        # prints the link
    python benchmarks/observatory_page.py LINK [--clicks 100]

Each click moves a view to a random place of the axial plane; the clock stops in the first frame in which the gap
matrix shows the answer to it. Prints the median and the 95th percentile in ms, the part that the server took, and the
time to open another scan. Chromium is found on the path, or named by ORIENTEER_CHROMIUM.
"""

import argparse
import os
import shutil
import statistics
from typing import Any

from playwright.sync_api import Page, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
CLICK = """async () => {
  const svg = document.querySelector('[data-plane=axial] svg');
  svg.setPointerCapture = () => {};
  const shown = () => document.querySelector('[data-table=predicted]').textContent;
  const box = svg.getBoundingClientRect();
  const within = () => 0.25 + 0.5 * Math.random();
  const at = { clientX: box.left + box.width * within(), clientY: box.top + box.height * within(),
               button: 0, pointerId: 1, bubbles: true };
  const before = shown(), asked = performance.getEntriesByType('resource').length, begun = performance.now();
  svg.dispatchEvent(new PointerEvent('pointerdown', at));
  svg.dispatchEvent(new PointerEvent('pointerup', at));
  const ready = () => document.documentElement.dataset.ready === 'yes';
  while (!(ready() && shown() !== before)) {
    if (performance.now() - begun > 10000) return null;  // the view settled where it was
    await new Promise(requestAnimationFrame);
  }
  const whole = performance.now() - begun;
  const answers = performance.getEntriesByType('resource').slice(asked).filter(e => e.name.endsWith('api/look'));
  return [whole, answers.reduce((sum, e) => sum + e.duration, 0)];
}"""
OPEN = """async () => {
  const picker = document.querySelector('[data-pick=Scan]');
  const begun = performance.now();
  picker.selectedIndex = (picker.selectedIndex + 1) % picker.options.length;
  picker.dispatchEvent(new Event('change', { bubbles: true }));
  let gone = false;
  for (;;) {
    await new Promise(requestAnimationFrame);
    const there = document.querySelector('[data-plane=axial] canvas') !== null;
    if (gone && there) return performance.now() - begun;
    gone ||= !there;
  }
}"""


def percentile(values: list[float], share: float) -> float:
    """The value that ``share`` of all values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(page: Page, clicks: int) -> dict[str, Any]:
    """Click, wait, repeat; then open another scan."""
    page.get_by_role("radio", name="moves the chosen view").click()
    for _ in range(3):  # the first answers load the model
        page.evaluate(CLICK)
    pairs = [pair for _ in range(clicks) if (pair := page.evaluate(CLICK)) is not None]
    whole, server = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return {
        "clicks": len(pairs),
        "median_ms": round(statistics.median(whole), 1),
        "p95_ms": round(percentile(whole, 0.95), 1),
        "server_median_ms": round(statistics.median(server), 1),
        "open_another_scan_ms": round(page.evaluate(OPEN), 1),
        "load": round(os.getloadavg()[0], 2),
    }


def main() -> None:
    """Open the page and measure."""
    parser = argparse.ArgumentParser(description="From click to updated numbers")
    parser.add_argument("link")
    parser.add_argument("--clicks", type=int, default=100)
    options = parser.parse_args()
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("ORIENTEER_CHROMIUM") or next((p for name in names if (p := shutil.which(name))), None)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=ARGUMENTS)
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        context.add_init_script("localStorage.setItem('orienteer.tour', 'seen')")
        page = context.new_page()
        page.goto(options.link)
        page.wait_for_selector("html[data-ready=yes]", timeout=120_000)
        page.wait_for_selector("[data-plane='3d'][data-drawn=yes]", timeout=60_000)
        print(measure(page, options.clicks))
        browser.close()


if __name__ == "__main__":
    main()
