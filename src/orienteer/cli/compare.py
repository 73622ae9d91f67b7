"""``orienteer compare RESULTS``: a benchmark's records as a table and a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orienteer.cli import app

if TYPE_CHECKING:
    from rich.console import Console

    from orienteer.comparison import CompareResult


OURS = "»"
"""Marks the arms that are ours."""


@app.command()
def compare(
    results: Annotated[Path, typer.Argument(help="The folder `orienteer benchmark` wrote; it may be unfinished.")],
) -> None:
    """Turn a benchmark's records into statistics, a Markdown table and one HTML report.

    It only reads the records, so it can be repeated at any time with the same result.

    **Examples**

    `orienteer compare results`

    `orienteer compare docs/results/oasis-cpu`
    """
    from rich.console import Console

    from orienteer.comparison import compare as run

    result, console = run(results), Console()
    print_scores(console, result)
    console.print(f"\n{result.summary.headline}", highlight=False, markup=False)
    for gap in result.analysis.gaps:
        console.print(f"not complete: {gap}", highlight=False, markup=False, style="yellow")
    console.print()
    written = (result.table, result.page, result.curves, result.scores, result.comparisons)
    for path in filter(None, written):
        console.print(f"written: {path}", highlight=False, markup=False, soft_wrap=True)


def print_scores(console: "Console", result: "CompareResult") -> None:
    """One short table for each task and mode: means only, the best one bold."""
    from rich.table import Table
    from rich.text import Text

    from orienteer.comparison.tables import score_table

    for task in result.benchmark.tasks:
        for mode in result.analysis.modes(task.name):
            found = score_table(result.analysis, result.benchmark, task, mode)
            table = Table(title=Text(f"{task.name}: {found.title}"), title_justify="left")
            table.add_column(Text(found.columns[0]), max_width=28, overflow="fold")  # cut, two arms could be one
            for column in found.columns[1:]:
                table.add_column(Text(column), justify="right", no_wrap=True)
            for arm, (name, *row) in zip(result.benchmark.planned(task, mode), found.rows, strict=True):
                label = f"{OURS} {name.text}" if arm.role == "ours" else name.text
                table.add_row(Text(label), *(Text(one.text, style="bold" if one.strong else "") for one in row))
            console.print(table)
    if result.benchmark.ours:
        console.print(f"{OURS} ours", highlight=False)
