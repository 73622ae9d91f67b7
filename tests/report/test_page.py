"""The page: what it says, what it leaves out, and that nothing in it can break out or call home."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from plotly import graph_objects
from typer.testing import CliRunner

from orienteer.cli import app, commands
from orienteer.errors import OrienteerError, RunError
from orienteer.records.metric import Measure
from orienteer.report import report
from orienteer.report.page import contents, render
from orienteer.report.read import RunRecords, read_run

from .example_files import write_json
from .hand_made import DIRECTION, GAP, MASKED, OVERLAP, POSITION, TASKS, HandMade, card
from .run_folder import edited, make_run

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\"&{{7*7}}{}"


class _Page(HTMLParser):
    """The page's tags with their attributes, and its visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if self.inside not in ("script", "style"):
            self.text += data

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def _page(run: Path) -> _Page:
    return _Page(render(read_run(run)))


@pytest.fixture(scope="module")
def whole(records: RunRecords) -> _Page:
    return _Page(render(records))


def test_page__has_every_section_in_order(whole: _Page) -> None:
    anchors = [attributes.get("id") for tag, attributes in whole.tags if tag == "section"]
    assert anchors == [
        "verdict", "glance", "figures", "next", "evaluations", "training", "examples", "task-gap", "task-gap-1",
        "probes", "task-adjacency", "task-route", "task-position", "machine", "settings", "words",
    ]  # fmt: skip
    assert "Left out" not in whole.text


def test_page__holds_people_of_one_store_against_each_other_only(tmp_path: Path, whole: _Page) -> None:
    assert "8 scans, 64 samples, none of them trained on" in whole.text and "A large drop from" in whole.text
    run = make_run(tmp_path / "run")
    edited(run / "evaluations" / "test" / "evaluation.json", seen="unknown")
    text = _page(run).text
    assert "A large drop from" not in text and "8 subjects of “test”" in text
    (run / "evaluations" / "val" / "evaluation.json").unlink()
    assert "of another store: whether it has seen them is not known" in _page(run).text


def test_page__states_the_rule_that_gave_the_verdict(tmp_path: Path, whole: _Page) -> None:
    assert "The skill is below 25 %." in whole.text
    run = make_run(tmp_path / "run", splits=("val",))
    path = run / "evaluations" / "val" / "evaluation.json"
    verdict = json.loads(path.read_text(encoding="utf-8"))["verdict"]
    edited(path, verdict=verdict | {"rule": verdict["rule"] | {"stuck_below": 0.4}})
    assert "The skill is below 40 %." in _page(run).text


def _like(name: str, of: HandMade) -> HandMade:
    """A task of another name with the rows and metrics of one."""
    return HandMade(of.card.model_copy(update={"name": name}), of.rows, of.measure)


@pytest.mark.parametrize(
    "task",
    [_like("rpr", GAP), OVERLAP, DIRECTION, _like("my_own_task", POSITION)],
    ids=lambda task: task.card.name,
)
def test_page__of_any_spatial_task_shows_the_probes_its_verdict_rests_on(tmp_path: Path, task: HandMade) -> None:
    page = _page(make_run(tmp_path / "run", tasks=(task,), splits=("val",), verdict="cheating", examples=1))
    assert "It is cheating." in page.text and "no place to cheat" not in page.text
    places = [str(attributes.get("data-figure")) for _, attributes in page.tags]
    assert "probes" in places and "border painted over" in page.text
    assert any(place.startswith(f"{task.card.name}-0-") for place in places), "its rows are not drawn"
    assert task.card.question in page.text and task.card.title in page.text


def test_page__of_a_run_without_a_spatial_task_has_no_probes_and_says_so(tmp_path: Path) -> None:
    page = _page(make_run(tmp_path / "run", tasks=(MASKED,), splits=("val",)))
    assert "no place to cheat about" in page.text and "It is learning." in page.text
    folded = [
        attributes["id"] for tag, attributes in page.tags if tag == "section" and attributes.get("class") == "empty"
    ]
    linked = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert folded == ["probes"] and "#probes" not in linked and "#task-masked" in linked
    places = [str(attributes.get("data-figure")) for _, attributes in page.tags]
    assert "probes" not in places and "masked-0-spread" in places
    assert 'id="examples"' not in str(page.tags)


