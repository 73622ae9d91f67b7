"""Final figures on the terminal: the key figures of whatever tasks an evaluation holds, and the verdict."""

import io
import sys
from typing import TextIO

import pytest
from rich.console import Console

from orienteer.cli.figures import print_figures
from orienteer.records.card import TaskCard
from orienteer.records.evaluation import EvaluationRecord, ShiftCard, ShiftResult, TaskResult, Value
from orienteer.records.metric import Metric
from orienteer.records.verdict import Verdict, VerdictRule


def printed(*tasks: TaskResult, to: TextIO | None = None) -> list[list[str]]:
    record = EvaluationRecord(
        name="val", split="val", seen="none", step=5, samples=3, scans=3, subjects=3, tasks=tasks,
        verdict=Verdict(label="learning", sentence="It learns [/bold].", evidence=("one",), rule=VerdictRule()),
    )  # fmt: skip
    console = Console(width=120, record=True, quiet=False, file=to or io.StringIO())
    print_figures(console, record)
    text = console.export_text()
    assert "✓ LEARNING  It learns [/bold]." in text
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]


def result(*metrics: Metric, **values: Value) -> TaskResult:
    card = TaskCard(
        name="mine", title="Mine", question="Does it?", intro="It is asked.", source="", spatial=False, metrics=metrics,
        evidence=(),
    )  # fmt: skip
    return TaskResult(card=card, measures=values)


def test_figures__have_title_value_chance_and_interval() -> None:
    error = Metric(name="error_mm", title="Error [mm]", unit="mm", shown="card")
    detail = Metric(name="other_mm", title="Other", unit="mm")
    share = Metric(name="share", title="Share right", unit="fraction", better="higher", shown="card")
    rows = printed(
        result(error, detail, error_mm=Value(value=5.12, unit="mm", chance=70, interval=(4.9, 5.4)),
               other_mm=Value(value=1, unit="mm")),
        result(share, share=Value(value=0.114, unit="fraction", better="higher")),
    )  # fmt: skip
    assert rows == [["error [mm]", "5.1 mm", "70.0 mm", "4.9 to 5.4 mm"], ["share right", "11.4 %", "–", "–"]]


def test_figures__a_task_at_chance_is_named_below_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    error = Metric(name="error_mm", title="Error", unit="mm", shown="card")
    printed(result(error, error_mm=Value(value=71, unit="mm", chance=70)), to=sys.stdout)
    assert (
        "\n    Not shown to be better than chance: Mine (error 71.0 mm, chance 70.0 mm).\n" in capsys.readouterr().out
    )


def test_figures__what_could_not_be_measured_is_a_dash() -> None:
    error = Metric(name="error_mm", title="Error", unit="mm", shown="card")
    assert printed(result(error, error_mm=Value(value=None, unit="mm"))) == [["error", "–", "–", "–"]]


def test_figures__shifts_stand_in_a_table_of_their_own() -> None:
    error = Metric(name="error_mm", title="Error", unit="mm", shown="card")
    record = EvaluationRecord(
        name="val", split="val", seen="none", step=5, samples=3, scans=3, subjects=3,
        tasks=(result(error, error_mm=Value(value=5, unit="mm", chance=70)),),
        shifts=(
            ShiftResult(
                card=ShiftCard(name="x", group="contrast", title="contrast [inverted]", meaning=""), samples=3, scans=3,
                measured=Value(value=26.91, unit="mm", chance=67), as_is=Value(value=5.72, unit="mm", chance=67),
            ),
        ),
        verdict=Verdict(
            label="learning", sentence="It learns.", evidence=(), rule=VerdictRule(), task="mine", metric="error_mm"
        ),
    )  # fmt: skip
    console = Console(width=80, record=True, file=io.StringIO())
    print_figures(console, record)
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in console.export_text().splitlines()]
    assert ["contrast [inverted]", "26.9 mm", "5.7 mm", "67.0 mm", "lost"] in rows
