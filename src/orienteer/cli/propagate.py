"""``orienteer propagate RUN EXEMPLAR LABELS SCANS OUT``: the labels of one scan on many others."""

from pathlib import Path
from typing import Annotated

import typer

from orienteer.cli import app
from orienteer.cli.options import Channels, Layout, channel_names

DOUBTED = 0.6
"""Predicted Dice below which a structure is named."""
ROWS = 40
"""Lines of the table on the screen."""


@app.command()
def propagate(
    run: Annotated[Path, typer.Argument(help="A run of `orienteer pretrain`.")],
    exemplar: Annotated[Path, typer.Argument(help="The scan that has labels.")],
    labels: Annotated[Path, typer.Argument(help="Its label file.")],
    scans: Annotated[Path, typer.Argument(help="A folder of scans in any format, or one file.")],
    out: Annotated[Path, typer.Argument(help="A new folder for the label maps.")],
    layout: Layout = "auto",
    channels: Channels = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace labels of another exemplar.")] = False,
) -> None:
    """Carry the labels of one scan to many others, and say where not to trust them.

    Each scan gets a label map on its own grid, and each structure in it the Dice to expect against a person's labels.
    Stopped, the same command goes on. A scan that cannot be read is named and the others go on; the exit status is
    then 1.

    **Examples**

    `orienteer propagate run exemplar.nii.gz exemplar-seg.nii.gz scans labels`
    """
    from orienteer.arguments import of_propagate

    of_propagate(run, exemplar, labels, scans, out)  # before torch is imported, which takes seconds
    from rich.console import Console

    from orienteer.cli.left_out import print_left_out
    from orienteer.cli.unfamiliar import print_warnings
    from orienteer.console import table
    from orienteer.runs.propagate import TABLE
    from orienteer.runs.propagate import propagate as start
    from orienteer.units import counted

    result = start(
        run, exemplar, labels, scans, out, overwrite=overwrite, layout=layout, channels=channel_names(channels)
    )
    console = Console(highlight=False, markup=False, soft_wrap=True)
    shown = table("scan", "structures", "Dice to expect", "doubtful structures", left=("scan", "doubtful structures"))
    for name, trust in list(result.trust.items())[:ROWS]:
        there = sorted((each for each in trust if each.voxels), key=lambda each: each.dice)
        doubted = [f"{each.value} ({each.dice:.2f})" for each in there if each.dice < DOUBTED]
        named = ", ".join(doubted[:3]) + (f" and {len(doubted) - 3} more" if len(doubted) > 3 else "")
        mean = f"{sum(each.dice for each in there) / len(there):.2f}" if there else ""
        shown.add_row(name, f"{len(there)} of {len(trust)}", mean, named or "none")
    console.print(shown)
    if len(result.trust) > ROWS:
        console.print(f"and {len(result.trust) - ROWS} more")
    print_left_out(console, result.failed)
    print_warnings(
        console, result.warnings, result.notes, compared=result.compared, network=run, see=out / "propagated.json"
    )
    console.print(f"{counted(len(result.trust), 'scan')} labelled; of every structure: {out / TABLE}")
    if result.failed:
        console.print(f"next: fix what was left out; if {out} holds a file of that name, it is of an earlier scan")
    elif result.trust:
        console.print(
            f"next: correct the doubtful ones, or learn from them: orienteer ingest {scans} STORE --labels {out}"
        )
    if result.failed:
        raise typer.Exit(1)
