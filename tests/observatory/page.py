"""A page under watch: everything it complains of or asks for, and its numbers as a reader sees them."""

import json
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page


def shown(value: float, digits: int = 1) -> str:
    """A number as the page writes it: halves away from zero, a true minus, no sign at zero."""
    text = str(Decimal(float(value)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "−")


NO_WEBGL = """
const real = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return kind.startsWith("webgl") ? null : real.call(this, kind, ...more);
};
"""


class Visitor:
    """A person at the page; ``quiet`` fails on any error in the console and any request that leaves the server.

    Without ``solid`` the browser draws no 3D, which in software takes longer than all else on the page.
    """

    def __init__(
        self, browser: Browser, link: str, *, state: str = "", width: int = 1400, height: int = 950,
        new: bool = False, solid: bool = False, prepare: Callable[[Page], None] | None = None, **context: Any,
    ) -> None:  # fmt: skip
        self.link = link
        self.context: BrowserContext = browser.new_context(viewport={"width": width, "height": height}, **context)
        if not new:
            self.context.add_init_script("localStorage.setItem('orienteer.tour', 'seen')")
        if not solid:
            self.context.add_init_script(NO_WEBGL)
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type in ("error", "assert") else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        if prepare is not None:
            prepare(self.page)
        self.page.goto(link + (f"#{state}" if state else ""))
        self.settle()

    def settle(self) -> None:
        """Wait until the page shows the answer to what was asked last."""
        self.page.wait_for_selector("html[data-ready=yes]", timeout=60_000)
        self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def value(self, name: str) -> str:
        return self.page.locator(f"[data-value='{name}']").first.inner_text()

    def cell(self, table: str, i: int, j: int) -> Locator:
        return self.page.locator(f"[data-cell='{table}-{i}-{j}']")

    def state(self) -> dict[str, str]:
        """What the address remembers."""
        self.page.wait_for_timeout(150)  # the page writes it 120 ms after the last change
        return {key: values[0] for key, values in parse_qs(urlsplit(self.page.url).fragment).items()}

    def centres(self) -> list[list[float]]:
        return [[float(value) for value in each.split(",")] for each in self.state()["centres"].split(";")]

    def ask(self, path: str, body: Any = None) -> Any:
        """The server's own answer, asked from within the page."""
        options = {} if body is None else {"method": "POST", "body": json.dumps(body)}
        headers = {"Content-Type": "application/json"}
        return self.page.evaluate(
            "async ([path, options]) => (await fetch(path, options)).json()", [path, options | {"headers": headers}]
        )

    def click_in(self, plane: str, across: float, down: float) -> None:
        """Click at fractions of a plane's picture."""
        box = self.page.locator(f"[data-plane={plane}] svg").first.bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])

    def quiet(self) -> None:
        assert self.errors == []
        home = self.link.split("?")[0]
        assert [url for url in self.requests if not url.startswith((home, "data:", "blob:" + home))] == []

    def leave(self) -> None:
        self.quiet()
        self.context.close()
