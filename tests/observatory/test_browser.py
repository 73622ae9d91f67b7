"""The observatory in a real browser, on real brains: what it shows is what the Python API says."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from nibabel.affines import apply_affine
from playwright.sync_api import Browser, Page, Route

from orienteer.evaluation.look import Look
from orienteer.localize.found import LOST
from orienteer.records.statistics import angles_deg
from orienteer.runs.ask import look
from orienteer.runs.run import Run
from orienteer.store import Store
from tests.legible import overlaps
from tests.observatory.oasis import Site, make_runs, serving
from tests.observatory.page import Visitor, shown

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    store, run, other = make_runs(real_data, tmp_path_factory.mktemp("observed"))
    with serving(run, store, beside=other) as site:
        yield site


@pytest.fixture(scope="module")
def visitor(chromium: Browser, site: Site) -> Iterator[Visitor]:
    """One page for all tests that only look around; each begins by going where it needs to be."""
    visitor = Visitor(chromium, site.link, solid=True)
    yield visitor
    visitor.leave()


def asked(visitor: Visitor, site: Site, **more: object) -> Look:
    """The Python API's answer to what the page shows now."""
    return look(site.run, site.store, visitor.state()["scan"], visitor.centres(), **more)  # type: ignore[arg-type]


def same_numbers(visitor: Visitor, seen: Look) -> None:
    """Every number of the gap matrix, of the chosen pair and of the chunks, to the last digit shown."""
    predicted, true, error = seen.gap("pred"), seen.gap("true"), seen.gap_error_mm
    assert predicted is not None and true is not None and error is not None
    for i in range(len(true)):
        for j in range(len(true)):
            if i != j:
                assert visitor.cell("predicted", i, j).inner_text() == shown(np.linalg.norm(predicted[i, j]))
                assert visitor.cell("true", i, j).inner_text() == shown(np.linalg.norm(true[i, j]))
                assert visitor.cell("error", i, j).inner_text() == shown(error[i, j])
    gap = seen.observations["gap"].measures["gap_error_mm"]
    assert visitor.value("gap_error_mm") == f"{shown(gap.value)} mm"
    assert gap.chance is not None and visitor.value("gap_error_mm-chance") == f"{shown(gap.chance)} mm"


def test_browser__the_verdict_is_read_without_scrolling(visitor: Visitor, site: Site) -> None:
    verdict = visitor.ask("api/session")["runs"][0]["verdict"]
    banner = visitor.page.locator(".verdict")
    assert banner.locator("h2").inner_text() == verdict["headline"]
    figure = verdict["judged"]["figure"]
    assert f"gap error {shown(figure['value'])} mm, chance {shown(figure['chance'])} mm" in banner.inner_text()
    box = banner.bounding_box()
    assert box is not None and box["height"] < 50 and box["y"] + box["height"] < 110
    visitor.page.click("[data-do=explain]")
    assert verdict["sentence"] in banner.inner_text()
    told = visitor.page.locator(".verdict .next").inner_text()
    assert "orienteer pretrain STORE run --resume" in told and "observe" not in told
    visitor.page.click("[data-do=explain]")
    visitor.quiet()


def test_browser__numbers_are_those_of_the_api(visitor: Visitor, site: Site) -> None:
    seen = asked(visitor, site)
    same_numbers(visitor, seen)
    predicted, true, scale = seen.gap("pred"), seen.gap("true"), seen.gap("scale")
    assert predicted is not None and true is not None and scale is not None
    for axis in range(3):
        assert visitor.value(f"predicted-{axis}") == shown(predicted[0, 1, axis])
        assert visitor.value(f"doubt-{axis}") == f"± {shown(scale[0, 1, axis] * np.log(10))}"
    # The sentence speaks of the arrow that is drawn, not of the step that the route task predicts.
    angle, steps = shown(angles_deg(predicted[0, 1][None], true[0, 1][None])[0]), seen.direction_error_deg()
    assert visitor.value("error_deg") == f"{angle}°"
    assert steps is not None and shown(steps[0, 1]) != angle
    rows = seen.observations["adjacency"].rows
    pair = int(np.flatnonzero((rows["view_i"] == 0) & (rows["view_j"] == 1))[0])
    assert visitor.value("adjacent-0-1") == shown(rows["adjacent_similarity"][pair], 2)
    assert visitor.value("distant-0-1") == shown(rows["distant_similarity"][pair], 2)
    closure = seen.observations["route"].measures["route_closure_mm"].value
    assert visitor.value("route_closure_mm") == f"{shown(closure)} mm"
    position = seen.observations["position"].measures["position_error_mm"].value
    assert visitor.value("position_error_mm") == f"{shown(position)} mm"
    visitor.quiet()


