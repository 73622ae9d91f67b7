"""``orienteer pretrain STORE RUN``: train an encoder and see what it learns."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from orienteer.cli import app


@app.command()
def pretrain(
    store: Annotated[Path, typer.Argument(help="A store made by `orienteer ingest`.")],
    run: Annotated[Path, typer.Argument(help="A new folder for the run, or with --resume an existing one.")],
    config: Annotated[Path | None, typer.Option(help="YAML file with settings.")] = None,
    assign: Annotated[
        list[str] | None, typer.Option("--set", help="One setting as key=value; may be given many times.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last checkpoint.")] = False,
) -> None:
    """Learn anatomy from the store's training scans; the live line shows errors in mm and degrees.

    Validates on held-out subjects, keeps the best checkpoint, and ends with a verdict: learning, stuck or cheating.
    Ctrl-C stops after a checkpoint; `--resume` continues exactly.

    **Examples**

    `orienteer pretrain store run`

    `orienteer pretrain store run --config configs/pretrain/oasis-cpu.yaml --set seed=1`

    `orienteer pretrain store run --resume`
    """
    from rich.console import Console

    from orienteer.cli.figures import print_figures
    from orienteer.config import load_yaml
    from orienteer.runs.pretrain import pretrain as start
    from orienteer.runs.settings import PretrainSettings
    from orienteer.units import duration

    settings = None
    if config is not None or assign:
        values = load_yaml(config) if config is not None else {}
        settings = PretrainSettings.read(values, assign or [], origin=str(config or "--set"))
    result = start(store, run, settings=settings, resume=resume)
    console = Console()
    print_figures(console, result.evaluation.record)
    console.print(
        f"{result.summary['steps']} steps in {duration(result.summary['seconds'])}, "
        f"{result.summary['data_wait_fraction']:.1%} of the time waiting for data",
        highlight=False,
    )
    console.print(f"\nnext: orienteer report {quote(str(run))}", highlight=False, markup=False, soft_wrap=True)
