"""``orienteer benchmark CONFIG OUT``: arms x labels x seeds, to one table and one report."""

from pathlib import Path
from typing import Annotated

import typer

from orienteer.cli import app


@app.command()
def benchmark(
    config: Annotated[Path, typer.Argument(help="YAML file: data, arms, tasks, what they share.")],
    out: Annotated[Path, typer.Argument(help="A folder; the same one again goes on where it stopped.")],
    assign: Annotated[
        list[str] | None, typer.Option("--set", help="One setting as key=value; may be given many times.")
    ] = None,
) -> None:
    """Pretrain every arm, fine-tune it with few labels, score it, compare it with scratch and with the others.

    Every cell is a folder. Ctrl-C stops between two steps; the same command goes on. A cell that fails is named, the
    others go on, and the exit status is 1. `OUT/results` holds records, table and report.

    **Examples**

    `orienteer benchmark benchmarks/oasis-cpu.yaml out`

    `orienteer benchmark benchmarks/oasis-cpu.yaml out --set seeds=[0]`
    """
    from rich.console import Console

    from orienteer.benchmark.run import benchmark as start

    result = start(config, out, assign=tuple(assign or ()))
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"{result.finished} of {result.cells} cells finished, {len(result.failures)} failed")
    if result.comparison is not None:
        console.print(f"table: {result.results / 'results.md'}\nreport: {result.results / 'report.html'}")
    if result.failures:
        raise typer.Exit(1)
