"""``orienteer check SCANS``: the scans in a folder, their problems, and the cost of an ingest."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orienteer.cli import app
from orienteer.cli.options import Budget, Channels, Layout, channel_names

if TYPE_CHECKING:
    from orienteer.scans.findings import Finding
    from orienteer.scans.schema import RecordedTraining
    from orienteer.scans.source import ScanInfo, Source


@app.command()
def check(
    scans: Annotated[Path, typer.Argument(help="A folder of scans, any mix of formats, searched recursively.")],
    json: Annotated[
        Path | None, typer.Option("--json", dir_okay=False, help="Write everything found to this file.")
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="Write a guess of who is on which scan to this new file; correct it and pass it to ingest --table.",
        ),
    ] = None,
    spacing: Annotated[
        float | None, typer.Option(help="mm per voxel to estimate for; default what suits the scans.")
    ] = None,
    budget: Budget = None,
    labels: Annotated[
        Path | None, typer.Option(help="A folder of label files named like the scans; it may be the scans' own.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Scans to read at a time; default one per core.")] = None,
    run: Annotated[
        Path | None,
        typer.Option(help="Also ask this run whether each scan lies as its header says, as `orienteer orient` does."),
    ] = None,
    sides: Annotated[
        Path | None,
        typer.Option(help="With --run: another run, which learned to tell mirror images, to tell left from right."),
    ] = None,
    layout: Layout = "auto",
    channels: Channels = None,
) -> None:
    """List what is in a folder of scans: formats, spacing, axes, problems and fixes, time and disk needed.

    Reads NIfTI, NRRD, MetaImage and DICOM series; writes nothing but the JSON and the table you
    ask for. Exits with 0 when at least one scan can be used, with 1 when none can.

    **Examples**

    `orienteer check hospital/ct`

    `orienteer check hospital/ct --spacing 1.5 --json check.json`

    `orienteer check hospital/ct --run run`
    """
    from rich.console import Console

    from orienteer.arguments import of_orient
    from orienteer.errors import OrienteerError
    from orienteer.scans.check import check as start
    from orienteer.scans.table import print_check
    from orienteer.units import counted, seconds_of

    if sides is not None and run is None:
        raise OrienteerError("--sides without --run", cure="add --run RUN")
    if run is not None:
        of_orient(run, scans, sides=sides)
    untold: list[str] = []
    notes: list[str] = []
    result = start(
        scans,
        json_path=json,
        people_path=people,
        workers=workers,
        spacing=spacing,
        budget=None if budget is None else seconds_of(budget),
        layout=layout,
        channels=channel_names(channels),
        labels=labels,
        rehearse=_rehearse,
        contradict=None if run is None else partial(_contradictions, run, sides, untold.append, notes.append),
    )
    print_check(result, Console())
    for note in notes:
        typer.echo(f"\nnote: {note}")
    if untold:
        asked = f"{run}" if sides is None else f"{run} and {sides}"
        command = shlex.join(["orienteer", "check", str(scans), "--run", str(run), "--sides"])
        typer.echo(
            f"\nleft and right of {counted(len(untold), 'scan')} were not told by {asked}"
            + (f": `{command} RUN2`, a run that learned to tell mirror images" if sides is None else "")
        )
    if json is not None:
        typer.echo(f"\nwritten: {json}")
    if not result.usable:
        raise typer.Exit(1)


def _contradictions(
    run: Path,
    sides: Path | None,
    untold: Callable[[str], object],
    noted: Callable[[str], object],
    sources: "Sequence[Source]",
) -> "Iterator[Finding | None]":
    """What a run says against headers; torch is imported now, after the reading."""
    from orienteer.runs.orient import contradictions

    return contradictions(run, sources, sides=sides, untold=untold, noted=noted)


def _rehearse(scans: "Sequence[ScanInfo]", spacing: float, budget: float | None) -> "RecordedTraining | None":
    """What a pretraining would be like, None where memory is too short; torch is imported now, after the reading."""
    from orienteer.console import to_stderr
    from orienteer.memory import ran_out
    from orienteer.scans.formats.isolated import end_readers

    end_readers()  # all scans are read
    to_stderr().print("timing a training step ...")
    from orienteer.runs.proposal import expected

    try:
        return expected(scans, spacing, budget)
    except Exception as error:
        if not ran_out(error):
            raise
        return None
