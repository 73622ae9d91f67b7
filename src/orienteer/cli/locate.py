"""``orienteer locate RUN EXEMPLAR SCANS OUT``: a point of one scan in many others, without labels."""

import re
from pathlib import Path
from typing import Annotated

import typer

from orienteer.cli import app
from orienteer.cli.options import Channels, Layout, channel_names

Positions = tuple[tuple[float, ...], ...]


@app.command()
def locate(
    run: Annotated[Path, typer.Argument(help="A run of `orienteer pretrain`.")],
    exemplar: Annotated[Path, typer.Argument(help="One scan in which you know the point.")],
    scans: Annotated[Path, typer.Argument(help="A folder of scans in any format, or one file.")],
    out: Annotated[Path, typer.Argument(help="A new folder for the answers.")],
    at: Annotated[
        list[str] | None, typer.Option("--at", metavar="X,Y,Z", help="World position, R,A,S in mm; repeatable.")
    ] = None,
    structure: Annotated[
        str, typer.Option(metavar="LABELS[:VALUE]", help="A label file of the exemplar: the middle of its structures.")
    ] = "",
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="SCAN@WHERE", help="Another exemplar that votes, with X,Y,Z or LABELS[:VALUE]."),
    ] = None,
    crop: Annotated[str | None, typer.Option(metavar="64mm", help="Write a cube around each point.")] = None,
    layout: Layout = "auto",
    channels: Channels = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier answer.")] = False,
) -> None:
    """Find a point, or the middle of a structure, of one scan in many others; no labels of these are needed.

    For each scan: the point in world mm, as 3D Slicer shows it, and in voxels of its file; a ring that holds the truth
    in 90 %; how far from its start the point comes back; or that the scan does not reach it. A scan that cannot be read
    is named and the others go on; the exit status is then 1.

    **Examples**

    `orienteer locate run exemplar.nii.gz scans where --at=-12.5,8,31`

    `orienteer locate run exemplar.nii.gz scans where --structure labels.nii.gz:35 --crop 64mm`

    `orienteer locate run a.nii.gz scans where --structure a-seg.nii.gz:35 --also b.nii.gz@b-seg.nii.gz:35`
    """
    from orienteer.arguments import of_locate

    of_locate(run, exemplar, scans, out)  # before torch is imported, which takes seconds
    positions = tuple(map(_position, at or ()))
    if bool(positions) == bool(structure):
        raise typer.BadParameter("give either --at X,Y,Z or --structure LABELS[:VALUE]")
    others = [_other(text) for text in also or ()]
    edge = None if crop is None else _millimetres(crop)
    from rich.console import Console

    from orienteer.cli.left_out import print_left_out
    from orienteer.cli.unfamiliar import print_warnings
    from orienteer.console import table
    from orienteer.localize.found import OUTSIDE
    from orienteer.runs.locate import locate as start

    result = start(
        run, exemplar, scans, out, at=positions, structure=structure, also=others, crop_mm=edge,
        overwrite=overwrite, layout=layout, channels=channel_names(channels),
    )  # fmt: skip
    console = Console(highlight=False, markup=False, soft_wrap=True)
    shown = table("scan", "point", "R A S, mm", "90 % within", "there and back", left=("scan", "point"))
    for each in result.found[:ROWS]:
        if each.world_mm is None:
            shown.add_row(each.scan, each.point, "not in this scan" if each.why == OUTSIDE else "not found", "", "")
        else:
            place = " ".join(f"{value:z.1f}" for value in each.world_mm)
            shown.add_row(each.scan, each.point, place, f"{each.ring_mm:.1f} mm", f"{each.cycle_mm:.1f} mm")
    console.print(shown)
    if len(result.found) > ROWS:
        console.print(f"and {len(result.found) - ROWS} more")
    print_left_out(console, result.failed)
    print_warnings(
        console, result.warnings, result.notes, compared=result.compared, network=run, see=out / "locations.json"
    )
    count = sum(each.found for each in result.found)
    console.print(f"{count} of {len(result.found)} found; see {out / 'locations.csv'}")
    if count:
        console.print(f"next: drop a scan and its .mrk.json of {out} into 3D Slicer")
    if result.failed:
        raise typer.Exit(1)


ROWS = 40
"""Lines of the table on the screen."""


def _position(text: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != 3:
        raise typer.BadParameter(f"{text!r} is no position: give three numbers, e.g. --at=-12.5,8,31")
    return values


def _other(text: str) -> tuple[Path, Positions | str]:
    scan, at, where = text.rpartition("@")
    if not at or not scan:
        raise typer.BadParameter(f"{text!r}: give SCAN@X,Y,Z or SCAN@LABELS[:VALUE]")
    if re.fullmatch(r"[-+0-9.eE]+(,[-+0-9.eE]+){2}", where):
        return Path(scan), (_position(where),)
    return Path(scan), where


def _millimetres(text: str) -> float:
    found = re.fullmatch(r"([0-9.]+)\s*(mm)?", text.strip())
    try:
        return float(found[1]) if found else 0.0
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no length: give mm, e.g. --crop 64mm") from None
