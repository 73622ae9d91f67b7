"""``orienteer evaluate RUN STORE``: the metrics of a run on any scans."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from orienteer.cli import app


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    store: Annotated[Path, typer.Argument(help="A store at the run's spacing.")],
    split: Annotated[
        str, typer.Option(help="Split to measure; default test, else val. `all` takes every scan of the store.")
    ] = "auto",
    name: Annotated[
        str | None, typer.Option(help="Name of the evaluation; default the split, as in val or val-shifts.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", dir_okay=False, help="Also write the metrics to this file.")
    ] = None,
    shifts: Annotated[
        bool,
        typer.Option(
            "--shifts",
            help="Also measure it under other contrasts, noise, resolutions and poses of the same subjects.",
        ),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an evaluation of that name.")] = False,
) -> None:
    """Measure a run on new subjects, another scanner or other anatomy, with honesty probes and a verdict.

    **Examples**

    `orienteer evaluate run store --split test`

    `orienteer evaluate run store --shifts`

    `orienteer evaluate run other-hospital --split all --name other-hospital --json figures.json`
    """
    from orienteer.arguments import of_evaluate
    from orienteer.atomic import refuse_place, write_json

    of_evaluate(run, store)  # before torch is imported, which takes seconds
    if json is not None:
        refuse_place(json)
    from rich.console import Console

    from orienteer.cli.figures import print_figures
    from orienteer.cli.unfamiliar import print_unfamiliar
    from orienteer.records.evaluation import FILE
    from orienteer.runs.evaluate import evaluate as start

    found = start(run, store, split=None if split == "all" else split, name=name, overwrite=overwrite, shifts=shifts)
    console = Console()
    print_figures(console, found.record)
    if json is not None:
        write_json(json, found.record.summary())
        console.print(f"\nwritten: {json}", highlight=False)
    if found.record.unfamiliar is not None and found.record.compared < found.record.among:
        console.print(f"{found.record.compared} of {found.record.among} scans compared with those of training")
    print_unfamiliar(console, found.record.unfamiliar, run, found.folder / FILE)
    print(f"\nnext: orienteer report {quote(str(run))}")
