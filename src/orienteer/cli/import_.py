"""``orienteer import WEIGHTS RUN``: weights of another program, to be judged and used here."""

from pathlib import Path
from typing import Annotated

import typer

from orienteer.cli import app


@app.command("import")
def import_(
    weights: Annotated[Path, typer.Argument(help="A file of weights, or a folder of `orienteer export`.")],
    run: Annotated[Path, typer.Argument(help="A new folder.")],
    contract: Annotated[
        Path | None, typer.Option(help="How scans were prepared: contract.json, or YAML in its words.")
    ] = None,
    view: Annotated[int | None, typer.Option(help="Edge of the views it will be shown, voxels.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="A setting of the training of heads, key=value; repeatable.")
    ] = None,
) -> None:
    """Make a run of an encoder that another program trained: is this one learning anatomy?

    It reads folders of `orienteer export`, checkpoints with nnssl's adaptation plan, and MONAI's SwinUNETR. Where the
    weights do not say how scans were prepared for them, `--contract` does; files that hold code are refused.

    The encoder stays as it is. `orienteer evaluate RUN STORE` trains heads for the tasks on it first, then judges it;
    `probe`, `finetune` and `observe` take the run at once.

    **Examples**

    `orienteer import checkpoint_final.pth theirs`

    `orienteer import model_swinvit.pt swin --contract swin.yaml --view 64`

    `orienteer evaluate theirs store`
    """
    from rich.console import Console

    from orienteer.arguments import of_import

    of_import(weights, run)
    from orienteer.export.bring_in import import_weights as start  # takes seconds, so mistakes are reported first

    folder = start(weights, run, contract=contract, view=view, assignments=assignments or ())
    console = Console(highlight=False)
    console.print(f"next: orienteer evaluate {folder} STORE", markup=False, soft_wrap=True)