def test_browser__a_click_places_a_view_and_a_drag_moves_it(visitor: Visitor, site: Site) -> None:
    page = visitor.page
    before = visitor.centres()
    visitor.click_in("axial", 0.7, 0.8)
    visitor.settle()
    placed = visitor.centres()
    assert placed[:3] == before and len(placed) == 4
    assert page.locator("[data-plane=axial] [data-view]").count() == 4
    same_numbers(visitor, asked(visitor, site))
    handle = page.locator("[data-plane=coronal] [data-view='3'] circle").bounding_box()
    assert handle is not None
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(handle["x"] - 20, handle["y"] + 25, steps=4)
    page.mouse.up()
    visitor.settle()
    moved = visitor.centres()
    assert moved[:3] == before and moved[3][1] == placed[3][1] and moved[3] != placed[3]
    same_numbers(visitor, asked(visitor, site))
    page.locator("button[aria-label='Remove view 4']").click()
    visitor.settle()
    assert visitor.centres() == before
    visitor.quiet()


def test_browser__the_keyboard_moves_a_view_by_whole_voxels(visitor: Visitor, site: Site) -> None:
    page = visitor.page
    before = visitor.centres()
    page.locator("body").click(position={"x": 4, "y": 4})
    page.keyboard.press("2")
    way = 1 if before[1][0] < 80 else -1
    # As on a light box: the patient's right lies at the left.
    page.keyboard.press("ArrowLeft" if way > 0 else "ArrowRight")
    up = 10 if before[1][2] < 80 else -10
    page.keyboard.press("Shift+PageUp" if up > 0 else "Shift+PageDown")
    visitor.settle()
    after = visitor.centres()
    assert after[1][0] == before[1][0] + way * 3.0
    assert 0 < (after[1][2] - before[1][2]) / up <= 3.0
    assert [after[0], after[2]] == [before[0], before[2]]
    same_numbers(visitor, asked(visitor, site))
    visitor.quiet()


def test_browser__a_cell_shows_its_pair_everywhere(visitor: Visitor) -> None:
    page = visitor.page
    visitor.cell("error", 2, 0).click()
    assert page.locator("[data-pair='2-0']").is_visible()
    for plane in ("axial", "coronal", "sagittal"):
        assert page.locator(f"[data-plane={plane}] [data-arrow='2-0']").count() == 1
        assert page.locator(f"[data-plane={plane}] [data-doubt]").count() == 1  # the others are faint
        assert page.locator(f"[data-plane={plane}] [data-chunk]").count() == 4
    assert page.locator("[data-table] button.picked").count() == 3
    visitor.quiet()


def test_browser__the_3d_picture_is_drawn_with_its_boxes(visitor: Visitor) -> None:
    page = visitor.page
    page.wait_for_selector("[data-plane='3d'][data-drawn=yes]", timeout=60_000)
    shot = page.locator("[data-plane='3d'] .picture").screenshot()
    page.locator("[data-plane='3d'] .picture").focus()
    before = page.locator("[data-plane='3d'] [data-view='0'] path").get_attribute("d")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(600)
    assert page.locator("[data-plane='3d'] [data-view='0'] path").get_attribute("d") != before
    assert page.locator("[data-plane='3d'] .picture").screenshot() != shot
    assert overlaps(page) == []  # letters of the sides and numbers of the views go around each other
    assert len(shot) > 15_000  # a black square is a tenth of that
    visitor.quiet()


