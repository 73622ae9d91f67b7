"""``orienteer benchmark CONFIG OUT``: arms x labels x seeds, to one table and one report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orienteer.cli import app
from orienteer.cli.options import Assign, Cluster

if TYPE_CHECKING:
    from rich.console import Console

    from orienteer.benchmark.outlook import Outlook


@app.command()
def benchmark(
    config: Annotated[Path, typer.Argument(help="YAML file: data, arms, tasks, shared settings.")],
    out: Annotated[Path, typer.Argument(help="A folder; the same folder again resumes where it stopped.")],
    assign: Assign = None,
    cluster: Cluster = None,
    reuse: Annotated[
        Path | None,
        typer.Option(
            "--reuse",
            metavar="RESULTS",
            help="A folder of published results: jobs whose records are there, made in the same way from the same "
            "scans, are not run again.",
        ),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show what is done and what is left; run nothing.")] = False,
) -> None:
    """Pretrain every arm, fine-tune it with few labels, score it, and compare it with scratch and the other arms.

    Every job is a folder. Ctrl-C stops between two steps; the same command resumes. If a job fails, it is named, the
    others continue, and the exit status is 1. `OUT/results` holds records, table and report.

    **Examples**

    `orienteer benchmark benchmarks/oasis-cpu.yaml out`

    `orienteer benchmark benchmarks/oasis-cpu.yaml out --set seeds=[0]`

    `orienteer benchmark benchmarks/oasis-cpu.yaml out --plan`

    `orienteer benchmark benchmarks/oasis-cpu.yaml out --cluster tcp://node1:8786`

    `orienteer benchmark mine.yaml out --reuse docs/results/oasis-cpu-converged`
    """
    from rich.console import Console

    from orienteer.benchmark.outlook import outlook
    from orienteer.errors import ConfigError

    console = Console(highlight=False, markup=False, soft_wrap=True)
    if plan and reuse is not None:
        raise ConfigError("--plan reads no scans, so it cannot know what --reuse finds", cure="leave one out")
    if plan:
        print_outlook(console, outlook(config, out, assign=tuple(assign or ())))
        return
    from orienteer.benchmark.run import benchmark as start  # which needs what draws figures

    result = start(config, out, assign=tuple(assign or ()), cluster=cluster, reuse=reuse)
    console.print(f"{result.finished} of {result.jobs} jobs finished, {len(result.failures)} failed")
    if result.comparison is not None:
        console.print(f"table: {result.results / 'results.md'}\nreport: {result.results / 'report.html'}")
    if result.failures:
        raise typer.Exit(1)


def print_outlook(console: "Console", found: "Outlook") -> None:
    """A line per group of jobs, then the time left."""
    from orienteer.console import table
    from orienteer.units import DASH, duration

    shown = table("stage", "task", "steps", "jobs", "done", "one takes", left=("task",))
    for group in found.groups:
        steps, each = str(group.steps or DASH), DASH if group.seconds is None else duration(group.seconds)
        shown.add_row(group.stage, group.task or DASH, steps, str(group.jobs), str(group.done), each)
    console.print(shown)
    jobs, done = (sum(getattr(group, name) for group in found.groups) for name in ("jobs", "done"))
    left = "" if done == jobs else f"; {found.left or 'not known yet how long that takes'}"
    console.print(f"{jobs - done} of {jobs} jobs to do, {found.parallel} at a time{left}")
