"""How scores rise by step of fine-tuning, on validation subjects, and when an arm matches scratch's final score.

A seed's curve is made of the validations recorded during its training. Arms and seeds may end at different steps: an
arm's curve is the mean over its seeds, up to the last step that all of them have. Of an arm that has more seeds than
scratch, as while a benchmark runs, those of scratch count.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from orienteer.comparison.benchmark import Benchmark, Task


@dataclass(frozen=True)
class Learning:
    """How one arm learned, at one label count.

    Attributes:
        steps: at which every seed was validated, rising.
        means: over seeds, at those steps.
        lows: lowest over seeds.
        highs: highest over seeds.
        ends: last step of every seed, by seed.
        last: score at that step, by seed.
        reached: first step at which a seed is as good as scratch with that seed at its end, by seed; None for never.
    """

    steps: tuple[int, ...]
    means: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    ends: tuple[int, ...]
    last: tuple[float, ...]
    reached: tuple[int | None, ...]


Curve = Mapping[int, float]
"""Step to score of one seed."""


def learning_of(table: pa.Table | None, benchmark: Benchmark) -> dict[tuple[str, int, str], Learning]:
    """By task, labels and arm; empty where no validations were recorded."""
    if table is None:
        return {}
    seeds: dict[tuple[str, int, str], dict[int, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in table.to_pylist():
        if np.isfinite(row["value"]):
            seeds[row["task"], row["labels"], row["arm"]][row["seed"]][row["step"]] = row["value"]
    scratch = benchmark.scratch.name if benchmark.scratch else ""
    return {
        key: _learning(curves, seeds.get((key[0], key[1], scratch), {}), benchmark.task(key[0]))
        for key, curves in sorted(seeds.items())
    }


def _learning(curves: Mapping[int, Curve], scratch: Mapping[int, Curve], task: Task) -> Learning:
    shared = sorted(set(curves) & set(scratch))
    ordered = [curves[seed] for seed in shared or sorted(curves)]
    steps = sorted(set.intersection(*(set(curve) for curve in ordered)))
    values = np.array([[curve[step] for step in steps] for curve in ordered]).reshape(len(ordered), len(steps))
    return Learning(
        steps=tuple(steps),
        means=tuple(values.mean(axis=0).tolist()),
        lows=tuple(values.min(axis=0).tolist()),
        highs=tuple(values.max(axis=0).tolist()),
        ends=tuple(max(curve) for curve in ordered),
        last=tuple(curve[max(curve)] for curve in ordered),
        reached=tuple(_reached(curves[seed], scratch[seed], task) for seed in shared),
    )


def _reached(curve: Curve, scratch: Curve, task: Task) -> int | None:
    wanted = scratch[max(scratch)]
    return next((step for step in sorted(curve) if task.sign * (curve[step] - wanted) >= 0), None)
