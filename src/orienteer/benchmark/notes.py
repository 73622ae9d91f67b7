"""What a benchmark says of its data and its jobs beside the progress of these."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from orienteer.benchmark.finished import record_of
from orienteer.benchmark.plan import Job
from orienteer.benchmark.reuse import Reused
from orienteer.comparison.benchmark import read_benchmark
from orienteer.errors import OrienteerError, RunError
from orienteer.finetune.goal import goal_of
from orienteer.finetune.labelled import labelled_scans
from orienteer.finetune.names import about_scored
from orienteer.finetune.settings import FinetuneSettings
from orienteer.ingest import IngestResult
from orienteer.store import Store
from orienteer.units import counted, some

MOST = 5
"""Scans left out that are named."""


def about_left_out(result: IngestResult) -> Iterator[str]:
    """What the benchmark does without, or has although its file is gone."""
    for name, findings in list(result.failed.items())[:MOST]:
        finding = next(each for each in findings if each.level == "error")
        yield f"left out: {name}: {finding.message} [{finding.code}]"
    if len(result.failed) > MOST:
        yield f"and {len(result.failed) - MOST} more; `orienteer check` lists every finding"
    if result.removed:
        yield f"note: no file any more for {counted(len(result.removed), 'stored scan')}, used all the same"


def about_reused(reuse: Path | None, reused: Reused, jobs: list[Job], results: Path) -> str:
    """What is reused, or was before and is not now; empty for nothing."""
    if reused.jobs:
        return f"{len(reused.jobs)} of {counted(len(jobs), 'job')} reused from {reuse}"
    if reuse is not None:
        return (
            f"nothing of {reuse} is reused: its jobs have other settings, scans, arms or tasks, are of another "
            "version, or are finished here"
        )
    with suppress(RunError):  # no results yet, or damaged ones, which are written again
        if before := read_benchmark(results).environment.get("reused"):
            return f"without --reuse, jobs that were reused before are run: {before}"
    return ""


def about_labels(jobs: Iterable[Job], store: Store, split: str) -> Iterator[str]:
    """What to say of scans to be scored whose labels hold nothing of what a task's jobs learn."""
    tasks: dict[str, dict[tuple[int | None, int], FinetuneSettings]] = {}
    for job in jobs:
        if isinstance(job.settings, FinetuneSettings) and job.settings.kind == "segment":
            # Named structures are the same for all jobs of a task; else they are those of the labelled scans.
            drawn = (None, 0) if job.settings.structures else (job.labels, job.seed)
            tasks.setdefault(job.task, {})[drawn] = job.settings
    for different in tasks.values():
        with suppress(OrienteerError):  # which each of its jobs will tell
            learned = [goal_of(store, each).structures for each in different.values()]
            yield from about_scored(store, learned, labelled_scans(store, next(iter(different.values())), split))


def about_atlases(jobs: Sequence[Job]) -> str:
    """Which jobs had an atlas that could not see all scans as finely as asked; empty for none."""
    short = [job.name for job in jobs if record_of(job).get("atlas_fell_short")]
    if not short:
        return ""
    return (
        f"note: the atlas has seen scans on the store's grid only, or not at all, in {counted(len(short), 'job')}:"
        f" {some(short)}; are the scans' files where they were ingested from, on every machine?"
    )
