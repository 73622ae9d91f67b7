"""Options that several commands share, each with its help, and how their texts are read."""

from typing import Annotated

import typer

LAYOUT_HELP = (
    "Layout of the folder: auto (from dataset.json or dataset_description.json), plain, nnunet, decathlon, bids, or one"
    " of an installed package."
)

Layout = Annotated[str, typer.Option(help=LAYOUT_HELP)]
Channels = Annotated[
    str | None,
    typer.Option(
        help="Sequences that form the channels of a scan, in order, e.g. T1w,FLAIR; default those of the layout."
    ),
]
Assign = Annotated[list[str] | None, typer.Option("--set", help="One setting as key=value; may be given many times.")]
Log = Annotated[
    list[str] | None,
    typer.Option(
        "--log",
        help="Log also to csv, tensorboard, mlflow, wandb or trackio; repeatable. A resumed run logs where"
        " it did; `none` ends that.",
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        help="Work on a cluster of Dask: tcp://HOST:8786 of its scheduler, slurm:8 for eight jobs of Slurm, or local."
    ),
]
Budget = Annotated[
    str | None, typer.Option(help="Time a pretraining may take, e.g. 10min, 2h or 1d; default that of a good recipe.")
]


def channel_names(text: str | None) -> tuple[str, ...]:
    """``T1w, FLAIR`` as two names."""
    return tuple(name for part in (text or "").split(",") if (name := part.strip()))
