"""What each arm cost: time, energy where the machine tells it, and memory."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from orienteer.comparison.benchmark import Benchmark
from orienteer.comparison.records import STAGES


@dataclass(frozen=True)
class StageCost:
    """One stage of an arm: means of a run, over those that were measured whole.

    ``timed`` of the ``runs`` tell their ``seconds``, ``metered`` their ``energy_j``; ``cpu_seconds`` is processor time.
    ``peak_memory_mb`` is the largest of all.
    """

    runs: int
    timed: int
    seconds: float | None
    cpu_seconds: float | None
    energy_j: float | None
    metered: int
    peak_memory_mb: float | None
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
    rows = table.to_pylist()
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


def _stage(rows: list[dict]) -> StageCost:
    seconds, energy, memory = (_known(rows, name) for name in ("seconds", "energy_j", "peak_memory_mb"))
    return StageCost(
        runs=len(rows),
        timed=len(seconds),
        seconds=_mean(seconds),
        cpu_seconds=_mean(_known(rows, "cpu_seconds")),
        energy_j=_mean(energy),
        metered=len(energy),
        peak_memory_mb=max(memory, default=None),
        devices=tuple(sorted({row["device"] for row in rows})),
    )


def _known(rows: list[dict], name: str) -> list[float]:
    # Sorted: sums do not depend on the order of the records.
    return sorted(row[name] for row in rows if row[name] is not None and np.isfinite(row[name]))


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
