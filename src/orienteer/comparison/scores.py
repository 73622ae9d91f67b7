"""Scores: the mean over structures for each case and seed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from orienteer.comparison.benchmark import Benchmark, Task
from orienteer.comparison.records import MODES


class Key(NamedTuple):
    """What one cell of a table holds."""

    task: str
    mode: str
    labels: int
    arm: str
    metric: str


@dataclass(frozen=True)
class Cell:
    """The scores of one key as columns: one row for each case and seed with a defined score.

    ``undefined`` of the ``numbers`` measured were NaN and left out.
    """

    cases: NDArray[np.str_]
    people: NDArray[np.str_]
    seeds: NDArray[np.int64]
    values: NDArray[np.float64]
    undefined: int
    numbers: int


def cells_of(cases: pa.Table) -> dict[Key, Cell]:
    """Scores by key, rows sorted by case and seed."""
    grouped = _means(cases, [*Key._fields, "case", "person", "seed"])
    rows: dict[Key, list[dict]] = defaultdict(list)
    for row in grouped.to_pylist():
        rows[Key(*(row[name] for name in Key._fields))].append(row)
    return {key: _cell(found) for key, found in sorted(rows.items())}


def columns(benchmark: Benchmark, keys: Iterable[Key]) -> Iterator[tuple[Task, str, int]]:
    """Task, mode and label count of every table column, in display order."""
    present = {(key.task, key.mode, key.labels) for key in keys}
    for task in benchmark.tasks:
        for mode in MODES:
            for labels in sorted(found for name, kind, found in present if (name, kind) == (task.name, mode)):
                yield task, mode, labels


def item_means(cases: pa.Table, task: str, metric: str) -> Mapping[tuple[str, int, str, str], float]:
    """Mean of each structure over cases and seeds, by ``(mode, labels, arm, item)``; unnamed items are skipped."""
    wanted = cases.filter((pc.field("task") == task) & (pc.field("metric") == metric) & (pc.field("item") != ""))
    rows = _means(wanted, ["mode", "labels", "arm", "item"]).to_pylist()
    return {
        (row["mode"], row["labels"], row["arm"], row["item"]): row["value_mean"]
        for row in rows
        if row["value_mean"] is not None
    }


def _means(table: pa.Table, keys: list[str]) -> pa.Table:
    value = table.column("value").combine_chunks()
    # Arrow leaves nulls out of a mean; infinity (a distance to nothing) is as undefined as NaN.
    table = table.set_column(
        table.column_names.index("value"),
        "value",
        pc.if_else(pc.is_finite(value), value, pa.scalar(None, pa.float64())),
    )
    # Sorted and single-threaded: sums in another order differ in the last digit.
    table = table.sort_by([(name, "ascending") for name in [*keys, "item"] if name in table.column_names])
    grouped = table.group_by(keys, use_threads=False).aggregate(
        [("value", "mean"), ("value", "count", pc.CountOptions("only_null")), ([], "count_all")]
    )
    return grouped.sort_by([(name, "ascending") for name in keys])


def _cell(rows: list[dict]) -> Cell:
    defined = [row for row in rows if row["value_mean"] is not None]
    return Cell(
        cases=np.array([row["case"] for row in defined], dtype=np.str_),
        people=np.array([row["person"] for row in defined], dtype=np.str_),
        seeds=np.array([row["seed"] for row in defined], dtype=np.int64),
        values=np.array([row["value_mean"] for row in defined], dtype=np.float64),
        undefined=sum(row["value_count"] for row in rows),
        numbers=sum(row["count_all"] for row in rows),
    )
