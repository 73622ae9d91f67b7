"""The page in a real browser: it draws, it stays silent on the network and in the console, it runs no label."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from orienteer.comparison import compare
from orienteer.comparison.benchmark import write_benchmark
from orienteer.comparison.figures import curve_figure, forest_figure, item_figure, styles_of
from orienteer.comparison.page import contents, render
from orienteer.comparison.records import Records, read_records
from orienteer.comparison.statistics import SCRATCH, Analysis, analyse
from orienteer.comparison.summary import summary_of

from .conftest import Seen
from .results_folder import SEGMENTATION, document, make_results

HOSTILE = "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 1'>"


@pytest.fixture(scope="module")
def html(analysis: Analysis, records: Records) -> str:
    return render(analysis, records.benchmark, summary_of(analysis, records.benchmark))


def test_page__asks_for_nothing(html: str) -> None:
    outside = html.split('<script type="application/json"')[0]
    assert "http" not in outside.replace("http-equiv", "")
    assert re.findall(r"<(?:link|script|img)[^>]+(?:src|href)=\"(?!data:,)", html) == []
    assert "default-src 'none'" in outside


def test_page__an_arm_keeps_its_style_and_no_two_are_alike(records: Records) -> None:
    arms = [(f"arm-{n}", f"arm {n}", "baseline") for n in range(9)] + [("ours", "ours", "ours"), ("s", "s", "scratch")]
    write_to = type(records.benchmark).model_validate(document(arms))
    styles = styles_of(write_to)
    assert len({(style.colour, style.marker, style.dash) for style in styles.values()}) == len(arms)
    assert max(styles, key=lambda name: styles[name].width) == "ours"


def test_page__curves_hold_the_scores(analysis: Analysis, records: Records) -> None:
    task = records.benchmark.tasks[0]
    figure = curve_figure(analysis, records.benchmark, task, "finetuned")
    assert [trace["name"] for trace in figure.data] == [arm.label for arm in records.benchmark.arms]
    ours = figure.data[0]
    score = analysis.scores[next(key for key in analysis.scores if key[:4] == (task.name, "finetuned", 1, "ours"))]
    assert ours["y"][0] == pytest.approx(100 * score.mean, abs=1e-3)
    assert score.high is not None
    assert ours["error_y"]["array"][0] == pytest.approx(100 * (score.high - score.mean), abs=1e-3)
    assert figure.layout["xaxis"]["type"] == "log"


def test_page__forest_is_filled_only_where_told_apart(analysis: Analysis, records: Records) -> None:
    figure = forest_figure(analysis, records.benchmark, records.benchmark.tasks[0], "finetuned")
    assert figure is not None
    filled = [not trace["marker"]["symbol"].endswith("-open") for trace in figure.data]
    against = [c for c in analysis.comparisons if (c.task, c.mode) == ("oasis-segmentation", "finetuned")]
    assert filled == [c.significant for c in against if c.against == SCRATCH]
    assert 0 < sum(filled) < len(filled)


def test_page__heat_map_has_a_row_for_each_arm(analysis: Analysis, records: Records) -> None:
    segment, age = records.benchmark.tasks
    figure = item_figure(analysis, records.benchmark, segment, "frozen", 3)
    assert figure is not None
    assert len(figure.data[0]["z"]) == len(records.benchmark.arms)
    assert item_figure(analysis, records.benchmark, age, "frozen", 3) is None


def test_page__zero_labels_are_drawn_on_a_straight_axis(tmp_path: Path) -> None:
    records = read_records(make_results(tmp_path, tasks=(SEGMENTATION,), modes=("frozen",), labels=(0, 1)))
    analysis = analyse(records)
    assert (
        curve_figure(analysis, records.benchmark, records.benchmark.tasks[0], "frozen").layout["xaxis"]["type"]
        == "linear"
    )


def test_page__a_benchmark_without_scratch_has_no_forest(tmp_path: Path) -> None:
    only = (("ours", "ours", "ours"), ("masked", "masking", "baseline"))
    records = read_records(make_results(tmp_path, arms=only, tasks=(SEGMENTATION,), modes=("frozen",), labels=(1,)))
    analysis = analyse(records)
    shown: dict[str, Any] = contents(analysis, records.benchmark, summary_of(analysis, records.benchmark))
    assert not [name for name in shown["figures"] if name.startswith("forest")]


@pytest.fixture(scope="module")
def seen(html: str, tmp_path_factory: pytest.TempPathFactory, open_page: Callable[..., Seen]) -> Seen:
    """The page, drawn once: as on a phone in the dark, then wide with every fold open."""

    def ask(page: Page) -> dict[str, Any]:
        told = {
            "width": page.evaluate("document.documentElement.scrollWidth"),
            "background": page.evaluate("getComputedStyle(document.body).backgroundColor"),
        }
        page.set_viewport_size({"width": 1280, "height": 1000})
        for details in page.locator("details summary").all():
            details.click()
        page.wait_for_function(
            "() => document.querySelectorAll('[data-figure]:not(.js-plotly-plot), details:not([open])').length === 0"
        )
        return told | {
            "figures": page.locator("[data-figure]").count(),
            "drawn": page.locator("[data-figure].js-plotly-plot .main-svg").count(),
            "headline": page.locator("#summary h2").inner_text(),
            "tables": page.locator("table.grid").count(),
        }

    page = tmp_path_factory.mktemp("page") / "report.html"
    page.write_text(html, encoding="utf-8")
    return open_page(page, ask, width=400, dark=True)


@pytest.mark.browser
def test_page__draws_every_figure_without_errors_or_requests(seen: Seen) -> None:
    assert seen.errors == []
    assert [Path(url).name for url in seen.requests] == ["report.html"]
    assert seen.answer["figures"] == 2 * (2 + 4) + 2 * 2 + 4
    assert seen.answer["drawn"] >= seen.answer["figures"]
    assert "points of Dice above scratch" in seen.answer["headline"]
    assert seen.answer["tables"] > 15


@pytest.mark.browser
def test_page__fits_a_narrow_screen_and_the_dark(seen: Seen) -> None:
    assert seen.errors == []
    assert seen.answer["width"] <= 400
    assert seen.answer["background"] == "rgb(15, 20, 25)"


@pytest.mark.browser
def test_page__hostile_names_run_nothing(tmp_path: Path, open_page: Callable[..., Seen]) -> None:
    arms = (("ours", HOSTILE, "ours"), ("masked", HOSTILE, "baseline"), ("scratch", "scratch", "scratch"))
    task = SEGMENTATION | {"words": HOSTILE, "unit": HOSTILE}
    folder = make_results(tmp_path, arms=arms, tasks=(task,), modes=("finetuned",), labels=(1, 3))
    write_benchmark(
        folder,
        document(arms, (task,))
        | {"title": HOSTILE, "credit": HOSTILE, "commands": [HOSTILE], "configuration": {HOSTILE: HOSTILE}},
    )
    page = compare(folder).page

    def ask(page: Page) -> Any:
        page.wait_for_timeout(300)
        return page.evaluate("window.broken")

    seen = open_page(page, ask)
    assert seen.answer is None
    assert seen.errors == []
    assert seen.requests == [page.as_uri()]