def test_page__a_cheat_without_recorded_probes_is_not_talked_away(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", tasks=(MASKED,), splits=("val",))
    path = run / "evaluations" / "val" / "evaluation.json"
    edited(path, verdict=json.loads(path.read_text(encoding="utf-8"))["verdict"] | {"label": "cheating"})
    text = _page(run).text
    assert "It is cheating." in text and "no place to cheat" not in text


def test_page__draws_every_task_s_rows_each_under_its_own_question(tmp_path: Path) -> None:
    page = _page(make_run(tmp_path / "run", tasks=tuple(TASKS), splits=("val",), examples=1))
    places = [str(attributes.get("data-figure")) for _, attributes in page.tags]
    for name, task in TASKS.items():
        assert any(place.startswith(f"{name}-0-") for place in places)
        assert task.card.question in page.text and task.card.source in page.text


def test_page__rows_that_break_their_card_s_promise_cost_their_own_figures_only(tmp_path: Path) -> None:
    def odd(centres: Any, rng: Any, noise: float) -> list[Any]:
        return [dict(row) | {"pred_r": "far"} for row in GAP.rows(centres, rng, noise)]

    measures = {"gap_error_mm": Measure(5.0, "mm", 60.0)}
    broken = HandMade(_like("broken", GAP).card, odd, lambda _: measures)
    page = _page(make_run(tmp_path / "run", tasks=("route", broken), splits=("val",)))
    assert "Left out: the rows do not hold what the task's card says of them" in page.text
    places = [str(attributes.get("data-figure")) for _, attributes in page.tags]
    assert "route-0-legs" in places and not any(place.startswith("broken") for place in places)


def test_page__of_a_task_without_rows_to_show_has_its_figures(tmp_path: Path) -> None:
    plain = HandMade(card("plain", GAP.card.metrics[0]), GAP.rows, GAP.measure)
    page = _page(make_run(tmp_path / "run", tasks=(plain,), splits=("val",), examples=1))
    assert "Does it know plain?" in page.text and "Left out" not in page.text


def test_page__every_figure_has_one_place_and_a_sentence(records: RunRecords, whole: _Page) -> None:
    places = [attributes["data-figure"] for _, attributes in whole.tags if "data-figure" in attributes]
    assert sorted(places) == sorted(contents(records)["figures"]) and len(set(places)) == len(places)
    for section in contents(records)["sections"]:
        assert all(len(figure.look) > 30 and figure.look.endswith(".") for figure in [*section.figures, *section.more])


def test_page__figures_are_valid_plotly(records: RunRecords) -> None:
    shown = contents(records)

    def coloured(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: coloured(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [coloured(item) for item in value]
        return "#123456" if isinstance(value, str) and re.fullmatch(r"@[a-z-]+", value) else value

    scenes = [
        {"data": scene["base"] + choice["traces"], "layout": scene["layout"]}
        for scene in shown["scenes"]
        for choice in scene["choices"][:1]
    ]
    for figure in [*shown["figures"].values(), *scenes]:
        graph_objects.Figure(coloured(figure))  # raises on a property plotly does not know


def test_page__every_colour_token_is_in_the_style_sheet(records: RunRecords) -> None:
    import orienteer.report

    style = (Path(orienteer.report.__file__).parent / "templates" / "style.css").read_text(encoding="utf-8")
    shown = contents(records)
    used = set(re.findall(r'"@([a-z-]+)"', json.dumps([shown["figures"], shown["scenes"]])))
    light, dark = style.split("@media", 2)[:2]
    assert {"model", "truth", "chance", "ink"} <= used
    assert all(f"--{name}:" in light for name in used)
    assert all(f"--{name}:" in dark for name in used if not name.startswith("film"))  # films are dark in both


def test_page__forbids_the_network(whole: _Page) -> None:
    policies = [a["content"] for tag, a in whole.tags if tag == "meta" and a.get("http-equiv")]
    assert policies and "default-src 'none'" in str(policies[0]) and "http" not in str(policies[0])
    for tag, attributes in whole.tags:
        for name in ("src", "href", "data", "action", "srcset", "poster"):
            value = attributes.get(name) or "data:"
            assert value.startswith(("data:", "#")), f"<{tag} {name}={value[:60]}>"


def test_page__hostile_scan_names_stay_text(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", splits=("val",), scan=HOSTILE)
    info = json.loads((run / "run.json").read_text(encoding="utf-8"))
    info["environment"]["processor"] = HOSTILE
    info["tasks"].append(HOSTILE)
    write_json(run / "run.json", info)
    (run / "settings.yaml").write_text(f"note: {HOSTILE}", encoding="utf-8")
    record = json.loads((run / "evaluations" / "val" / "evaluation.json").read_text(encoding="utf-8"))
    record["verdict"] |= {"sentence": HOSTILE, "evidence": [HOSTILE]}
    record["probes"][0]["card"] |= {"title": HOSTILE, "meaning": HOSTILE}
    record["tasks"][0]["card"] |= {"title": HOSTILE, "question": HOSTILE, "source": HOSTILE}
    write_json(run / "evaluations" / "val" / "evaluation.json", record)
    page = _page(run)
    assert page.count("script") == 3 and page.count("img") == 0
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert page.text.count("alert(1)") >= 5 and "{{7*7}}" in page.text


def test_page__data_survives_the_embedding(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", splits=("val",), scan=HOSTILE)
    text = render(read_run(run))
    embedded = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert embedded is not None
    value = json.loads(embedded.group(1))
    assert "&lt;/script&gt;" in value["figures"]["gap-0-distance"]["data"][1]["text"][0]
    assert "NaN" not in embedded.group(1)


def test_page__has_nothing_of_tasks_that_were_not_trained(tmp_path: Path) -> None:
    page = _page(make_run(tmp_path / "run", tasks=("gap",), splits=("val",)))
    assert "data-scene" not in str(page.tags) and "Left out" not in page.text
    assert not any(TASKS[name].card.title in page.text for name in ("adjacency", "route", "position"))


def test_page__without_evaluation_shows_the_curves_and_says_so(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", splits=())
    (run / "summary.json").unlink()
    page = _page(run)
    assert "Not judged yet." in page.text and "The evaluation has not run" in page.text
    assert "curve-gap-gap_error_mm" in str(page.tags)
    assert "could not be read" not in page.text


def test_page__of_a_run_killed_before_its_first_line(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", splits=())
    (run / "observations.jsonl").write_bytes(b"")
    assert "No training step has been logged yet" in _page(run).text


def test_page__lists_what_could_not_be_read(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", splits=("val",))
    (run / "evaluations" / "val" / "route.parquet").write_bytes(b"")
    page = _page(run)
    assert "evaluations/val/route.parquet" in page.text
    assert "Left out: this evaluation holds no rows of this task." in page.text


def test_page__says_plainly_that_people_are_simulated(tmp_path: Path, whole: _Page) -> None:
    assert "Simulated subjects." in _page(make_run(tmp_path / "run", splits=("val",), simulated=True)).text
    assert "Simulated subjects." not in whole.text


def test_page__calls_an_algebraic_closure_no_finding(tmp_path: Path, whole: _Page) -> None:
    assert "no finding" not in whole.text
    assert _page(make_run(tmp_path / "run", splits=("val",), closes=True)).text.count("no finding") >= 2


@pytest.mark.parametrize("label", ["learning", "stuck", "cheating"])
def test_page__tells_the_verdict_by_word_shape_and_colour(tmp_path: Path, label: str) -> None:
    page = _page(make_run(tmp_path / "run", tasks=("gap",), splits=("val",), verdict=label, examples=0))
    assert f"Verdict: {label}" in page.text
    section = next(a for tag, a in page.tags if tag == "section" and a.get("id") == "verdict")
    assert label in str(section["class"])
    shape = {"learning": "circle", "stuck": "rect", "cheating": "path"}[label]
    signs = [n for n, (tag, a) in enumerate(page.tags) if tag == "svg" and a.get("class") == "sign"]
    assert page.tags[signs[0] + 1][0] == shape


def test_page__shows_the_middle_example_first(records: RunRecords) -> None:
    closeups = contents(records)["closeups"]
    chosen = [closeup for closeup in closeups if closeup.chosen]
    assert len(closeups) == 5 and len(chosen) == 1
    errors = sorted(float(re.search(r"gap error ([\d.]+) mm", c.label).group(1)) for c in closeups)  # type: ignore[union-attr]
    assert f"gap error {errors[2]:.1f} mm, typical" in chosen[0].label


def test_report__writes_beside_the_run_and_replaces_its_own(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", tasks=("gap",), splits=("val",), examples=1)
    first = report(run)
    assert first == run / "report.html" and 4e6 < first.stat().st_size < 8e6
    assert report(run) == first
    assert [path.name for path in run.glob("*report*")] == ["report.html"]


def test_report__never_replaces_another_file_unasked(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", tasks=("gap",), splits=())
    other = tmp_path / "mine.html"
    other.write_text("mine", encoding="utf-8")
    with pytest.raises(RunError, match="exists"):
        report(run, other)
    assert other.read_text(encoding="utf-8") == "mine"
    assert report(run, other, overwrite=True) == other and other.stat().st_size > 4e6


def test_report__a_folder_as_target_is_an_error(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", tasks=("gap",), splits=())
    with pytest.raises(RunError, match="is a folder"):
        report(run, tmp_path)


def test_report__a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", tasks=("gap",), splits=())
    with pytest.raises(OrienteerError, match="cannot write"):
        report(run, run / "run.json" / "page.html")


def test_command__prints_where_the_report_is(tmp_path: Path) -> None:
    assert commands.report
    run = make_run(tmp_path / "run", tasks=("gap",), splits=("val",), examples=1)
    result = CliRunner().invoke(app, ["report", str(run)])
    assert result.exit_code == 0 and result.output.strip() == f"report: {run / 'report.html'}"
