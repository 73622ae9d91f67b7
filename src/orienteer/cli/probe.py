"""``orienteer probe RUN STORE``: what frozen features already encode."""

from pathlib import Path
from typing import Annotated

import typer

from orienteer.cli import app
from orienteer.cli.options import Assign


@app.command()
def probe(
    run: Annotated[Path, typer.Argument(help="A run folder made by `orienteer pretrain`.")],
    store: Annotated[Path, typer.Argument(help="A store at the run's spacing; labels are optional.")],
    labelled_scans: Annotated[
        int | None, typer.Option(help="Number of labelled training scans to use; default all.", min=1)
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split to measure; default test, else val.")] = None,
    name: Annotated[str | None, typer.Option(help="Folder name under RUN/probes; default the split.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file with settings, e.g. structures.")] = None,
    assign: Assign = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a probe of that name.")] = False,
) -> None:
    """Predict position, side and structures from frozen features, with linear and kNN probes.

    The encoder is not trained any further. Probes are fitted on training subjects and measured on held-out ones.

    **Examples**

    `orienteer probe run store`

    `orienteer probe run store --labelled-scans 3 --config configs/finetune/oasis-structures.yaml`
    """
    from rich.console import Console
    from rich.table import Table

    from orienteer.arguments import of_probe
    from orienteer.config import load_yaml
    from orienteer.finetune.settings import FinetuneSettings
    from orienteer.records.scores import number_of, words_of

    values = load_yaml(config) if config is not None else {}
    options = [f"labelled_scans={labelled_scans}"] if labelled_scans is not None else []
    settings = FinetuneSettings.read(values, [*options, *(assign or [])], origin=str(config or "--set"))
    of_probe(run, store)
    from orienteer.frozen.probe import probe as start  # takes seconds, so mistakes are reported first

    result = start(run, store, split=split, settings=settings, name=name, overwrite=overwrite)
    table = Table(title="frozen features", title_justify="left")
    table.add_column("read-out")
    table.add_column("mean over scans", justify="right")
    for metric, value in result.means.items():
        table.add_row(words_of(metric), number_of(value, metric))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"per scan: {result.folder / 'cases.parquet'}")
