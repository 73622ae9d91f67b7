"""The report in a real browser: it draws, it answers, it stays silent on the network and in the console."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from orienteer.report import report

from ..legible import SCHEMES, SCREENS, faults, overlaps, too_wide
from .run_folder import make_run

pytestmark = pytest.mark.browser

HOSTILE = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'>{}"
WIDTH = "document.documentElement.scrollWidth"


class Watched:
    """A page with everything it complained of or asked for."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.width_on_a_phone = 0
        page.on("console", lambda m: self.errors.append(m.text) if m.type in ("error", "assert") else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(address)
        page.wait_for_selector("html[data-ready=yes]", timeout=60_000)

    def quiet(self) -> None:
        """Fail on any error or any request but the file itself and data written inside it."""
        assert self.errors == []
        outside = [url for url in self.requests if not url.startswith(("data:", "blob:"))]
        assert outside == [self.address]


@pytest.fixture(scope="module")
def watched(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """One page for all tests, opened as on a phone and then made wide; each test sets the screen that it needs.

    Drawing a page takes seconds, so it is done once; every scan on it has a name that would run a script.
    """
    folder = tmp_path_factory.mktemp("page")
    run = make_run(folder / "run", scan=HOSTILE, per_scan=2, examples=2)
    page = chromium.new_page(viewport={"width": 360, "height": 800})
    watched = Watched(page, report(run).as_uri())
    watched.width_on_a_phone = page.evaluate(WIDTH)
    page.set_viewport_size({"width": 1280, "height": 1200})
    yield watched
    page.close()


def test_browser__draws_every_figure_without_errors_or_requests(watched: Watched) -> None:
    places = watched.page.locator("[data-figure]")
    closed = watched.page.locator("details.more:not([open]) [data-figure]").count()
    assert places.count() > 15
    assert watched.page.locator("[data-figure].js-plotly-plot").count() == places.count() - closed
    assert watched.page.locator("[data-figure].js-plotly-plot .main-svg").count() >= places.count() - closed
    watched.quiet()


def test_browser__fits_a_narrow_screen(watched: Watched) -> None:
    assert watched.width_on_a_phone <= 360
    watched.page.set_viewport_size({"width": 768, "height": 800})
    watched.page.wait_for_function(f"() => {WIDTH} <= 768")
    watched.page.set_viewport_size({"width": 1280, "height": 1200})
    watched.quiet()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_browser__every_text_can_be_read_on_every_screen(watched: Watched, scheme: Literal["light", "dark"]) -> None:
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(700)  # the plots are drawn anew once the size has settled
        assert too_wide(page) <= 0, width
        assert overlaps(page) == [], width
        titles = page.locator("[data-figure] .xtitle, [data-figure] .ytitle")
        cut = titles.evaluate_all(
            """all => all.filter(e => {
              const [text, plot] = [e, e.closest("[data-figure]")].map((each) => each.getBoundingClientRect());
              return text.left < plot.left - 1 || text.right > plot.right + 1 || text.bottom > plot.bottom + 1;
            }).map(e => e.textContent)"""
        )
        assert cut == [], width
    assert faults(page) == []
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 1200})
    watched.quiet()


