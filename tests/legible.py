"""Whether a page can be read: no text on another one, none cut off at the side, no serious fault by axe-core."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SCREENS = ((390, 844), (1280, 800), (1920, 1080))
SCHEMES = ("light", "dark")

# Every line of visible text with its box, clipped as its ancestors clip it; those of two texts that share some pixels.
OVERLAPS = """
  (leave) => {
    const boxes = [];
    const clipped = (element, box) => {
      let { left, top, right, bottom } = box;
      for (let above = element; above; above = above.parentElement) {
        const style = getComputedStyle(above);
        if (above !== element && style.overflow !== "visible" && style.display !== "contents") {
          const edge = above.getBoundingClientRect();
          left = Math.max(left, edge.left); right = Math.min(right, edge.right);
          top = Math.max(top, edge.top); bottom = Math.min(bottom, edge.bottom);
        }
        if (style.position === "fixed") break;
      }
      return { left, top, right, bottom };
    };
    const seen = document.querySelector("dialog:modal") ?? document.body;
    const walker = document.createTreeWalker(seen, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode, element = node.parentElement, text = node.data.trim();
      if (!text || element.closest("script, style, noscript, option, [aria-hidden=true]")) continue;
      if (leave && element.closest(leave)) continue;
      if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const drawn = element.ownerSVGElement ? [element.getBoundingClientRect()] : range.getClientRects();
      for (const line of drawn) {
        const box = clipped(element, line);
        // A line's box is higher than its letters.
        const inset = 0.2 * (line.bottom - line.top);
        box.top += inset; box.bottom -= inset;
        if (box.right - box.left > 2 && box.bottom - box.top > 2) boxes.push({ ...box, text, element });
      }
    }
    boxes.sort((a, b) => a.left - b.left);
    const found = [];
    boxes.forEach((a, n) => {
      for (let m = n + 1; m < boxes.length && boxes[m].left < a.right - 1.5; m += 1) {
        const b = boxes[m];
        if (a.element === b.element && a.text === b.text) continue;
        // In a picture the box of a line holds those of its parts.
        if (a.element.ownerSVGElement && (a.element.contains(b.element) || b.element.contains(a.element))) continue;
        const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        const where = `${Math.round(b.left)},${Math.round(b.top)}`;
        if (high > 1.5) found.push(`${a.text.slice(0, 40)} | ${b.text.slice(0, 40)} at ${where}`);
      }
    });
    return found;
  }
"""


def overlaps(page: Page, leave: str = "") -> list[str]:
    """The pairs of texts that lie on each other on the page as it is shown now.

    Args:
        page: a page that is drawn.
        leave: a CSS selector of what may overlap, such as labels in a 3D picture.
    """
    found: list[str] = page.evaluate(OVERLAPS, leave)
    return found


def too_wide(page: Page) -> int:
    """By how many pixels the page is wider than its screen."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide


def faults(page: Page) -> list[str]:
    """What axe-core finds serious or critical, with the first element of each."""
    response: dict[str, Any] = Axe().run(page).response
    return [
        f"{fault['impact']}: {fault['id']} ({len(fault['nodes'])}): {fault['nodes'][0]['html'][:200]}"
        for fault in response["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
