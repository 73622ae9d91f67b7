"""What each arm cost: time, energy where the machine tells it, and memory."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from orienteer.comparison.benchmark import Benchmark
from orienteer.comparison.records import STAGES


@dataclass(frozen=True)
class StageCost:
    """One stage of an arm: ``seconds`` is the mean of a run; ``energy_j`` too, over the ``metered`` runs that tell it.

    ``cpu_seconds`` is the mean processor time, None unless every run tells it; ``peak_memory_mb`` the largest of all.
    """

    runs: int
    seconds: float
    total_seconds: float
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
    seconds = np.sort([row["seconds"] for row in rows])  # sorted: sums do not depend on the order of the records
    processor = np.sort(_known(rows, "cpu_seconds"))
    energy = np.sort(_known(rows, "energy_j"))
    memory = _known(rows, "peak_memory_mb")
    return StageCost(
        runs=len(rows),
        seconds=float(seconds.mean()),
        total_seconds=float(seconds.sum()),
        cpu_seconds=float(processor.mean()) if processor.size == len(rows) else None,
        energy_j=float(energy.mean()) if energy.size else None,
        metered=energy.size,
        peak_memory_mb=max(memory) if memory else None,
        devices=tuple(sorted({row["device"] for row in rows})),
    )


def _known(rows: list[dict], name: str) -> list[float]:
    return [row[name] for row in rows if row[name] is not None and np.isfinite(row[name])]
