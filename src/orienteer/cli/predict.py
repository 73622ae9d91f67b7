"""``orienteer predict OUT SCANS DIR``: a fine-tuned network on new scans."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orienteer.cli import app
from orienteer.cli.options import Channels, Layout, channel_names

if TYPE_CHECKING:
    from orienteer.scans.findings import Finding


@app.command()
def predict(
    network: Annotated[Path, typer.Argument(metavar="OUT", help="The folder written by `orienteer finetune`.")],
    scans: Annotated[Path, typer.Argument(help="A folder of scans in any format, or one file.")],
    predictions: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the predictions.")],
    layout: Layout = "auto",
    channels: Channels = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing predictions.")] = False,
) -> None:
    """Predict every scan on its own grid and orientation.

    A scan that cannot be read is named with a fix and the others continue; the exit status is then 1. Networks of
    several seeds are combined. A network of several channels needs the same channels of every scan: files CASE_0000,
    CASE_0001, ... as in nnU-Net, a 4D file, or --channels. Without --overwrite, existing predictions are kept.

    **Examples**

    `orienteer predict out hospital/new predictions`
    """
    from orienteer.arguments import of_predict

    of_predict(network, scans, predictions)  # before torch is imported, which takes seconds
    from rich.console import Console

    from orienteer.cli.unfamiliar import print_notes, print_unfamiliar
    from orienteer.finetune.predict import RECORD
    from orienteer.finetune.predict import predict as start
    from orienteer.folders import ENDING
    from orienteer.records.unfamiliar import UNFAMILIAR

    result = start(network, scans, predictions, overwrite=overwrite, layout=layout, channels=channel_names(channels))
    console = Console(highlight=False, markup=False, soft_wrap=True)
    print_notes(console, result.notes)
    for name, finding in result.failed.items():
        console.print(f"left out: {name}: {finding.message} [{finding.code}]")
        console.print(f"  fix: {finding.cure}")
    for (code, cure), scans_of in _grouped(result.warnings, set(UNFAMILIAR)).items():
        (name, message), *others = scans_of
        more = f" and {len(others)} more" if others else ""
        console.print(f"look at: {name}{more}: {message} [{code}]")
        console.print(f"  fix: {cure}")
    kept = f"{len(result.kept)} predicted before and kept, " if result.kept else ""
    new = len(result.predicted) - len(result.kept)
    console.print(f"{new} predicted, {kept}{len(result.failed)} left out; see {predictions / RECORD}")
    if any(str(answer).endswith(ENDING) for answer in result.predicted.values()):
        console.print(f"next: open {predictions} beside the scans in a viewer; each file lies on its own scan's grid")
    print_unfamiliar(console, result.unfamiliar, network, predictions / RECORD)
    if result.failed:
        raise typer.Exit(1)


def _grouped(
    warnings: "Mapping[str, tuple[Finding, ...]]", without: set[str]
) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """Scans and messages by code and cure, so that a cure is read once and not once a scan."""
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for name, found in warnings.items():
        for each in (each for each in found if each.code not in without):
            groups.setdefault((each.code, each.cure), []).append((name, each.message))
    return groups
