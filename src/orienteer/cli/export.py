"""``orienteer export RUN OUT``: the encoder for another program."""

from pathlib import Path
from typing import Annotated

import typer

from orienteer.cli import app


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="A run folder made by `orienteer pretrain`.")],
    out: Annotated[Path, typer.Argument(help="A new folder.")],
    to: Annotated[
        str, typer.Option(help="The program: torch, nnunet, nnunet-plain, monai, huggingface or onnx.")
    ] = "torch",
    licence: Annotated[str, typer.Option(help="Needed: of the data it was trained on; it stands on the card.")] = "",
    modality: Annotated[str, typer.Option(help="Of its training data, for the card: 'T1-weighted MR'.")] = "",
    anatomy: Annotated[str, typer.Option(help="What they show, for the card: 'heads, skull-stripped'.")] = "",
    plans: Annotated[Path | None, typer.Option(help="nnU-Net's plans.json, for --to nnunet-plain.")] = None,
    configuration: Annotated[str, typer.Option(help="Of the plans.")] = "3d_fullres",
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also where it is stuck or cheating, or the plans' spacing is another.")
    ] = False,
) -> None:
    """Write a run's encoder for another program, with a contract on how to prepare scans, and a test of both.

    The copy is opened again by that program and compared with the run before it is handed out.

    **Examples**

    `orienteer export run encoder --licence "CC BY-NC 3.0"`

    `orienteer export run encoder --to nnunet-plain --plans nnUNetPlans.json --licence "CC BY 4.0"`

    `orienteer export run bundle --to monai --licence "CC BY 4.0"`

    `orienteer verify encoder --with my_preprocess.py`
    """
    from rich.console import Console

    from orienteer.arguments import of_export

    of_export(run, out)
    from orienteer.export.run import export as start  # takes seconds, so mistakes are reported first

    folder = start(
        run,
        out,
        to=to,
        licence=licence,
        modality=modality,
        anatomy=anatomy,
        plans=plans,
        configuration=configuration,
        anyway=anyway,
    )
    console = Console(highlight=False)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        console.print(f"  {file.relative_to(folder).as_posix()}", markup=False)
    console.print(
        f"{folder}: opened again, its features are the run's. How to prepare scans: its README.md", markup=False
    )
