"""What each arm cost: time, memory, and energy where the machine reports it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from orienteer.comparison.benchmark import Benchmark
from orienteer.comparison.records import STAGES


@dataclass(frozen=True)
class StageCost:
    """One stage of an arm: means per run of one task, over runs that were measured completely.

    ``task`` is None where the records do not name it. Of the ``runs``, ``timed`` have ``seconds`` and ``metered`` have
    ``energy_j``; ``cpu_seconds`` is processor time, ``steps`` are the optimiser's, ``peak_memory_mb`` is the largest of
    all.
    """

    task: str | None
    runs: int
    timed: int
    seconds: float | None
    cpu_seconds: float | None
    energy_j: float | None
    metered: int
    peak_memory_mb: float | None
    steps: float | None
    devices: tuple[str, ...]


@dataclass(frozen=True)
class ArmCost:
    """All stages of one arm that were run."""

    arm: str
    stages: dict[str, StageCost]


def costs_of(table: pa.Table | None, benchmark: Benchmark) -> tuple[ArmCost, ...]:
    """Costs by arm in the benchmark's order; empty where no costs were recorded."""
    if table is None:
        return ()
    rows = _of_one_task(table.to_pylist(), benchmark)
    found = []
    for arm in benchmark.arms:
        stages = {
            stage: _stage(own)
            for stage in STAGES
            if (own := [row for row in rows if (row["arm"], row["stage"]) == (arm.name, stage)])
        }
        if stages:
            found.append(ArmCost(arm.name, stages))
    return tuple(found)


def _shown_task(rows: Iterable[dict], stage: str, benchmark: Benchmark) -> str | None:
    """The task whose cost stands for a stage: the first in the benchmark's order; None where no row names one."""
    named = {row["task"] for row in rows if row["stage"] == stage and row.get("task")}
    shown = [task.name for task in benchmark.tasks]
    # Probes of one task are several shown tasks whose names start with its name.
    order = {task: next((n for n, name in enumerate(shown) if _belongs(name, task)), len(shown)) for task in named}
    return min(named, key=lambda task: (order[task], task), default=None)


def _belongs(shown: str, task: str) -> bool:
    return shown == task or shown.startswith(f"{task}-")


def _of_one_task(rows: list[dict], benchmark: Benchmark) -> list[dict]:
    """Rows of one task per stage: runs of several tasks differ in length, and an arm may lack one."""
    shown = {stage: _shown_task(rows, stage, benchmark) for stage in STAGES}
    return [row for row in rows if row.get("task") == shown[row["stage"]]]


def _stage(rows: list[dict]) -> StageCost:
    seconds, energy, memory = (_known(rows, name) for name in ("seconds", "energy_j", "peak_memory_mb"))
    return StageCost(
        task=rows[0].get("task"),
        runs=len(rows),
        timed=len(seconds),
        seconds=_mean(seconds),
        cpu_seconds=_mean(_known(rows, "cpu_seconds")),
        energy_j=_mean(energy),
        metered=len(energy),
        peak_memory_mb=max(memory, default=None),
        steps=_mean(_known(rows, "steps")),
        devices=tuple(sorted({row["device"] for row in rows})),
    )


def _known(rows: list[dict], name: str) -> list[float]:
    # Sorted: sums do not depend on the order of the records.
    return sorted(row[name] for row in rows if row[name] is not None and np.isfinite(row[name]))


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