def test_browser__the_first_two_screens_answer_what_is_asked_first(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 1280, "height": 800})
    answers = page.locator(".glance > div")
    told = {one.locator("dt").inner_text(): one for one in answers.all()}
    assert list(told) == [
        "Error and chance", "Measured on", "Better than half of chance", "Border of the views", "Worst region",
        "Settings", "Time", "What next",
    ]  # fmt: skip
    for one in [page.locator("#verdict h2"), page.locator("#verdict .sentence"), *told.values()]:
        box = one.bounding_box()
        assert box is not None and box["y"] + box["height"] + page.evaluate("scrollY") <= 1600
    for question, words in {
        "Error and chance": ("Gap error", "mm, chance", "Skill", "chance (0 %) to a perfect answer"),
        "Measured on": ("8 test subjects, 8 scans, 16 samples", "None of them trained on", "learned from 9 subjects"),
        "Better than half of chance": ("First at step", "of 2,000"),
        "Border of the views": ("Border painted over", "only the border kept", "skill"),
        "Worst region": ("n = ", "whole body"),
        "Settings": ("residual-unet small, 1.2 million", "3 views of 24 voxels (72 mm) at 3 mm"),
        "Time": ("9.7 min for 2,000 steps on CPU", "1 Jan 2026, 10:00 UTC"),
        "What next": ("orienteer ",),
    }.items():
        text = told[question].inner_text().replace("\u00a0", " ")
        assert all(part in text for part in words), text
    first = page.locator("main").inner_text().partition("Skill")
    assert "skill" not in first[0] and "the share of the way from chance" in first[2][:60], "said where it first stands"
    for link in answers.locator("a").all():
        assert page.locator(str(link.get_attribute("href"))).count() == 1
    page.set_viewport_size({"width": 1280, "height": 1200})


def test_browser__the_contents_stay_in_reach_of_eye_and_keyboard(watched: Watched) -> None:
    page = watched.page
    page.evaluate("scrollTo(0, 0)")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.locator(".contents a", has_text="Honesty").click()
    page.wait_for_function("document.querySelector('#probes').getBoundingClientRect().top < 200")
    bar, section = page.locator(".contents").bounding_box(), page.locator("#probes h2").bounding_box()
    assert bar is not None and section is not None and bar["y"] == 0 and section["y"] > bar["height"]
    assert page.locator(".contents [aria-current]").inner_text() == "Honesty"
    page.set_viewport_size({"width": 390, "height": 844})
    assert not page.locator(".contents ol").is_visible()
    page.locator(".contents summary").click()
    assert page.locator(".contents ol").is_visible()
    page.locator(".contents a").first.click()
    page.wait_for_function("!document.querySelector('.contents details').open")
    page.set_viewport_size({"width": 1280, "height": 1200})
    watched.quiet()


def test_browser__hostile_names_run_nothing(watched: Watched) -> None:
    assert "<img src=x" in watched.page.locator("#example").inner_text()
    assert watched.page.evaluate("window.broken") is None
    watched.quiet()


def test_browser__sections_can_be_seen(watched: Watched) -> None:
    for anchor in (
        "verdict",
        "figures",
        "training",
        "examples",
        "task-gap",
        "task-gap-1",
        "probes",
        "task-route",
        "settings",
    ):
        assert watched.page.locator(f"#{anchor}").is_visible()
    assert watched.page.locator("#verdict h2").inner_text() == "It is learning anatomy."


def test_browser__3d_view_is_drawn_not_blank(watched: Watched) -> None:
    page = watched.page
    page.wait_for_selector(".closeup:not([hidden]) .scene canvas")
    page.wait_for_function(
        """() => {
          const plot = document.querySelector(".closeup:not([hidden]) .scene");
          const gl = plot._fullLayout.scene._scene.glplot;
          gl.redraw();
          const size = [gl.gl.drawingBufferWidth, gl.gl.drawingBufferHeight];
          const pixels = new Uint8Array(size[0] * size[1] * 4);
          gl.gl.readPixels(0, 0, size[0], size[1], gl.gl.RGBA, gl.gl.UNSIGNED_BYTE, pixels);
          const near = (at, rgb) => rgb.every((value, n) => Math.abs(pixels[at + n] - value) < 60);
          let blue = 0, orange = 0;
          for (let at = 0; at < pixels.length; at += 4) {
            if (pixels[at + 3] < 128) continue;
            blue += near(at, [98, 176, 245]);
            orange += near(at, [255, 162, 71]);
          }
          return blue > 100 && orange > 100;
        }""",
        polling=200,
    )
    watched.quiet()


