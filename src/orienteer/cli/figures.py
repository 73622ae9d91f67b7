"""Final figures as a terminal table: value, chance and interval, and the verdict in a sentence."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orienteer.records.evaluation import EvaluationRecord, Value
from orienteer.units import DASH, in_sentence, shown, shown_interval

COLOURS = {"learning": "green", "stuck": "yellow", "cheating": "red"}
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
    for line in verdict.evidence:
        console.print(f"    {escape(line)}", style="dim", highlight=False)


def _interval(value: Value) -> str:
    return DASH if value.interval is None else shown_interval(*value.interval, value.unit)
