"""Final figures on the terminal: known ones by name, those of any other task by its first measure."""

from pathlib import Path

from rich.console import Console

from orienteer.cli.figures import print_figures
from orienteer.evaluation.assess import Evaluation
from orienteer.records import Measure
from orienteer.records.verdict import Verdict


def printed(figures: dict[str, float | None], headlines: tuple[tuple[str, Measure], ...]) -> list[list[str]]:
    evaluation = Evaluation(
        name="val", split="val", step=5, figures={"gap_chance_mm": 70.0, **figures}, probes={},
        verdict=Verdict("learning", "It learns.", ("one",)), folder=Path("x"), headlines=headlines,
    )  # fmt: skip
    console = Console(width=120, record=True, quiet=False, file=Path("/dev/null").open("w"))  # noqa: SIM115
    print_figures(console, evaluation)
    console.file.close()
    text = console.export_text()
    assert "✓ LEARNING  It learns." in text
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if "│" in line]


def test_figures__of_our_tasks_stand_once_with_unit_and_chance() -> None:
    headlines = (("gap_error_mm", Measure(5.12, "mm", 70.0)), ("position_error_mm", Measure(4.0, "mm", 50.0)))
    rows = printed({"gap_error_mm": 5.12, "position_error_mm": 4.0, "route_closure_mm": None}, headlines)
    assert rows == [["gap error", "5.1 mm", "70.0 mm"], ["position error", "4.0 mm", "50.0 mm"]]


def test_figures__of_other_tasks_show_their_first_measure() -> None:
    rows = printed({"gap_error_mm": None}, (("masked_error", Measure(0.114, "fraction", 0.195)),))
    assert rows == [["masked error", "0.114", "0.195"]]
