"""``benchmark``: from one configuration to records, a table and a report; resumes where it stopped."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml

from orienteer import __version__
from orienteer.atomic import sweep, write_text
from orienteer.benchmark.claim import CONFIG, check_claim
from orienteer.benchmark.collect import collect, tasks_shown
from orienteer.benchmark.finished import check_finished, is_finished, record_of
from orienteer.benchmark.job import Shared
from orienteer.benchmark.outlook import groups_of, time_left
from orienteer.benchmark.plan import Job, jobs_of, view_sizes
from orienteer.benchmark.pool import UNTRIED, Failures, run_jobs, slots
from orienteer.benchmark.settings import BenchmarkSettings
from orienteer.comparison import CompareResult, compare
from orienteer.comparison.benchmark import write_benchmark
from orienteer.config import Tree
from orienteer.console import Bar
from orienteer.ingest import IngestOptions, ingest
from orienteer.store import Store
from orienteer.store.lock import only_one


@dataclass(frozen=True, eq=False)
class BenchmarkResult:
    """What a benchmark reached.

    Attributes:
        results: folder of records, table and report.
        comparison: what was rendered; None while nothing is finished.
        finished: jobs that are done.
        jobs: all there are.
        failures: errors by job.
    """

    results: Path
    comparison: CompareResult | None
    finished: int
    jobs: int
    failures: dict[str, str]


def benchmark(
    config: Path | str, out: Path | str, *, assign: tuple[str, ...] = (), progress: bool = True
) -> BenchmarkResult:
    """Run every job that is not done, then render what there is.

    Args:
        config: a YAML file, see ``benchmarks/*.yaml``.
        out: a folder; run again with the same one to go on. ``OUT/results`` holds all that is published.
        assign: settings as ``key=value`` over the file's.
        progress: show a progress bar on standard error.

    Raises:
        ConfigError: a setting is unknown or does not fit.
        RunError: the folder belongs to another configuration.
        StoreError: another benchmark is writing to it.
    """
    config, out = Path(config), Path(out)
    settings = BenchmarkSettings.load(config, assign)
    jobs = jobs_of(settings, out)
    alone = slots(settings.parallel) == 1
    shared = Shared(out / "store", settings.split, *view_sizes(settings, jobs), alone=alone)
    check_claim(settings, out)
    check_finished(jobs, settings.split, shared.drawn)
    out.mkdir(parents=True, exist_ok=True)
    with only_one(out, "benchmark"):
        sweep(out)
        return _run(settings, jobs, shared, config, out, progress)


def _run(
    settings: BenchmarkSettings, jobs: list[Job], shared: Shared, config: Path, out: Path, progress: bool
) -> BenchmarkResult:
    _ingest(settings, config.parent, shared.store, progress)
    write_text(out / CONFIG, yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
    todo = [job for job in jobs if not is_finished(job)]
    parallel = slots(settings.parallel)
    done = len(jobs) - len(todo)
    # Jobs are of many sizes, so the time left is not told from their number.
    with Bar(
        f"jobs, {parallel} at a time", len(jobs), done=done, shown=progress, keep=True, elapsed=True, log=False
    ) as bar:
        bar.update(done, _left(jobs, parallel))
        console = bar.console

        def tell(job: Job, error: str | None) -> None:
            left = _left(jobs, parallel)
            bar.advance(left)
            if error is None and not console.is_terminal:  # a log has no bar, and hours without a word look stuck
                done = f"{bar.done}/{len(jobs)} {job.name}"
                console.print(f"{done}; {left}" if left else done, highlight=False, markup=False, soft_wrap=True)
            # One failed run leaves dozens of jobs untried: its own line says enough.
            if error is not None and error != UNTRIED:
                console.print(f"failed: {job.name}: {error}", style="red", highlight=False, markup=False)

        try:
            failures = run_jobs(todo, shared, parallel=parallel, on_done=tell)
        except KeyboardInterrupt:
            _publish(settings, jobs, shared, config, out, {})  # what is finished can be looked at already
            raise
    return _publish(settings, jobs, shared, config, out, failures)


def _left(jobs: list[Job], parallel: int) -> str:
    left = time_left(groups_of(jobs), parallel)
    return f"{left} left" if left else ""


def _publish(
    settings: BenchmarkSettings, jobs: list[Job], shared: Shared, config: Path, out: Path, failures: Failures
) -> BenchmarkResult:
    """Write records, table and report of every finished job."""
    results = out / "results"
    write_benchmark(results, _document(settings, config, jobs))
    finished = collect(settings, jobs, Store.open(shared.store), results)
    measured = any(job.stage != "pretrain" and is_finished(job) for job in jobs)
    return BenchmarkResult(results, compare(results) if measured else None, finished, len(jobs), failures)


def _ingest(settings: BenchmarkSettings, base: Path, store: Path, progress: bool) -> None:
    data = settings.data
    where = {name: (base / path).resolve() if path else None for name, path in (
        ("scans", data.scans), ("labels", data.labels), ("table", data.table),
    )}  # fmt: skip
    assert where["scans"] is not None
    ingest(
        where["scans"], store, IngestOptions(spacing=data.spacing, labels=where["labels"], table=where["table"],
        keep_names=data.keep_names, progress=progress),
    )  # fmt: skip


def published(settings: BenchmarkSettings) -> Tree:
    """The configuration as records and pages show it: of data that is not public, no path, which may name somebody."""
    values = settings.model_dump(mode="json")
    if not settings.data.keep_names:
        values["data"] = {key: None if key in ("scans", "labels", "table") else v for key, v in values["data"].items()}
    return values


def _document(settings: BenchmarkSettings, config: Path, jobs: list[Job]) -> Tree:
    gpus = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
    versions = {version for job in jobs if (version := record_of(job).get("orienteer_version"))}
    return {
        "name": settings.name,
        "title": settings.title,
        "credit": settings.credit,
        # Of the jobs, not of the version that renders them again.
        "orienteer_version": ", ".join(sorted(versions)) or __version__,
        "environment": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "processor": f"{platform.machine()}, {os.cpu_count()} cores",
            "device": ", ".join(gpus) or "CPU",
            "at_a_time": slots(settings.parallel),
            "cells": len(jobs),
        },
        "tasks": tasks_shown(settings, jobs),
        "seeds": list(settings.seeds),
        "arms": [{"name": name, "label": arm.label, "role": arm.role} for name, arm in settings.arms.items()],
        "configuration": published(settings),
        "commands": [f"orienteer benchmark {config.name} OUT"],
    }