def test_browser__another_example_brings_its_own_matrix_and_routes(watched: Watched) -> None:
    page = watched.page
    before = page.locator(".closeup:not([hidden]) .heat").first.inner_text()
    shown, one = page.locator("#example").input_value(), page.locator(".scene canvas").count()
    other = "0" if shown != "0" else "1"
    page.select_option("#example", other)
    page.wait_for_selector(f'.closeup[data-example="{other}"] .scene canvas')
    assert page.locator(".closeup:not([hidden])").count() == 1
    assert page.locator(".closeup:not([hidden]) .heat").first.inner_text() != before
    page.select_option("#example", shown)  # back again: 3D views are let go, not piled up
    page.wait_for_selector(f'.closeup[data-example="{shown}"] .scene canvas')
    assert page.locator(".scene canvas").count() == one
    watched.quiet()


def test_browser__another_route_and_another_pair_change_what_is_shown(watched: Watched) -> None:
    page = watched.page
    closeup = page.locator(".closeup:not([hidden])")
    caption = closeup.locator("[data-caption]").inner_text()
    closeup.locator('.chips:has(input[name^="walk"]) label').nth(3).click()
    assert closeup.locator("[data-caption]").inner_text() != caption
    closeup.locator('.chips:has(input[name^="pair"]) label').nth(2).click()
    assert closeup.locator("[data-answer]:visible").get_attribute("data-answer") == "2"
    assert closeup.locator('[data-pair="2"]').first.is_visible()
    assert not closeup.locator('[data-pair="0"]').first.is_visible()
    watched.quiet()


def test_browser__more_curves_are_drawn_when_opened(watched: Watched) -> None:
    page = watched.page
    page.locator("details.more summary").click()
    page.wait_for_selector("details.more .js-plotly-plot .main-svg")
    width = page.locator("details.more .main-svg").first.bounding_box()
    assert width is not None and width["width"] > 200
    watched.quiet()


def test_browser__dark_scheme_recolours_page_and_plots(watched: Watched) -> None:
    page = watched.page
    page.emulate_media(color_scheme="light")
    line = "#training [data-figure] .lines path.js-line"
    before = page.locator(line).nth(1).evaluate("e => getComputedStyle(e).stroke")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "([line, before]) => getComputedStyle(document.querySelectorAll(line)[1]).stroke !== before", arg=[line, before]
    )
    assert page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(15, 20, 25)"
    watched.quiet()


def test_browser__prints_in_light_colours(watched: Watched) -> None:
    page = watched.page
    page.emulate_media(color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#figures").evaluate("e => getComputedStyle(e).color") == "rgb(22, 32, 43)"
    widths = page.locator("[data-figure] .main-svg").evaluate_all("all => all.map(e => e.clientWidth)")
    assert max(widths) <= 680
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("#figures").evaluate("e => getComputedStyle(e).color") == "rgb(233, 238, 243)"
    watched.quiet()


def test_browser__prints_whole_figures_on_pages_of_paper(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    page.emulate_media(color_scheme="dark", media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    for hidden in (".contents", ".skip", "details.more:not([open])", ".chips label:not(:has(:checked))"):
        assert not page.locator(hidden).first.is_visible(), hidden
    assert page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
    tall = page.locator("figure:visible").evaluate_all(
        "all => all.map(e => [e.offsetHeight, e.innerText.slice(0, 40)])"
    )
    assert max(tall)[0] < 1000, f"{max(tall)}: no figure is higher than a page, and none may break"
    inside = "all => Math.max(...all.map(e => e.querySelector('.main-svg').clientWidth - e.clientWidth))"
    assert page.locator("[data-figure].js-plotly-plot:visible").evaluate_all(inside) <= 0
    breaks = page.locator("figure.plot:visible").evaluate_all("all => all.map(e => getComputedStyle(e).breakInside)")
    assert set(breaks) == {"avoid"}
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    pages = page.pdf(path=tmp_path / "report.pdf", format="A4").count(b"/Type /Page\n")
    assert pages > 3


def test_browser__an_unfinished_run_opens_quietly(chromium: Browser, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", splits=())
    (run / "summary.json").unlink()
    page = chromium.new_page()
    watched = Watched(page, report(run).as_uri())
    assert page.locator("#verdict h2").inner_text() == "Not judged yet."
    watched.quiet()
    page.close()
