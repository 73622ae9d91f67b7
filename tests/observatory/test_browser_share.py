"""Sharing, the first visit, narrow screens and what goes wrong, in a real browser on a run of phantoms."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route

from orienteer.observatory.serve import open_sessions
from tests.observatory.client import Client, said
from tests.observatory.conftest import serving as phantoms
from tests.observatory.page import Visitor

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def link(client: Client) -> str:
    return f"http://127.0.0.1:{client.port}/?token={client.token}"


@pytest.fixture(scope="module")
def opened(chromium: Browser, link: str) -> Iterator[Visitor]:
    visitor = Visitor(chromium, link, solid=True)
    yield visitor
    visitor.leave()


@pytest.fixture
def visitor(opened: Visitor) -> Iterator[Visitor]:
    """One page for all tests that need no other: what one opened or spoiled is undone for the next."""
    yield opened
    opened.page.keyboard.press("Escape")
    opened.page.get_by_role("radio", name="As they are").click()
    opened.settle()
    opened.quiet()


def test_browser_share__a_link_reopens_the_same_state(chromium: Browser, visitor: Visitor, link: str) -> None:
    page = visitor.page
    page.locator("[data-do=draw]").click()
    visitor.settle()
    visitor.cell("true", 1, 2).click()
    page.locator("[data-probe=border]").click()
    visitor.settle()
    page.locator("[data-do=share]").click()
    address = page.locator("input.address").input_value()
    again = Visitor(chromium, link, state=address.split("#")[1])
    assert again.state() == visitor.state()
    assert again.page.locator(".tables").inner_text() == page.locator(".tables").inner_text()
    assert again.page.locator("[data-pair='1-2']").is_visible()
    again.leave()


def test_browser_share__the_file_shows_the_same_offline(visitor: Visitor, chromium: Browser, tmp_path: Path) -> None:
    page = visitor.page
    page.wait_for_selector("[data-plane='3d'][data-drawn=yes]", timeout=60_000)
    page.locator("[data-do=share]").click()
    with page.expect_download() as caught:
        page.locator("[data-do=html]").click()
    saved = tmp_path / "saved.html"
    caught.value.save_as(saved)
    assert "token" not in saved.read_text()
    context = chromium.new_context(offline=True, java_script_enabled=False, viewport={"width": 1400, "height": 950})
    still, asked = context.new_page(), []
    still.on("request", lambda request: asked.append(request.url))
    still.goto(saved.as_uri())
    for part in (".verdict h2", ".verdict .judged", ".tables", "[data-kind=paths] [aria-live=polite]"):
        assert still.locator(part).first.inner_text() == page.locator(part).first.inner_text()
    colours = [np.asarray(Image.open(BytesIO(shot.screenshot()))).std() for shot in still.locator(".film").all()]
    assert len(colours) == 4 and min(colours) > 10  # no plane came out black
    assert [url for url in asked if not url.startswith("data:")] == [saved.as_uri()]
    context.close()


def test_browser_share__the_picture_is_what_is_seen(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page
    size = page.locator("#seen").bounding_box()
    page.locator("[data-do=share]").click()
    with page.expect_download() as caught:
        page.locator("[data-do=png]").click()
    caught.value.save_as(tmp_path / "seen.png")
    picture = Image.open(tmp_path / "seen.png").convert("RGB")
    assert size is not None and abs(picture.width - 2 * size["width"]) <= 2
    left = np.asarray(picture.crop((0, picture.height // 8, picture.width // 2, picture.height // 2)))
    assert left.std() > 30  # planes, not an empty page
    visitor.quiet()


def test_browser_share__the_first_visit_is_shown_around_once(chromium: Browser, link: str) -> None:
    visitor = Visitor(chromium, link, new=True)
    page = visitor.page
    for step in ("1", "2", "3", "4"):
        assert page.locator(".tour").get_attribute("data-step") == step
        assert page.locator(".toured").count() == 1
        page.locator(".tour [data-do=next]").click()
    assert page.locator(".tour").count() == 0
    page.reload()
    visitor.settle()
    assert page.locator(".tour").count() == 0
    visitor.leave()


def test_browser_share__fits_a_phone(chromium: Browser, link: str) -> None:
    visitor = Visitor(chromium, link, solid=True, width=360, height=740, color_scheme="dark")
    shown = {
        "explore": "[data-plane='3d'][data-drawn=yes]",
        "where": "[data-found]",
        "learn": ".arm .curve",
        "judge": "[aria-label='Key figures']",
    }
    for tab, drawn in shown.items():
        visitor.page.click(f"[data-tab={tab}]")
        visitor.page.wait_for_selector(drawn)
        visitor.settle()
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 360, tab
        assert visitor.page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(15, 20, 25)"
    visitor.leave()


def test_browser_share__light_and_dark_are_one_press_away(visitor: Visitor) -> None:
    seen = set()
    for _ in range(3):
        seen.add(visitor.page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor"))
        visitor.page.locator("[data-do=theme]").click()
    assert seen == {"rgb(244, 246, 248)", "rgb(15, 20, 25)"}


def test_browser_share__every_number_has_its_unit_within_reach(visitor: Visitor) -> None:
    bare = visitor.page.evaluate(
        """() => [...document.querySelectorAll('.figure b, .words b[data-value]')]
          .map(e => e.textContent).filter(text => /^[−\\d.]+$/.test(text))"""
    )
    assert bare == []
    for table in visitor.page.locator(".heat caption, .right .grid").all():
        text = table.inner_text()
        assert "mm" in text, text


def test_browser_share__a_refusal_is_told_with_its_cure(chromium: Browser, link: str) -> None:
    refusal = {"error": {"code": "no-checkpoint", "message": "<b>That step is gone.</b>", "cure": "Choose another."}}

    def prepare(page: Page) -> None:
        page.route("**/api/look", lambda route: route.fulfill(status=404, body=json.dumps(refusal)))

    visitor = Visitor(chromium, link, prepare=prepare)
    told = visitor.page.locator(".problem").first
    assert "<b>That step is gone.</b>" in told.inner_text() and "Choose another." in told.inner_text()
    assert told.get_attribute("data-code") == "no-checkpoint"
    visitor.context.close()


def test_browser_share__a_stale_answer_never_replaces_a_newer_one(visitor: Visitor) -> None:
    page = visitor.page
    page.evaluate(
        """() => {
          const real = window.fetch; let n = 0;
          window.fetch = async (path, options) => {  // the first answer after this comes very late
            const answer = await real(path, options);
            if (String(path).endsWith('look') && n++ === 0) await new Promise(done => setTimeout(done, 600));
            return answer;
          };
        }"""
    )
    page.locator("body").click(position={"x": 4, "y": 4})
    for _ in range(6):
        page.keyboard.press("ArrowUp" if visitor.centres()[0][1] < 60 else "ArrowDown")
    visitor.settle()
    now = visitor.ask("api/look", {"scan": visitor.state()["scan"], "centres_mm": visitor.centres()})
    error = said(now, "gap")["measures"]["gap_error_mm"]["value"]
    assert visitor.value("gap_error_mm") == f"{error:.1f} mm"
    visitor.quiet()


def test_browser_share__a_running_training_is_followed(chromium: Browser, link: str) -> None:
    whole: list[int] = []
    ended: dict[str, object] = {}

    def training(route: Route) -> None:
        told = route.fetch().json()
        if not whole:  # the first time, the last checkpoint is still to come
            run = told["runs"][0]
            whole.extend(run["steps"])
            ended.update(run)
            so_far = {"steps": whole[:-1], "best_step": whole[-2], "step": whole[-2] + 1, "verdict": None, "next": []}
            run |= {"live": True, "finished": False, **so_far}
        route.fulfill(json=told)

    def news(route: Route) -> None:
        route.fulfill(json={"run": {**ended, "best_step": whole[-1]}, "history": {}})

    def prepare(page: Page) -> None:
        page.route("**/api/session", training)
        page.route("**/api/live/a?since=*", news)

    visitor = Visitor(chromium, link, prepare=prepare, state="s=learn")
    page = visitor.page
    assert page.locator(".verdict h2").inner_text() == "No validation yet."
    assert page.locator(".verdict .mark").first.inner_text() == f"training, step {whole[-2] + 1} of {whole[-1]}"
    assert visitor.value("step") == f"step {whole[-2]}"
    page.wait_for_function(
        "text => document.querySelector('[data-value=step]').textContent === text", arg=f"step {whole[-1]}"
    )
    page.wait_for_selector(".verdict:not(.none)")
    visitor.settle()
    assert page.locator(".arm .term").first.inner_text() == f"step {whole[-1]}"
    visitor.leave()


def test_browser_share__a_run_with_one_task_shows_its_kind_of_evidence_alone(chromium: Browser, link: str) -> None:
    visitor = Visitor(chromium, link, state="s=explore&run=b&probe=sunglasses")
    assert "probe" not in visitor.state()
    kinds = visitor.page.locator("[data-kind]")
    assert [each.get_attribute("data-kind") for each in kinds.all()] == ["displacements"]
    assert visitor.page.locator("[data-value=others]").count() == 0
    visitor.leave()


def test_browser_share__a_run_that_says_nothing_of_views_is_judged_and_its_curves_are_drawn(
    chromium: Browser, apart: Path, home: Path
) -> None:
    with phantoms(open_sessions(apart, home / "store")) as client:
        visitor = Visitor(chromium, f"http://127.0.0.1:{client.port}/?token={client.token}")
        page = visitor.page
        assert page.locator("[data-kind]").count() == 0
        told = visitor.value("others")
        titles = [task["title"] for task in visitor.ask("api/session")["runs"][0]["tasks"]]
        assert all(title in told for title in titles)
        page.click("[data-tab=learn]")
        page.wait_for_selector(".arm .curve")
        page.locator("[data-pick=curve]").select_option(index=1)
        page.wait_for_selector(".arm .curve")
        page.click("[data-tab=judge]")
        page.wait_for_selector("[aria-label='Key figures']")
        table = page.locator("[aria-label='Key figures']").inner_text()
        assert all(title in table for title in titles)
        visitor.leave()
