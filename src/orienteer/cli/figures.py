"""Final figures as a terminal table: value, chance, and the verdict in a sentence."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from orienteer.evaluation.assess import Evaluation

COLOURS = {"learning": "green", "stuck": "yellow", "cheating": "red"}
SIGNS = {"learning": "✓", "stuck": "…", "cheating": "✗"}
ROWS = (
    ("gap_error_mm", "gap error", "mm"),
    ("direction_error_deg", "direction error", "°"),
    ("route_arrival_mm", "routes arrive within", "mm"),
    ("route_closure_mm", "tours close within", "mm"),
    ("adjacency_accuracy", "adjacent ranked above distant", ""),
    ("position_error_mm", "position error", "mm"),
)


def print_figures(console: Console, evaluation: "Evaluation") -> None:
    """Print what an evaluation found."""
    table = Table(title=f"{evaluation.split} people, step {evaluation.step}", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("chance", justify="right")
    chance = {name: measure.chance for name, measure in evaluation.headlines}
    for key, words, unit in ROWS:
        value = evaluation.figures.get(key)
        if value is not None:
            table.add_row(words, _number(value, unit), _number(chance.get(key), unit))
    known = {key for key, _, _ in ROWS}
    for name, measure in evaluation.headlines:  # of tasks without a figure of their own name: baselines, yours
        if name not in known:
            table.add_row(name.replace("_", " "), _number(measure.value, ""), _number(measure.chance, ""))
    console.print(table)
    label = evaluation.verdict.label
    console.print(
        f"[bold {COLOURS[label]}]{SIGNS[label]} {label.upper()}[/]  {evaluation.verdict.sentence}", highlight=False
    )
    for line in evaluation.verdict.evidence:
        console.print(f"    {line}", style="dim", highlight=False)


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    return f"{value:.1f} {unit}" if unit else f"{value:.3f}"
