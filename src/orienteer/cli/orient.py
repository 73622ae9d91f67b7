"""``orienteer orient RUN SCANS``: whether scans lie as their headers say."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orienteer.cli import app
from orienteer.cli.options import Channels, Layout, channel_names

if TYPE_CHECKING:
    from orienteer.localize.oriented import Oriented

ROWS = 60
"""Lines of the table on the screen."""


@app.command()
def orient(
    run: Annotated[Path, typer.Argument(help="A run of `orienteer pretrain`.")],
    scans: Annotated[Path, typer.Argument(help="A folder of scans in any format, or one file.")],
    out: Annotated[
        Path | None, typer.Option(help="A folder for CSV, JSON and pictures: new, or one to resume.")
    ] = None,
    fix: Annotated[
        Path | None, typer.Option(help="A folder for corrected copies: other axes in the header, the same voxels.")
    ] = None,
    sides: Annotated[
        Path | None, typer.Option(help="Another run, which learned to tell mirror images, to tell left from right.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
    all_pictures: Annotated[bool, typer.Option("--all-pictures", help="Also draw scans that are fine.")] = False,
    layout: Layout = "auto",
    channels: Channels = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace answers to another question, and earlier copies.")
    ] = False,
) -> None:
    """Ask a run whether scans lie as their headers say, by the anatomy in them.

    For each scan: as its header says; turned; mirrored left-right; a voxel size that is wrong; cannot tell; or not the
    anatomy this run knows; with a probability. Left and right are told only where that is sure. A scan that cannot be
    read is named and the others go on; the exit status is then 1.

    **Examples**

    `orienteer orient run scans`

    `orienteer orient run scans --sides run-of-poses --out orientations --fix corrected`
    """
    from orienteer.arguments import of_orient

    of_orient(run, scans, out, fix, sides)  # before torch is imported, which takes seconds
    from rich.console import Console

    from orienteer.cli.left_out import print_left_out
    from orienteer.cli.unfamiliar import print_headers, print_notes
    from orienteer.console import table
    from orienteer.localize.oriented import Verdict, as_json
    from orienteer.runs.orient import orient as start
    from orienteer.units import percent

    result = start(
        run, scans, out=out, fix=fix, sides=sides, all_pictures=all_pictures, overwrite=overwrite, layout=layout,
        channels=channel_names(channels),
    )  # fmt: skip
    if json:
        import json as codec
        from dataclasses import asdict

        others = {
            "left_out": {name: error.message for name, error in result.failed.items()},
            "not_corrected": {name: error.message for name, error in result.unfixed.items()},
            "warnings": {name: [asdict(each) for each in odd] for name, odd in result.warnings.items() if odd},
            "notes": list(result.notes),
        }
        typer.echo(codec.dumps(as_json(result.found, **others), indent=2))
        raise typer.Exit(bool(result.failed or result.unfixed))
    console = Console(highlight=False, markup=False, soft_wrap=True)
    odd = [each for each in result.found if not each.fine]
    shown = table("scan", "verdict", "axes", "sure", "mirror image", left=("verdict", "axes", "mirror image"))
    for each in (odd + [each for each in result.found if each.fine])[:ROWS]:
        same = each.fine or each.axes_found in ("", each.axes)
        axes = each.axes if same else f"{each.axes} -> {each.axes_found}"
        shown.add_row(each.scan, each.verdict.value, axes, percent(each.confidence or None), _mirrored(each))
    console.print(shown)
    if len(result.found) > ROWS:
        console.print(f"and {len(result.found) - ROWS} more")
    for each in result.found:
        if each.why and (not each.fine or each.doubted):
            console.print(f"{each.scan}: {each.why}")
    print_left_out(console, result.failed)
    print_notes(console, result.notes)
    print_headers(console, result.warnings)
    untold = sum(not each.side_told for each in result.found if each.fine)
    doubted = sum(each.doubted for each in result.found if each.fine)
    for name, error in result.unfixed.items():
        console.print(f"not corrected: {name}: {error.message}\n  fix: {error.cure}")
    if not result.found:
        raise typer.Exit(1)
    console.print(
        f"{len(result.found) - len(odd)} of {len(result.found)} as their headers say"
        + (f", {untold} of them but for left and right, which are not told" if untold else "")
        + (f"; a voxel size of {doubted} of them may be wrong" if doubted else "")
    )
    if fix is not None and not result.fixed:
        console.print("none corrected")
    elif fix is not None:
        console.print(f"{len(result.fixed)} corrected in {fix}: axes in the header changed, voxels and spacing did not")
        unsure = sum(not each.fixable and each.verdict in (Verdict.MIRRORED, Verdict.TURNED) for each in odd)
        if unsure:
            console.print(f"{unsure} more turned or mirrored, not corrected: turn and side are not sure enough")
    if out is not None:
        console.print(
            f"see {out / 'orientations.csv'}" + (f" and the pictures in {out}" if odd or all_pictures else "")
        )
    if any(each.fixable for each in odd) and fix is None:
        look = "look at the pictures" + (" (--out)" if out is None else "")
        console.print(f"next: {look}, then add --fix for corrected copies")
    if result.failed or result.unfixed:
        raise typer.Exit(1)


def _mirrored(one: "Oriented") -> str:
    """Whether a scan, read as its header says, is the mirror image of the person, however it is turned."""
    if one.mirrored is None:
        return ""
    if not one.side_told:
        return "not told"
    return "yes" if one.mirrored > 0.5 else "no"
