"""``orienteer finetune segment|classify|regress STORE OUT --from RUN|scratch``: put an encoder to use."""

from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from orienteer.cli import app
from orienteer.cli.options import Assign, Log

if TYPE_CHECKING:
    from rich.console import Console

    from orienteer.finetune.run import FinetuneResult

SCRATCH = "scratch"


class Kind(StrEnum):
    """The kind of target."""

    segment = "segment"
    classify = "classify"
    regress = "regress"


@app.command()
def finetune(
    kind: Annotated[Kind, typer.Argument(help="Structures, a category per scan, or a number per scan.")],
    store: Annotated[Path, typer.Argument(help="A store with labels, or with the column to predict.")],
    out: Annotated[Path, typer.Argument(help="A new folder, or with --resume an existing one.")],
    source: Annotated[
        str, typer.Option("--from", help="The pretraining run to start from, or `scratch` for random weights.")
    ],
    labelled_scans: Annotated[
        int | None, typer.Option(help="Number of labelled training scans to use; default all.", min=1)
    ] = None,
    seeds: Annotated[int, typer.Option(help="Networks to train, each with its own random labelled scans.", min=1)] = 1,
    atlas: Annotated[
        bool,
        typer.Option("--atlas", help="Carry the labelled scans' labels to each scan that is predicted, as a prior."),
    ] = False,
    column: Annotated[str | None, typer.Option(help="Column of the table to classify or regress.")] = None,
    split: Annotated[str | None, typer.Option(help="Split to score; default test, else val.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file with settings.")] = None,
    assign: Assign = None,
    log: Log = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last checkpoint.")] = False,
) -> None:
    """Train a network on a few labelled scans, from a pretrained encoder or from scratch, and score it.

    Lists which weights are pretrained and which are new, and stops when none fit. Scores are per case and per
    structure, on held-out subjects: Dice, HD95 in mm, surface Dice. The final weights are scored.

    **Examples**

    `orienteer finetune segment store out --from run --labelled-scans 3 --seeds 3`

    `orienteer finetune segment store out --from run --labelled-scans 1 --atlas`

    `orienteer finetune segment store out-scratch --from scratch --labelled-scans 3 --seeds 3`

    `orienteer finetune regress store age --from run --column age`
    """
    from rich.console import Console

    from orienteer.arguments import of_finetune
    from orienteer.config import load_yaml
    from orienteer.finetune.settings import FinetuneSettings

    values = {**(load_yaml(config) if config is not None else {}), "kind": kind.value}
    given = (("labelled_scans", labelled_scans), ("column", column))
    options = [f"{name}={value}" for name, value in given if value is not None]
    options += ["atlas={}"] if atlas and values.get("atlas") is None else []
    settings = FinetuneSettings.read(values, [*options, *(assign or [])], origin=str(config or "--set"))
    start_from = None if source == SCRATCH else source
    of_finetune(kind.value, store, out, start_from)
    from orienteer.finetune.run import finetune as start  # takes seconds, so mistakes are reported first

    result = start(
        store,
        out,
        source=start_from,
        settings=settings,
        seeds=range(settings.seed, settings.seed + seeds),
        split=split,
        resume=resume,
        loggers=log,
    )
    _print(result, settings.column, settings.seed, Console(highlight=False))
    print(f"\nnext: orienteer predict {quote(str(out))} SCANS PREDICTIONS")


def _print(result: "FinetuneResult", column: str | None, first: int, console: "Console") -> None:
    from rich.table import Table

    from orienteer.records.scores import number_of, undefined_where, words_of

    summary = result.summary
    scores = summary.scores
    words = {metric: f"{column}: {words_of(metric)}" if column else words_of(metric) for metric in scores}
    start = "pretrained" if summary.pretrained else "from scratch"
    labelled = summary.labelled_scans
    console.print(
        f"\nscored on {summary.cases} {summary.split} scans; "
        f"{start}, learned from {labelled} labelled scan{'s' if labelled > 1 else ''}"
        + (", with an atlas of a run" if summary.atlas else ""),
        soft_wrap=True,
    )
    table = Table()
    table.add_column("")
    for metric in scores:
        table.add_column(words[metric], justify="right")
    items = list(next(iter(scores.values())).items)
    for item in items[:ROWS]:
        table.add_row(item, *(number_of(values.items.get(item), metric) for metric, values in scores.items()))
    if len(items) > ROWS:
        table.add_row(f"and {len(items) - ROWS} more")
    if items:
        table.add_section()
    count = len(next(iter(scores.values())).seeds)
    label = "mean" if count == 1 else f"mean of {count} seeds"
    table.add_row(label, *(number_of(values.mean, metric) for metric, values in scores.items()), style="bold")
    if count > 1:
        for index in range(count):
            table.add_row(
                f"  seed {first + index}",
                *(number_of(values.seeds[index], metric) for metric, values in scores.items()),
            )
    console.print(table)
    if len(items) > ROWS:
        console.print(f"of every structure: {result.folder / 'summary.json'}", soft_wrap=True)
    if summary.kind == "segment" and summary.spacing_mm is not None:
        console.print(f"compared on the store's grid of {summary.spacing_mm:g} mm, not on the files' own")
    for metric, values in scores.items():
        if values.undefined:
            console.print(f"{words[metric]}: {values.undefined} not defined, {undefined_where(metric)}")


ROWS = 40
"""Structures in the table on the screen."""
