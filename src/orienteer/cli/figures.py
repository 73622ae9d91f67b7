"""Final figures as a terminal table: value, chance and interval, and the verdict in a sentence."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orienteer.records.evaluation import EvaluationRecord, Value
from orienteer.units import DASH, in_sentence, shown, shown_interval

COLOURS = {"learning": "green", "stuck": "yellow", "cheating": "red"}
HELD = {"holds": "green", "weaker": "yellow", "lost": "red"}
SIGNS = {"learning": "✓", "stuck": "…", "cheating": "✗"}


def print_figures(console: Console, record: EvaluationRecord) -> None:
    """Print the key figures of every task and the verdict of an evaluation."""
    table = Table(title=f"{escape(record.split)} subjects, step {record.step}", title_justify="left")
    for column in ("figure", "value", "chance", "95 % interval"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for task in record.tasks:
        for metric, value in task.key_figures:
            chance = DASH if value.chance is None else shown(value.chance, value.unit)
            table.add_row(escape(in_sentence(metric.title)), shown(value.value, value.unit), chance, _interval(value))
    console.print(table)
    verdict = record.verdict
    colour = "yellow" if record.at_chance else COLOURS[verdict.label]
    sign = f"[bold {colour}]{SIGNS[verdict.label]} {verdict.label.upper()}[/]"
    console.print(f"{sign}  {escape(verdict.sentence)}", highlight=False)
    if record.at_chance:
        console.print(f"    {escape(record.at_chance)}", highlight=False)
    if record.leak:
        console.print(f"    {escape(record.leak)}", style="yellow", highlight=False)
    for line in verdict.evidence:
        console.print(f"    {escape(line)}", style="dim", highlight=False)
    if record.shifts:
        _print_shifts(console, record)


def _print_shifts(console: Console, record: EvaluationRecord) -> None:
    """The judged figure where the same subjects look as elsewhere, beside the same views as they are."""
    metric = record.judged[1].title if record.judged else "figure"
    table = Table(title="\nThe same subjects as they might look elsewhere", title_justify="left")
    table.add_column("shift")
    for column in (in_sentence(metric), "the same as is", "chance", ""):
        table.add_column(escape(column), justify="right" if column else "left")
    for shift in record.shifts:
        values = shift.measured, shift.as_is
        chance = DASH if shift.measured.chance is None else shown(shift.measured.chance, shift.measured.unit)
        colour = HELD.get(shift.withstood, "")
        table.add_row(
            escape(shift.card.title),
            *(shown(value.value, value.unit) for value in values),
            chance,
            f"[{colour}]{shift.withstood}[/]" if colour else shift.withstood,
        )
    console.print(table)


def _interval(value: Value) -> str:
    return DASH if value.interval is None else shown_interval(*value.interval, value.unit)
