"""Did each arm learn its own pretext task? Its metrics on validation subjects, over seeds."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from orienteer.comparison.benchmark import Benchmark
from orienteer.records.card import unlisted_metric


@dataclass(frozen=True)
class Learned:
    """One metric of one pretext task of one arm: means over seeds and the most frequent verdict.

    ``low`` and ``high`` are the extreme seeds, not an interval; ``skill`` is 0 at chance and 1 when perfect.
    """

    arm: str
    task: str
    measure: str
    title: str
    unit: str
    value: float | None
    low: float | None
    high: float | None
    chance: float | None
    skill: float | None
    verdict: str
    agreeing: int
    seeds: int


def learned_of(table: pa.Table | None, benchmark: Benchmark) -> tuple[Learned, ...]:
    """One row for each arm, task and metric, arms in the benchmark's order; empty where none were recorded."""
    if table is None:
        return ()
    rows = sorted(table.to_pylist(), key=lambda row: row["seed"])
    order = {arm.name: index for index, arm in enumerate(benchmark.arms)}
    keys = dict.fromkeys((row["arm"], row["task"], row["measure"]) for row in rows)
    return tuple(
        _learned([row for row in rows if (row["arm"], row["task"], row["measure"]) == key])
        for key in sorted(keys, key=lambda key: (order[key[0]], key[1:]))
    )


def _learned(rows: list[dict]) -> Learned:
    values = _known(rows, "value")
    verdict, agreeing = Counter(row["verdict"] or "" for row in rows).most_common(1)[0]
    return Learned(
        arm=rows[0]["arm"],
        task=rows[0]["task"],
        measure=rows[0]["measure"],
        title=rows[0]["title"] or unlisted_metric(rows[0]["measure"]).title,
        unit=rows[0]["unit"],
        value=_mean(values),
        low=min(values, default=None),
        high=max(values, default=None),
        chance=_mean(_known(rows, "chance")),
        skill=_mean(_known(rows, "skill")),
        verdict=verdict,
        agreeing=agreeing,
        seeds=len(rows),
    )


def _known(rows: list[dict], name: str) -> list[float]:
    return [row[name] for row in rows if row[name] is not None and np.isfinite(row[name])]


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None
