"""How far a model can be trusted elsewhere: bars beside the same views as they are, and scans of other stores."""

from pathlib import Path

from orienteer.records.evaluation import ShiftCard, ShiftResult, Value
from orienteer.report.evaluated import Evaluated
from orienteer.report.page import render
from orienteer.report.read import read_run
from orienteer.report.shifts import shift_figures

from .run_folder import make_run


def shift(name: str, value: float | None, interval: tuple[float, float] | None = None) -> ShiftResult:
    return ShiftResult(
        card=ShiftCard(name=name, group="contrast", title=f"seen {name}", meaning=f"as if {name} <b>"),
        measured=Value(value=value, unit="mm", chance=60.0, interval=interval),
        as_is=Value(value=5.0, unit="mm", chance=60.0),
        samples=48,
        scans=3,
    )


SHIFTS = (shift("dark", 5.5, (4.0, 7.5)), shift("tilted", 12.0), shift("upside down", 40.0, (30.0, 50.0)))


def shifted(lead: Evaluated, *shifts: ShiftResult, **more: object) -> Evaluated:
    return Evaluated(lead.record.model_copy(update={"shifts": shifts, **more}))


def test_shift_figures__say_in_words_how_each_is_borne(lead: Evaluated) -> None:
    (figure,) = shift_figures(shifted(lead, *SHIFTS), ())
    bars, diamonds = figure.data
    assert bars["x"] == [5.5, 12.0, 40.0] and diamonds["x"] == [5.0] * 3
    assert [label.split("<br>")[1] for label in bars["y"]] == [
        "<b>5.5 mm, holds</b>, n = 48", "<b>12.0 mm, weaker</b>, n = 48", "<b>40.0 mm, lost</b>, n = 48",
    ]  # fmt: skip
    assert len(set(bars["marker"]["color"])) == 3
    assert bars["error_x"]["array"] == [2.0, 0.0, 10.0] and bars["error_x"]["arrayminus"] == [1.5, 0.0, 10.0]
    assert figure.layout["xaxis"]["range"][1] >= 50.0, "the longest whisker is on the picture"


def test_shift_figures__scans_of_other_stores_stand_beside_them(lead: Evaluated) -> None:
    other = shifted(lead, name="ward-3", seen="unknown")
    (figure,) = shift_figures(shifted(lead, *SHIFTS), (lead, other))
    assert figure.data[0]["y"][-1].startswith("other scans: ward-3<br>") and len(figure.data[0]["y"]) == 4
    assert len(figure.data[1]["x"]) == 3, "nothing to hold them against"


def test_shift_figures__what_was_not_measured_is_left_out(lead: Evaluated) -> None:
    assert shift_figures(lead, (lead,)) == []
    (figure,) = shift_figures(shifted(lead, shift("dark", None), *SHIFTS[1:]), ())
    assert len(figure.data[0]["x"]) == 2


def test_page__shows_them_whichever_evaluation_asked(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    assert "How far can it be trusted elsewhere?" not in render(read_run(folder))
    run = read_run(folder)
    val = next(each for each in run.evaluations if each.record.name == "val")
    val.record.model_copy(update={"shifts": SHIFTS}).write(folder / "evaluations" / "val")
    page = render(read_run(folder))
    assert "How far can it be trusted elsewhere?" in page and "The same subjects (val: " in page
    assert "as if dark <b>" not in page


def test_withstood__follows_the_error_then_the_skill() -> None:
    assert [each.withstood for each in SHIFTS] == ["holds", "weaker", "lost"]
    assert shift("x", None).withstood == "unknown"
    ignorant = shift("x", 61.0).model_copy(update={"as_is": Value(value=65.0, unit="mm", chance=60.0)})
    assert ignorant.withstood == "unknown", "there is nothing to lose"
    assert shift("x", 6.25).withstood == "holds" and shift("x", 6.3).withstood == "weaker"
    assert shift("x", 15.9).withstood == "weaker" and shift("x", 16.1).withstood == "lost"
