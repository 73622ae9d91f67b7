"""``orienteer verify FOLDER``: an exported encoder, and how its input is prepared."""

from pathlib import Path
from typing import Annotated

import typer

from orienteer.cli import app


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="A folder made by `orienteer export`.")],
    preprocess: Annotated[
        Path | None, typer.Option("--with", help="Your Python file with preprocess(path); it is run.")
    ] = None,
) -> None:
    """Check that an exported encoder is whole and gives its features here; and which step of your preparation is wrong.

    `preprocess(path)` returns one scan as the network is to see it, (C, D, H, W). It is given a scan made from a
    formula, in which every place looks different, so a wrong axis, spacing, scale, order or crop has a name. The exit
    status is 1 where something differs.

    **Examples**

    `orienteer verify encoder`

    `orienteer verify encoder --with my_preprocess.py`
    """
    from rich.console import Console

    from orienteer.export.verify import verify as start

    found = start(folder, preprocess=preprocess)
    console = Console(highlight=False)
    console.print("files: as exported")
    console.print(f"features: the largest difference is {found.difference:.1e} of the largest value")
    console.print(f"preparation here: the largest difference is {found.preparation:.1e}")
    if found.faults is not None:
        for fault in found.faults:
            console.print(f"your {fault.step}: {fault.message}", markup=False)
        if not found.faults:
            console.print("your preparation: right")
    if not found.right:
        raise typer.Exit(1)
