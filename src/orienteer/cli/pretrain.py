"""``orienteer pretrain STORE RUN``: train an encoder and see what it learns."""

import time
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orienteer.cli import app
from orienteer.cli.options import Assign, Budget, Log

if TYPE_CHECKING:
    from orienteer.runs.settings import PretrainSettings


@app.command()
def pretrain(
    store: Annotated[Path, typer.Argument(help="A store made by `orienteer ingest`.")],
    run: Annotated[Path, typer.Argument(help="A new folder for the run, or with --resume an existing one.")],
    config: Annotated[Path | None, typer.Option(help="YAML file with settings.")] = None,
    assign: Assign = None,
    budget: Budget = None,
    log: Log = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last checkpoint.")] = False,
) -> None:
    """Learn anatomy from the store's training scans; the live line shows errors in mm and degrees.

    Validates on held-out subjects, keeps the best checkpoint, and ends with a verdict: learning, stuck or cheating.
    Ctrl-C or a scheduler's SIGTERM stops after a checkpoint, SIGUSR1 saves one; `--resume` continues exactly. A resumed
    run keeps its settings; only `optimiser.steps` may be raised.

    Without `--config`, views, batch, steps, network and precision are chosen for the scans and the device, and the
    reasons given; `--set` overrides them.

    **Examples**

    `orienteer pretrain store run`

    `orienteer pretrain store run --budget 1h`

    `orienteer pretrain store run --log mlflow --log csv`

    `orienteer pretrain store run --config configs/pretrain/oasis-cpu.yaml --set seed=1`

    `orienteer pretrain store run --resume`

    `orienteer pretrain store run --resume --set optimiser.steps=4000`
    """
    from rich.console import Console

    from orienteer.cli.figures import print_figures
    from orienteer.launched import launched
    from orienteer.records.next_steps import NextStep, next_steps
    from orienteer.report import report
    from orienteer.runs.run import Run
    from orienteer.training.group import by_first, connected
    from orienteer.units import duration

    began, here = time.monotonic(), launched()
    with connected(lambda: "", "start all processes again"):
        settings = by_first(lambda: _settings(store, run, config, assign or [], budget, resume))
    from orienteer.runs.pretrain import pretrain as start  # takes seconds, so mistakes are reported first

    result = start(store, run, settings=settings, resume=resume, loggers=log, page=report)
    if here is not None and not here.first:
        return
    console = Console()
    print_figures(console, result.evaluation.record)
    console.print(
        f"{result.summary['steps']} steps in {duration(result.summary['seconds'])}, "
        f"{result.summary['data_wait_fraction']:.1%} of the time waiting for data; "
        f"{duration(time.monotonic() - began)} for this command in all",
        highlight=False,
    )
    told = NextStep("all of it on one page", f"orienteer report {quote(str(run))}")
    record, summary = result.evaluation.record, result.summary
    found = next_steps(
        record, steps=summary["steps"], view=Run.open(run).settings.views.size, run=str(run), store=str(store)
    )
    console.print("\nnext:")
    for step in (told, *found):
        console.print(f"  {step.why}", highlight=False, markup=False)
        if step.command:
            console.print(f"    {step.command}", highlight=False, markup=False, soft_wrap=True)


def _settings(
    store: Path, run: Path, config: Path | None, assign: list[str], budget: str | None, resume: bool
) -> "PretrainSettings | None":
    """What the options ask for; None where a run goes on as it was."""
    from orienteer.arguments import of_pretrain
    from orienteer.config import load_yaml
    from orienteer.errors import ConfigError
    from orienteer.runs.settings import PretrainSettings
    from orienteer.units import seconds_of

    seconds = None if budget is None else seconds_of(budget)
    if seconds is not None and (resume or config is not None):
        beside = "--resume" if resume else "--config"
        raise ConfigError(
            f"--budget beside {beside}", cure=f"leave --budget out; steps: {beside} and --set optimiser.steps=N"
        )
    settings = None
    if config is not None or assign:
        values = load_yaml(config) if config is not None else _own(run) if resume else {}
        settings = PretrainSettings.read(values, assign, origin=str(config or "--set"))
    of_pretrain(store, run)
    return _proposed(store, run, seconds, assign) if config is None and not resume else settings


def _proposed(store: Path, run: Path, budget: float | None, assign: list[str]) -> "PretrainSettings":
    """What suits the store, told with its reasons, and what is set over it."""
    from orienteer.console import to_stderr
    from orienteer.runs.folder import RunFolder
    from orienteer.runs.proposal import Cohort, propose
    from orienteer.store import Store

    opened = Store.open(store)
    RunFolder(run).require_free()
    proposal = propose(Cohort.of(opened), budget, assign)
    console = to_stderr()
    for reason in proposal.reasons:
        console.print(f"proposed: {reason}", markup=False, soft_wrap=True)
    return proposal.settings(assign)


def _own(run: Path) -> dict[str, Any]:
    """The settings that a run has, for what is set over them; none where there is no run, which is told later."""
    from orienteer.folders import Folder, recognised
    from orienteer.runs.folder import RunFolder

    folder = RunFolder(run)
    return folder.settings().model_dump(mode="json") if recognised(run) is Folder.RUN else {}
