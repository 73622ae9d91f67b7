"""``benchmark``: one configuration becomes records, a table and a report; resumes where it stopped."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml
from rich.console import Console

from orienteer import __version__
from orienteer.atomic import make_folder, sweep, write_text
from orienteer.benchmark.claim import CONFIG, check_claim
from orienteer.benchmark.collect import collect, tasks_shown
from orienteer.benchmark.finished import check_beginnings, check_data, check_finished, is_finished, record_of
from orienteer.benchmark.imported import find_imports
from orienteer.benchmark.job import Shared
from orienteer.benchmark.notes import about_atlases, about_labels, about_left_out, about_reused
from orienteer.benchmark.on_cluster import run_on
from orienteer.benchmark.outlook import groups_of, time_left
from orienteer.benchmark.plan import BEGINNINGS, Job, jobs_of, view_sizes
from orienteer.benchmark.pool import UNTRIED, Failures, Run, run_here, run_jobs, slots
from orienteer.benchmark.process import JOB
from orienteer.benchmark.reuse import Identities, Reused, reusable
from orienteer.benchmark.settings import BenchmarkSettings
from orienteer.cluster.open import open_cluster, require_cluster
from orienteer.comparison import CompareResult, compare
from orienteer.comparison.benchmark import write_benchmark
from orienteer.config import Tree
from orienteer.console import Bar, to_stderr
from orienteer.folders import Folder, in_order, settings_in, to_make
from orienteer.ingest import IngestOptions, IngestResult, ingest
from orienteer.processes import available_cores, processes_with
from orienteer.runs.record import environment
from orienteer.sampling import ViewSettings
from orienteer.sampling.fitting import fitting
from orienteer.signals import Asked
from orienteer.store import Store
from orienteer.store.lock import only_one
from orienteer.training.devices import resolve
from orienteer.training.settings import DeviceSettings
from orienteer.units import counted


@dataclass(frozen=True, eq=False)
class BenchmarkResult:
    """The state of a benchmark after a call.

    Attributes:
        results: folder of records, table and report.
        comparison: the rendered comparison; None while nothing is measured.
        finished: number of finished jobs.
        jobs: number of all jobs.
        failures: error by job name.
    """

    results: Path
    comparison: CompareResult | None
    finished: int
    jobs: int
    failures: dict[str, str]


def benchmark(
    config: Path | str,
    out: Path | str,
    *,
    assign: tuple[str, ...] = (),
    cluster: str | None = None,
    reuse: Path | str | None = None,
    progress: bool = True,
) -> BenchmarkResult:
    """Run every unfinished job, then render the results so far.

    Args:
        config: a YAML file, see ``benchmarks/*.yaml``.
        out: a folder; the same folder resumes. ``OUT/results`` holds all that is published.
        assign: settings as ``key=value`` over the file's.
        cluster: where to run jobs instead of here: ``tcp://HOST:8786`` of a scheduler of Dask, ``slurm:8`` for eight
            jobs of Slurm, or ``local``.
        reuse: a folder of results; the records of jobs that it has, made in the same way from the same scans, are
            used instead of running these jobs.
        progress: show a progress bar on standard error.

    Raises:
        ConfigError: a setting is unknown or does not fit, or the cluster is none.
        RunError: the folder belongs to another configuration, or ``reuse`` holds no results that say how they were
            made.
        StoreError: another benchmark is writing to it.
        OrienteerError: the cluster is not there, or no worker of it can help.
    """
    config, out = Path(config), Path(out)
    in_order("orienteer benchmark {} {}", settings_in(config), to_make(out, Folder.BENCHMARK))
    if cluster is not None:
        require_cluster(cluster)
        config, out = config.absolute(), out.absolute()  # workers know no paths that are relative to our folder
    settings = BenchmarkSettings.load(config, assign)
    jobs = jobs_of(settings, out, find_imports(settings, config.parent))
    alone = cluster is None and slots(settings.parallel) == 1
    shared = Shared(out / "store", settings.split, *view_sizes(settings, jobs), alone=alone)
    check_claim(settings, out, jobs)
    check_finished(jobs, settings.split, shared.drawn)
    check_beginnings(jobs)
    make_folder(out)
    with only_one(out, "benchmark"):
        sweep(out)
        return _run(settings, jobs, shared, config, out, cluster, progress, None if reuse is None else Path(reuse))


def _run(
    settings: BenchmarkSettings,
    jobs: list[Job],
    shared: Shared,
    config: Path,
    out: Path,
    cluster: str | None,
    progress: bool,
    reuse: Path | None,
) -> BenchmarkResult:
    processes_with(JOB)  # before the ingest starts processes that have only what an ingest needs
    console = to_stderr(shown=progress)
    records = None if reuse is None else reusable(reuse)  # refused before anything is written
    for line in about_left_out(_ingest(settings, config.parent, shared.store, cluster, progress)):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    write_text(out / CONFIG, yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
    store = Store.open(shared.store)
    check_data(jobs, store)
    identities = Identities(jobs, store, settings.split, (shared.view, shared.drawn))
    reused = Reused.of(records, jobs, identities)
    if told := about_reused(reuse, reused, jobs, out / "results"):
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    publish = partial(_publish, settings, jobs, identities, config, out, reused)
    jobs = [job for job in jobs if job.folder not in reused.folders]
    todo = [job for job in jobs if not is_finished(job)]
    done = len(jobs) - len(todo)
    for line in about_labels(todo, store, settings.split):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    with (
        _workers(settings, cluster if todo else None, out, console) as (run, parallel),
        # Jobs differ in length, so their number does not give the time left.
        Bar(
            f"jobs, {parallel} at a time", len(jobs), done=done, console=console, shown=progress, keep=True,
            elapsed=True, log=False,
        ) as bar,
    ):  # fmt: skip
        bar.update(done, _left(jobs, parallel))

        def report(job: Job, error: str | None) -> None:
            left = _left(jobs, parallel)
            bar.advance(left)
            if error is None and not console.is_terminal:  # a log has no bar, and hours of silence look stuck
                done = f"{bar.done}/{len(jobs)} {job.name}"
                console.print(f"{done}; {left}" if left else done, highlight=False, markup=False, soft_wrap=True)
            # One failed run leaves dozens of jobs untried: one line is enough.
            if error is not None and error != UNTRIED:
                console.print(f"failed: {job.name}: {error}", style="red", highlight=False, markup=False)

        try:
            failures = run_jobs(todo, shared, run, report)
        except KeyboardInterrupt as error:
            if not (isinstance(error, Asked) and error.number == signal.SIGTERM):  # which gives a few seconds only
                publish(parallel, {})  # finished jobs can be read already
            raise
    if told := about_atlases(jobs):
        console.print(told, highlight=False, markup=False, soft_wrap=True)
    return publish(parallel, failures)


@contextmanager
def _workers(
    settings: BenchmarkSettings, cluster: str | None, out: Path, console: Console
) -> Iterator[tuple[Run, int]]:
    """How jobs are run, and how many at a time."""
    parallel = slots(settings.parallel)
    if cluster is None:
        yield partial(run_here, parallel=parallel), parallel
        return
    say = partial(console.print, markup=False, soft_wrap=True)
    threads = max(1, available_cores() // parallel)
    with open_cluster(cluster, out, {}, workers=parallel, threads=threads, say=say) as opened:
        yield partial(run_on, opened), opened.workers()


def _left(jobs: list[Job], parallel: int) -> str:
    left = time_left(groups_of(jobs), parallel)
    return f"{left} left" if left else ""


def _publish(
    settings: BenchmarkSettings,
    jobs: list[Job],
    identities: Identities,
    config: Path,
    out: Path,
    reused: Reused,
    parallel: int,
    failures: Failures,
) -> BenchmarkResult:
    """Write records, table and report of every finished job."""
    results = out / "results"
    write_benchmark(results, _document(settings, config, jobs, parallel, _too_small(identities), reused))
    finished = collect(settings, jobs, identities, results, reused)
    measured = any(job.stage not in BEGINNINGS and (is_finished(job) or job.folder in reused.folders) for job in jobs)
    return BenchmarkResult(results, compare(results) if measured else None, finished, len(jobs), failures)


def _ingest(settings: BenchmarkSettings, base: Path, store: Path, cluster: str | None, progress: bool) -> IngestResult:
    data = settings.data
    labels, table = ((base / path).resolve() if path else None for path in (data.labels, data.table))
    options = IngestOptions(
        spacing=data.spacing,
        intensities=data.intensities,
        labels=labels,
        table=table,
        keep_names=data.keep_names,
        cluster=cluster,
        progress=progress,
    )
    return ingest((base / data.scans).resolve(), store, options)


def published(settings: BenchmarkSettings) -> Tree:
    """The configuration for records and pages, without the paths of private data, which may hold names."""
    values = settings.model_dump(mode="json")
    if not settings.data.keep_names:
        values["data"] = {key: None if key in ("scans", "labels", "table") else v for key, v in values["data"].items()}
    for arm in values["arms"].values():
        if arm["imported"]:
            name = Path(arm["imported"]["weights"]).name if settings.data.keep_names else None
            arm["imported"] |= {"weights": name, "contract": None}
    return values


def _too_small(identities: Identities) -> str:
    """Scans in which no view of the largest size fits, so that places in them are not probed; in words."""
    store, (_, drawn) = identities.store, identities.sizes
    ids = (*store.ids("train"), *store.ids(identities.split))
    small = len(ids) - len(fitting(store, ids, ViewSettings(count=2, size=drawn)).ids)
    return f"{counted(small, 'scan')} too small for views of {drawn} voxels left out" if small else ""


def _machines(records: Sequence[Tree]) -> dict[str, str]:
    """On what the jobs ran, as their records say; what none of them says is of this machine."""
    here = environment(resolve(DeviceSettings()))
    told = {
        name: "; ".join(sorted({str(record[name]) for record in records if record.get(name)}))
        for name in ("python", "torch", "processor", "device")
    }
    return {name: value or str(getattr(here, name)) for name, value in told.items()}


def _document(
    settings: BenchmarkSettings, config: Path, jobs: list[Job], parallel: int, too_small: str, reused: Reused
) -> dict[str, object]:
    origins = {job.arm: job.imported.words for job in jobs if job.imported is not None}
    records = [record_of(job) for job in jobs]
    versions = {version for record in records if (version := record.get("orienteer_version"))}
    if reused.records is not None and reused.jobs:
        versions |= set(reused.records.benchmark.orienteer_version.split(", "))
    return {
        "name": settings.name,
        "title": settings.title,
        "credit": settings.credit,
        # The versions that ran the jobs, not the one that renders them.
        "orienteer_version": ", ".join(sorted(versions)) or __version__,
        "environment": {
            **_machines(records),
            "at_a_time": parallel,
            "cells": len(jobs),
            **({"reused": reused.words} if reused.jobs else {}),
        },
        "tasks": tasks_shown(settings, jobs, too_small),
        "seeds": list(settings.seeds),
        "arms": [
            {
                "name": name,
                "label": arm.label,
                "role": arm.role,
                "origin": origins.get(name, ""),
                "labels": list(arm.labelled_scans),
            }
            for name, arm in settings.arms.items()
        ],
        "configuration": published(settings),
        "commands": [f"orienteer benchmark {config.name} OUT" + (" --reuse RESULTS" if reused.jobs else "")],
    }
