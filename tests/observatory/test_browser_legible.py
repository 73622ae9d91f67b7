"""The page can be read on every screen, and a run that has not ended is looked at like any other."""

import json
import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from orienteer.evaluation.so_far import NAME
from orienteer.observatory.serve import open_sessions
from orienteer.records.evaluation import EvaluationRecord
from tests.legible import SCHEMES, SCREENS, faults, overlaps, too_wide
from tests.observatory.client import Client
from tests.observatory.conftest import serving
from tests.observatory.page import Visitor

pytestmark = pytest.mark.browser

PLACES = {
    "where": "[data-found]",
    "learn": ".arm[data-run=a][aria-busy=false] .curve",
    "judge": "[aria-label='Key figures']",
    "explore": "[data-kind=points]",
}


def link_of(client: Client) -> str:
    return f"http://127.0.0.1:{client.port}/?token={client.token}"


def legible(page: Page, what: str) -> None:
    """No text lies on another and nothing sticks out on any screen; axe-core is asked of a narrow and of a wide one."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width, height in SCREENS:
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            assert overlaps(page) == [], (what, width)
            assert too_wide(page) == 0, (what, width)
            if (scheme == "dark") == (width == SCREENS[0][0]) and width != SCREENS[1][0]:
                assert faults(page) == [], (what, width, scheme)


def test_browser_legible__no_text_lies_on_another_in_any_place(chromium: Browser, client: Client) -> None:
    visitor = Visitor(chromium, link_of(client))
    page = visitor.page
    for place, drawn in PLACES.items():
        page.click(f"[data-tab={place}]")
        page.wait_for_selector(drawn)
        visitor.settle()
        legible(page, place)
    page.locator("[data-probe=shuffled]").click()
    page.locator("[data-do=explain]").click()
    page.wait_for_selector("[data-spoilt]")
    legible(page, "spoiled, with what is next")
    for dialog in ("share", "keys"):
        page.locator(f"[data-do={dialog}]").click()
        legible(page, dialog)
        page.keyboard.press("Escape")
    visitor.leave()


def test_browser_legible__planes_stay_while_the_answers_are_read(chromium: Browser, client: Client) -> None:
    visitor = Visitor(chromium, link_of(client), width=1280, height=800)
    page = visitor.page
    before = page.locator(".planes").bounding_box()
    assert before is not None and before["y"] + before["height"] <= 800
    page.mouse.move(1100, 400)
    page.mouse.wheel(0, 700)
    page.wait_for_function("() => scrollY > 300")
    after = page.locator(".planes").bounding_box()
    assert after is not None and after["y"] >= 0 and after["y"] + after["height"] <= 800
    page.set_viewport_size({"width": 1920, "height": 1080})
    columns = [box["x"] for each in page.locator(".left, .stack").all() if (box := each.bounding_box())]
    assert len(set(columns)) == 3 and page.locator(".stack").last.bounding_box()["x"] > 1200  # type: ignore[index]
    visitor.leave()


def test_browser_legible__keys_are_shown_where_they_work(chromium: Browser, client: Client) -> None:
    visitor = Visitor(chromium, link_of(client))
    page = visitor.page
    for key, tab in (("j", "judge"), ("l", "learn"), ("e", "explore")):
        button = page.locator(f"[data-tab={tab}]")
        assert button.locator("kbd").inner_text() == key.upper() == button.get_attribute("aria-keyshortcuts")
        page.keyboard.press(key)
        assert button.get_attribute("aria-current") == "page"
    before = visitor.centres()
    page.keyboard.press(page.locator("[data-do=draw] kbd").inner_text())
    visitor.settle()
    assert visitor.centres() != before and len(visitor.centres()) == len(before)
    page.keyboard.press("?")
    told = page.get_by_role("dialog", name="Keys").inner_text()
    assert "Page up, Page down" in told and "draw as many views anew" in told
    visitor.leave()


def test_browser_legible__a_run_that_has_not_ended_is_opened_followed_and_told_what_is_next(
    chromium: Browser, home: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(home / "run", run)
    document = json.loads((run / "run.json").read_text())
    document.pop("finished")
    (run / "run.json").write_text(json.dumps(document))
    judged = EvaluationRecord.read(run / "evaluations" / "val")
    shutil.rmtree(run / "evaluations")
    with serving(open_sessions(run, home / "store")) as client:
        visitor = Visitor(chromium, link_of(client))
        page = visitor.page
        strip = page.locator(".verdict")
        assert strip.locator("h2").inner_text() == "No validation yet."
        assert strip.locator(".mark").inner_text() == "training, step 6 of 6"
        assert page.locator("[data-kind=displacements]").count() == 1  # and yet the model answers
        page.click("[data-tab=judge]")
        assert "nobody has measured" in page.locator("[aria-label='Not judged']").inner_text()
        legible(page, "not judged")
        folder = run / "evaluations" / NAME
        folder.mkdir(parents=True)
        judged.model_copy(update={"name": NAME, "agreeing": 1}).write(folder)
        page.wait_for_function(
            "() => document.querySelector('.verdict h2').textContent.includes('provisional at step')"
        )
        page.wait_for_selector("[aria-label='Key figures']")
        old = (run / "observations.jsonl").stat().st_mtime - 3600
        os.utime(run / "observations.jsonl", (old, old))
        page.wait_for_function("() => document.querySelector('.verdict .mark').textContent.startsWith('stopped at')")
        assert "orienteer pretrain STORE run --resume" in page.locator("[aria-label='What next']").inner_text()
        visitor.leave()
