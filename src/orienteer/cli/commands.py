"""The program's own option, and all commands in the order of use, a line each; importing this registers them."""

# ruff: noqa: E402, F401, I001
from typing import Annotated

import typer

from orienteer import __version__
from orienteer.cli import app


def _tell_version(wanted: bool) -> None:
    if wanted:
        print(f"orienteer {__version__}")
        raise typer.Exit


@app.callback()
def orienteer(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Learn 3D anatomy from unlabelled CT and MR scans, and see what was learned."""


from orienteer.cli import check
from orienteer.cli import ingest
from orienteer.cli import pretrain
from orienteer.cli import evaluate
from orienteer.cli import report
from orienteer.cli import observe
from orienteer.cli import finetune
from orienteer.cli import predict
from orienteer.cli import locate
from orienteer.cli import propagate
from orienteer.cli import orient
from orienteer.cli import probe
from orienteer.cli import export
from orienteer.cli import verify
from orienteer.cli import import_
from orienteer.cli import benchmark
from orienteer.cli import compare
from orienteer.cli import demo