def drawn_and_received(visitor: Visitor, seen: Look, view: int) -> tuple[np.ndarray, np.ndarray]:
    """Grey levels in the box of a view: as the axial plane draws them, and as the network received them."""
    plane = visitor.page.locator("[data-plane=axial]")
    width, height, *pixels = plane.locator("canvas").first.evaluate(
        "c => [c.width, c.height, ...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    )
    # As on a light box: upright, the patient's right at the left.
    picture = np.array(pixels).reshape(height, width, 4)[::-1, ::-1, 0].T
    size = seen.images.shape[-1]
    right, front, up = np.rint(seen.centres_mm[view] / seen.recipe.spacing - (size - 1) / 2).astype(int)
    depth = int(plane.locator("input[type=range]").input_value()) - up
    levels = np.rint(np.clip((seen.images[view, 0, :, :, depth] + 1) / 2, 0, 1) * 255)
    return picture[right : right + size, front : front + size], levels


def test_browser__spoiled_views_are_answered_beside_the_intact_ones(visitor: Visitor, site: Site) -> None:
    page = visitor.page
    intact = asked(visitor, site).observations["gap"].measures["gap_error_mm"].value
    page.locator("[data-probe=shuffled]").click()
    visitor.settle()
    spoiled = asked(visitor, site, probe="shuffled")
    same_numbers(visitor, spoiled)
    assert visitor.value("intact") == f"{shown(intact)} mm"
    assert visitor.value("spoiled") == f"{shown(spoiled.observations['gap'].measures['gap_error_mm'].value)} mm"
    page.locator("[aria-label='Honesty probes'] select").select_option("1")
    visitor.settle()
    spoiled = asked(visitor, site, probe="shuffled", probe_view=1)
    same_numbers(visitor, spoiled)
    page.get_by_role("button", name="View 2", exact=True).click()
    np.testing.assert_array_equal(*drawn_and_received(visitor, spoiled, view=1))
    page.locator("[data-do=mend]").click()
    visitor.settle()
    visitor.quiet()


def test_browser__a_route_is_walked_step_by_step(visitor: Visitor, site: Site) -> None:
    page = visitor.page
    seen = asked(visitor, site).observations["route"]
    tour = int(np.flatnonzero(seen.rows["kind"] == "tour")[0])
    page.locator("[data-kind=paths] select").select_option(str(tour))
    assert page.locator("[data-plane=axial] [data-leg]").get_attribute("data-leg") == "3"
    missed = [seen.rows[f"pred_{axis}"][tour] - seen.rows[f"true_{axis}"][tour] for axis in "ras"]
    assert visitor.value("route-error") == f"{shown(np.linalg.norm(missed))} mm"
    page.get_by_role("button", name="Play", exact=True).click()
    for leg in ("0", "1", "2", "3"):
        page.wait_for_selector(f"[data-plane=axial] [data-leg='{leg}']", state="attached", timeout=5000)
    page.get_by_role("button", name="Hide").click()
    assert page.locator("[data-leg]").count() == 0
    visitor.quiet()


OTHER = "[aria-label='Where it lies in the other scan']"


def in_space(place: np.ndarray) -> str:
    return ", ".join(f"{axis}\u00a0{shown(value)}" for axis, value in zip("RAS", place, strict=True)) + "\u00a0mm"


def test_browser__where_am_i_finds_the_voxel_that_was_clicked(visitor: Visitor, site: Site) -> None:
    page, store = visitor.page, Store.open(site.store)
    page.click("[data-tab=where]")
    page.wait_for_selector(f"{OTHER} progress", timeout=60_000)
    page.wait_for_selector("[data-found]", timeout=60_000)
    for across, down in ((0.4, 0.6), (0.55, 0.5)):
        visitor.click_in("axial", across, down)
        state = visitor.state()
        point = np.array([float(value) for value in state["point"].split(",")])
        entry, other = store.entry(state["scan"]), store.entry(state["target"])
        index = point / entry.spacing
        np.testing.assert_array_equal(index, np.rint(index))
        world = apply_affine(np.array(entry.affine), index)
        (seen,) = Run.open(site.run).locate(entry.id, other.id, store, at=[world.tolist()])
        page.wait_for_function(
            "text => document.querySelector('[data-value=point]')?.textContent === text", arg=in_space(world)
        )
        assert page.locator(f"{OTHER} progress").count() == 0, "the pair is known"
        assert visitor.value("cycle") == f"{shown(seen.cycle_mm)} mm"
        if seen.world_mm is None:
            assert page.locator("[data-found=no]").count() == 1 and seen.why[1:] in visitor.value("why")
            continue
        assert visitor.value("found") == in_space(seen.world_mm)
        assert visitor.value("ring") == f"{shown(seen.ring_mm)} mm"
        assert _rings(page) == [seen.ring_mm] * 3
    assert entry.person != other.person
    assert overlaps(page) == []
    visitor.quiet()
    page.click("[data-tab=explore]")


def test_browser__a_slice_beside_the_answer_cuts_a_smaller_ring(chromium: Browser, site: Site) -> None:
    def found(route: Route) -> None:
        there = {"found_mm": [60.0] * 3, "found_world_mm": [60.0] * 3, "ring_mm": 12.0, "cycle_mm": 2.0, "why": ""}
        route.fulfill(json=route.fetch().json() | there)

    visitor = Visitor(chromium, site.link, state="s=where", prepare=lambda page: page.route("**/api/where", found))
    page = visitor.page
    page.wait_for_selector("[data-found=yes]", timeout=60_000)
    whole = _rings(page)
    assert whole == [12.0] * 3
    slider = page.locator(f"{OTHER} [aria-label='axial slice']")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("[data-do=return]")
    beside = _rings(page)
    assert beside[0] == pytest.approx(np.sqrt(whole[0] ** 2 - 9.0)) and beside[1:] == whole[1:]
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    assert len(_rings(page)) == 2, "the axial slice is beyond the ring"
    page.click("[data-do=return]")
    assert _rings(page) == whole and page.locator("[data-do=return]").count() == 0
    visitor.leave()


def test_browser__what_is_not_in_the_scan_is_said_with_its_reason(chromium: Browser, site: Site) -> None:
    def absent(route: Route) -> None:
        told = route.fetch().json()
        gone = dict.fromkeys(("found_mm", "found_world_mm", "ring_mm")) | {"cycle_mm": 14.25, "why": LOST}
        route.fulfill(json=told | gone)

    visitor = Visitor(chromium, site.link, state="s=where", prepare=lambda page: page.route("**/api/where", absent))
    page = visitor.page
    page.wait_for_selector("[data-found=no]", timeout=60_000)
    assert visitor.value("absent") == "Not in this scan"
    assert visitor.value("why") == "It comes back elsewhere." and visitor.value("cycle") == "14.3 mm"
    assert _rings(page) == []
    visitor.leave()


def _rings(page: Page) -> list[float]:
    rings = page.locator(f"{OTHER} [data-ring]")
    return [float(str(ring.get_attribute("data-ring"))) for ring in rings.all()]


def test_browser__time_is_turned_back_and_two_runs_stand_side_by_side(visitor: Visitor, site: Site) -> None:
    page = visitor.page
    page.click("[data-tab=learn]")
    arms = page.locator(".arm")
    assert arms.count() == 2
    steps, others = (run["steps"] for run in visitor.ask("api/session")["runs"])
    slider = page.locator("[aria-label='Step of training']")
    for key, step in (("Home", 0), ("End", steps[-1])):
        slider.focus()
        page.keyboard.press(key)
        assert visitor.value("step") == f"step {step}"
        page.wait_for_selector(".arm[data-run=a][aria-busy=false]")
        visitor.settle()
        gap = asked(visitor, site, step=step).observations["gap"].measures["gap_error_mm"].value
        assert arms.nth(0).locator("[data-value=gap_error_mm]").inner_text() == f"{shown(gap)} mm"
    page.wait_for_selector(".arm[data-run=b][aria-busy=false]")
    beside = site.run.parent / "other"
    gap = look(beside, site.store, visitor.state()["scan"], visitor.centres(), step=others[-1]).observations["gap"]
    assert arms.nth(1).locator("[data-value=gap_error_mm]").inner_text() == (
        f"{shown(gap.measures['gap_error_mm'].value)} mm"
    )
    assert page.locator(".arm .curve").count() == 2
    visitor.quiet()
    page.click("[data-tab=explore]")


def test_browser__a_bad_case_is_one_click_from_its_scan(visitor: Visitor, site: Site) -> None:
    page = visitor.page
    page.click("[data-tab=judge]")
    page.wait_for_selector("[data-worst='0']")
    judged = visitor.ask("api/judge/a")
    for probe in judged["probes"]:
        assert visitor.value(f"probe-{probe['name']}") == f"{shown(probe['value'])} mm"
    page.locator("[data-try=constant]").click()
    visitor.settle()
    assert visitor.state()["probe"] == "constant"
    same_numbers(visitor, asked(visitor, site, probe="constant"))
    page.click("[data-tab=judge]")
    page.locator("[data-worst='0']").click()
    visitor.settle()
    worst = judged["worst"][0]
    assert visitor.state()["scan"] == worst["scan"] and visitor.centres() == worst["centres_mm"]
    assert visitor.cell("error", worst["view_i"], worst["view_j"]).inner_text() == shown(worst["error_mm"])
    assert page.locator(f"[data-pair='{worst['view_i']}-{worst['view_j']}']").is_visible()
    visitor.quiet()
