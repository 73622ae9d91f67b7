"""``orienteer demo [DIR]``: every step on simulated subjects."""

from pathlib import Path
from typing import Annotated

import typer

from orienteer.cli import app
from orienteer.cli.options import Assign


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for everything.")] = Path("orienteer-demo"),
    people: Annotated[int, typer.Option(help="Number of subjects to simulate, at least 5.")] = 20,
    spacing: Annotated[float, typer.Option(help="Voxel size of their scans, mm.")] = 3.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same subjects.")] = 0,
    config: Annotated[Path | None, typer.Option(help="YAML file with settings of the pretraining.")] = None,
    assign: Assign = None,
) -> None:
    """Simulate subjects, then check, ingest, pretrain, evaluate and report, in minutes on a laptop.

    The subjects are simulated from one average brain; they are not patients. After an interruption, the same command
    resumes with the first unfinished step.

    **Examples**

    `orienteer demo`

    `orienteer demo tryout --people 30 --set optimiser.steps=2000`
    """
    from orienteer.config import load_yaml
    from orienteer.demo.run import demo as run
    from orienteer.runs.settings import PretrainSettings

    settings = None if config is None else PretrainSettings.read(load_yaml(config), assign or [], origin=str(config))
    run(folder, people=people, spacing_mm=spacing, seed=seed, settings=settings, assignments=assign or [])
