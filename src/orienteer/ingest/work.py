"""Read what the plan asks for, in parallel; what is finished survives a kill."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from orienteer.errors import StoreError
from orienteer.ingest.plan import Plan
from orienteer.ingest.prepare import Outcome
from orienteer.ingest.quarantine import LeftOut, conditions_of, left_out
from orienteer.ingest.workers import prepare_all
from orienteer.scans import Finding
from orienteer.store.journal import Journal
from orienteer.store.manifest import ScanEntry
from orienteer.store.sources import SourceRecord

Made = dict[str, tuple[ScanEntry, SourceRecord]]
"""What the store will hold and what it was made from, by the name of the files."""

Findings = dict[str, tuple[Finding, ...]]

LONG = 20
"""Scans from which a log is told how far it is."""


@dataclass
class Work:
    """What came of the scans that were read, by name."""

    made: Made = field(default_factory=dict)
    findings: Findings = field(default_factory=dict)
    failed: Findings = field(default_factory=dict)
    refused: dict[str, LeftOut] = field(default_factory=dict)


def carry_out(store: Path, plan: Plan, workers: int | None, progress: bool) -> Work:
    """Prepare what the plan asks for; finished scans are journalled, so a kill costs only those in work."""
    work, journal = Work(), Journal(store)
    conditions = {job.source.id: conditions_of(job.source, job.parameters, job.min_extent) for job in plan.jobs}
    with closing(prepare_all(plan.jobs, workers)) as outcomes:
        for outcome in _shown(outcomes, len(plan.jobs), progress):
            if outcome.stop:
                raise StoreError(outcome.stop[0], cure=f"{outcome.stop[1]}, then run the same ingest again")
            if outcome.entry is None or outcome.record is None:
                work.failed[outcome.id] = outcome.findings
                work.refused[outcome.id] = left_out(outcome.findings, outcome.record, conditions[outcome.id])
                continue
            journal.append(outcome.entry, outcome.record)
            work.made[outcome.id] = (outcome.entry, outcome.record)
            if outcome.findings:
                work.findings[outcome.id] = outcome.findings
    work.findings = dict(sorted(work.findings.items()))
    return work


def _shown(outcomes: Iterator[Outcome], total: int, progress: bool) -> Iterator[Outcome]:
    columns = (
        TextColumn("reading scans"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
    )
    console = Console(stderr=True, quiet=not progress)
    with Progress(*columns, console=console, disable=not progress or not total, transient=True) as bar:
        task = bar.add_task("", total=total, last="")
        for done, outcome in enumerate(outcomes, 1):
            bar.update(task, advance=1, last=outcome.id)
            # A log has no bar: a line for every tenth, without names, which are somebody's.
            if not console.is_terminal and total >= LONG and done * 10 // total > (done - 1) * 10 // total:
                console.print(f"reading scans: {done} of {total}", highlight=False)
            yield outcome
