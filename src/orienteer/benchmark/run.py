"""``benchmark``: from one configuration to records, a table and a report; resumes where it stopped."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml

from orienteer import __version__
from orienteer.atomic import sweep, write_text
from orienteer.benchmark.cell import Shared
from orienteer.benchmark.claim import CONFIG, check_claim
from orienteer.benchmark.collect import collect, tasks_shown
from orienteer.benchmark.finished import check_finished, is_finished, record_of
from orienteer.benchmark.outlook import groups_of, time_left
from orienteer.benchmark.plan import Cell, cells_of, view_sizes
from orienteer.benchmark.pool import UNTRIED, Failures, run_cells, slots
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
        finished: cells that are done.
        cells: all there are.
        failures: errors by cell.
    """

    results: Path
    comparison: CompareResult | None
    finished: int
    cells: int
    failures: dict[str, str]


def benchmark(
    config: Path | str, out: Path | str, *, assign: tuple[str, ...] = (), progress: bool = True
) -> BenchmarkResult:
    """Run every cell that is not done, then render what there is.

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
    cells = cells_of(settings, out)
    alone = slots(settings.parallel) == 1
    shared = Shared(out / "store", settings.split, *view_sizes(settings, cells), alone=alone)
    check_claim(settings, out)
    check_finished(cells, settings.split, shared.drawn)
    out.mkdir(parents=True, exist_ok=True)
    with only_one(out, "benchmark"):
        sweep(out)
        return _run(settings, cells, shared, config, out, progress)


def _run(
    settings: BenchmarkSettings, cells: list[Cell], shared: Shared, config: Path, out: Path, progress: bool
) -> BenchmarkResult:
    _ingest(settings, config.parent, shared.store, progress)
    write_text(out / CONFIG, yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False))
    todo = [cell for cell in cells if not is_finished(cell)]
    parallel = slots(settings.parallel)
    done = len(cells) - len(todo)
    # Cells are of many sizes, so the time left is not told from their number.
    with Bar(
        f"cells, {parallel} at a time", len(cells), done=done, shown=progress, keep=True, elapsed=True, log=False
    ) as bar:
        bar.update(done, _left(cells, parallel))
        console = bar.console

        def tell(cell: Cell, error: str | None) -> None:
            left = _left(cells, parallel)
            bar.advance(left)
            if error is None and not console.is_terminal:  # a log has no bar, and hours without a word look stuck
                done = f"{bar.done}/{len(cells)} {cell.name}"
                console.print(f"{done}; {left}" if left else done, highlight=False, markup=False, soft_wrap=True)
            # One failed run leaves dozens of cells untried: its own line says enough.
            if error is not None and error != UNTRIED:
                console.print(f"failed: {cell.name}: {error}", style="red", highlight=False, markup=False)

        try:
            failures = run_cells(todo, shared, parallel=parallel, on_done=tell)
        except KeyboardInterrupt:
            _publish(settings, cells, shared, config, out, {})  # what is finished can be looked at already
            raise
    return _publish(settings, cells, shared, config, out, failures)


def _left(cells: list[Cell], parallel: int) -> str:
    left = time_left(groups_of(cells), parallel)
    return f"{left} left" if left else ""


def _publish(
    settings: BenchmarkSettings, cells: list[Cell], shared: Shared, config: Path, out: Path, failures: Failures
) -> BenchmarkResult:
    """Write records, table and report of every finished cell."""
    results = out / "results"
    write_benchmark(results, _document(settings, config, cells))
    finished = collect(settings, cells, Store.open(shared.store), results)
    measured = any(cell.stage != "pretrain" and is_finished(cell) for cell in cells)
    return BenchmarkResult(results, compare(results) if measured else None, finished, len(cells), failures)


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


def _document(settings: BenchmarkSettings, config: Path, cells: list[Cell]) -> Tree:
    gpus = [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())]
    versions = {version for cell in cells if (version := record_of(cell).get("orienteer_version"))}
    return {
        "name": settings.name,
        "title": settings.title,
        "credit": settings.credit,
        # Of the cells, not of the version that renders them again.
        "orienteer_version": ", ".join(sorted(versions)) or __version__,
        "environment": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "processor": f"{platform.machine()}, {os.cpu_count()} cores",
            "device": ", ".join(gpus) or "CPU",
            "at_a_time": slots(settings.parallel),
            "cells": len(cells),
        },
        "tasks": tasks_shown(settings, cells),
        "seeds": list(settings.seeds),
        "arms": [{"name": name, "label": arm.label, "role": arm.role} for name, arm in settings.arms.items()],
        "configuration": published(settings),
        "commands": [f"orienteer benchmark {config.name} OUT"],
    }
