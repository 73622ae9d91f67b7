"""No string of any record becomes an element: every one is poisoned in turn, and the parsed page stays the same.

Single places, and what a browser makes of them, are tested in tests/report and tests/comparison.
"""

import json
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from orienteer.comparison.page import render as render_comparison
from orienteer.comparison.records import read_records
from orienteer.comparison.statistics import analyse
from orienteer.comparison.summary import summary_of
from orienteer.report.page import render as render_report
from orienteer.report.read import read_run
from tests.comparison.results_folder import make_results
from tests.report.hand_made import TASKS
from tests.report.run_folder import make_run

HOSTILE = "--></script></style></textarea><script>alert(1)</script><img src=x onerror=alert(2)><svg onload=a>'\"{{7*7}}"
FOREIGN = {"img", "iframe", "object", "embed", "base", "form", "template"}


class Elements(HTMLParser):
    """What a parser makes of a page: its scripts, and whatever could act on its own."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.acting: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            if name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.acting.append(f"<{tag} {name}={value}>")


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every string of a document."""
    if isinstance(value, str):
        yield here
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*here, key))


def poisoned(document: Any, chosen: list[tuple[Any, ...]]) -> Any:
    """A copy in which the strings at these places are hostile too."""
    copy = json.loads(json.dumps(document))
    for place in chosen:
        part = copy
        for step in place[:-1]:
            part = part[step]
        part[place[-1]] += HOSTILE
    return copy


def harmless(page: str, honest: Elements) -> None:
    found = Elements(page)
    assert found.tags["script"] == honest.tags["script"] and found.tags["style"] == honest.tags["style"]
    assert not (set(found.tags) & FOREIGN) - set(honest.tags)
    assert found.acting == []
    assert "{{7*7}}" in page or "alert(1)" not in page  # shown as it is, never evaluated


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("pages") / "run", tasks=tuple(TASKS), splits=("val",), examples=1)


FIXED = {"kind", "leaves", "better", "shown", "label", "seen", "v", "stands_in_for", "per_row", "judged_by", "metric"}
"""Keys whose values are checked when a record is read, so that a page is never made of another."""
NAMES = {"name", "true", "pred", "scale", "model"}
"""Keys that lead to a table and its columns: with another value, nothing of the table is drawn."""


def test_report__no_string_of_its_files_becomes_an_element(run: Path) -> None:
    honest = Elements(render_report(read_run(run)))
    shown = 0
    files = [run / "run.json", run / "summary.json", run / "evaluations" / "val" / "evaluation.json"]
    files += sorted((run / "evaluations" / "val" / "examples").glob("*.json"))
    for file in files:
        whole = file.read_text()
        document = json.loads(whole)
        free = [place for place in places(document) if place[-1] not in FIXED]
        # Everything at once; then what a record is still read with; then what its rows are still drawn with.
        for chosen in (list(places(document)), free, [place for place in free if place[-1] not in NAMES]):
            file.write_text(json.dumps(poisoned(document, chosen)))
            page = render_report(read_run(run))
            harmless(page, honest)
            shown += page.count("alert(1)")
        file.write_text(whole)
    (run / "settings.yaml").write_text(f"note: {HOSTILE}")
    (run / "observations.jsonl").write_text(
        (run / "observations.jsonl").read_text().replace('"mm"', json.dumps("mm" + HOSTILE))
    )
    page = render_report(read_run(run))
    harmless(page, honest)
    assert shown + page.count("alert(1)") >= 60


def test_comparison__no_string_of_its_records_becomes_an_element(tmp_path: Path) -> None:
    folder = make_results(tmp_path / "results", people=3, seeds=2, labels=(1, 3), modes=("finetuned",))
    file = folder / "benchmark.json"
    document = json.loads(file.read_text())

    def page() -> str:
        records = read_records(folder)
        analysis = analyse(records)
        return render_comparison(analysis, records.benchmark, summary_of(analysis, records.benchmark))

    honest = Elements(page())
    named = {"name", "role", "kind", "metric", "better", "mode", "stage", "schema_version", "v"}
    free = [place for place in places(document) if place[-1] not in named]
    file.write_text(json.dumps(poisoned(document, free)))
    hostile = page()
    harmless(hostile, honest)
    assert len(free) > 10 and "alert(1)" in hostile
