"""The benchmark's tables on disk and their columns, shared by the runner and the comparison."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from orienteer.atomic import write_with
from orienteer.comparison.benchmark import Benchmark, read_benchmark
from orienteer.errors import RunError
from orienteer.folders import RECORDS, Folder, mistaken, recognised

MODES = ("finetuned", "frozen")
STAGES = ("pretrain", "finetune", "frozen")


@dataclass(frozen=True)
class Layout:
    """Columns of one table: ``empty`` may hold nulls, ``once`` identify a row, ``later`` may lack in older records."""

    file: str
    schema: pa.Schema
    empty: tuple[str, ...]
    once: tuple[str, ...]
    later: tuple[str, ...] = ()


CASES = Layout(
    "cases.parquet",
    pa.schema({
        "task": pa.string(), "arm": pa.string(), "mode": pa.string(), "labels": pa.int32(), "seed": pa.int32(),
        "case": pa.string(), "person": pa.string(), "item": pa.string(), "metric": pa.string(), "value": pa.float64(),
    }),
    empty=("value",),
    once=("task", "arm", "mode", "labels", "seed", "case", "item", "metric"),
)  # fmt: skip
COSTS = Layout(
    "costs.parquet",
    pa.schema({
        "arm": pa.string(), "stage": pa.string(), "task": pa.string(), "labels": pa.int32(), "seed": pa.int32(),
        "seconds": pa.float64(), "cpu_seconds": pa.float64(), "peak_memory_mb": pa.float64(),
        "energy_j": pa.float64(), "device": pa.string(), "steps": pa.int32(), "identity": pa.string(),
    }),
    empty=("task", "labels", "seconds", "cpu_seconds", "peak_memory_mb", "energy_j", "steps", "identity"),
    once=(),  # one row a run
    later=("task", "steps", "identity"),
)  # fmt: skip
PRETEXT = Layout(
    "pretext.parquet",
    pa.schema({
        "arm": pa.string(), "seed": pa.int32(), "task": pa.string(), "measure": pa.string(), "title": pa.string(),
        "value": pa.float64(), "unit": pa.string(), "chance": pa.float64(), "skill": pa.float64(),
        "verdict": pa.string(),
    }),
    empty=("title", "value", "chance", "skill", "verdict"),
    once=("arm", "seed", "task", "measure"),
    later=("title",),
)  # fmt: skip
LEARNING = Layout(
    "learning.parquet",
    pa.schema({
        "task": pa.string(), "arm": pa.string(), "labels": pa.int32(), "seed": pa.int32(), "step": pa.int32(),
        "value": pa.float64(),
    }),
    empty=(),
    once=("task", "arm", "labels", "seed", "step"),
)  # fmt: skip


@dataclass(frozen=True)
class Records:
    """All measurements; what is None the benchmark did not write."""

    path: Path
    benchmark: Benchmark
    cases: pa.Table
    costs: pa.Table | None
    pretext: pa.Table | None
    learning: pa.Table | None


Rows = Iterable[Mapping[str, Any]]


def write_cases(results: Path, rows: Rows) -> None:
    """Write ``records/cases.parquet``: one row per measurement; NaN where it is not defined.

    Raises:
        RunError: a column is missing, unknown or of the wrong type, or a row stands twice.
    """
    _write(results, CASES, rows)


def write_costs(results: Path, rows: Rows) -> None:
    """Write ``records/costs.parquet``: time, processor time, memory and energy of each run; None where unknown.

    ``identity`` is the SHA-256 of all that decides the run's numbers, by which another benchmark can reuse it.

    Raises:
        RunError: a column is missing, unknown or of the wrong type.
    """
    _write(results, COSTS, rows)


def write_pretext(results: Path, rows: Rows) -> None:
    """Write ``records/pretext.parquet``: how well each arm learned its pretext task, on validation subjects.

    Raises:
        RunError: a column is missing, unknown or of the wrong type, or a row stands twice.
    """
    _write(results, PRETEXT, rows)


def write_learning(results: Path, rows: Rows) -> None:
    """Write ``records/learning.parquet``: scores on validation subjects while a network was fine-tuned, by step.

    Raises:
        RunError: a column is missing, unknown or of the wrong type, or a row stands twice.
    """
    _write(results, LEARNING, rows)


def read_records(results: Path) -> Records:
    """Read and check a benchmark's folder.

    Raises:
        RunError: naming the file and the column that is wrong.
    """
    if not (results / Folder.RESULTS.marker).is_file() or recognised(results) not in (None, Folder.RESULTS):
        raise mistaken(results, Folder.RESULTS)
    benchmark = read_benchmark(results)
    cases = _read(results, CASES, benchmark)
    if cases is None:
        raise RunError(f"{_path(results, CASES)} is missing", cure="run `orienteer benchmark` until a job is finished")
    costs, pretext, learning = (_read(results, each, benchmark) for each in (COSTS, PRETEXT, LEARNING))
    return Records(results, benchmark, cases, costs, pretext, learning)


def _path(results: Path, layout: Layout) -> Path:
    return results / RECORDS / layout.file


def _write(results: Path, layout: Layout, rows: Rows) -> None:
    path, known = _path(results, layout), set(layout.schema.names)
    listed = [dict(row) for row in rows]
    for row in listed:
        row.update(dict.fromkeys(layout.later, None) | row)
        if wrong := sorted(known ^ set(row)):
            problem = "lacks" if wrong[0] in known else "has the unknown column"
            raise RunError(
                f"a row for {path} {problem} {wrong[0]!r}", cure=f"its columns: {', '.join(layout.schema.names)}"
            )
    try:
        table = pa.Table.from_pylist(listed, schema=layout.schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise RunError(f"rows for {path} do not fit its columns: {error}", cure=f"types: {_types(layout)}") from None
    _check(table, layout, path)
    write_with(path, lambda part: pq.write_table(table, part, compression="zstd"))


def _read(results: Path, layout: Layout, benchmark: Benchmark) -> pa.Table | None:
    path = _path(results, layout)
    if not path.exists():
        return None
    try:
        found = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise RunError(
            f"cannot read {path}: {str(error).splitlines()[0]}", cure="run `orienteer benchmark` again"
        ) from None
    columns = []
    for name in layout.schema.names:
        if name in layout.later and name not in found.column_names:
            columns.append(pa.nulls(len(found), layout.schema.field(name).type))
            continue
        if name not in found.column_names:
            raise RunError(
                f"{path} lacks the column {name!r}", cure=f"it needs {', '.join(layout.schema.names)}; write it again"
            )
        kind = layout.schema.field(name).type
        try:
            columns.append(found.column(name).cast(kind))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise RunError(
                f"{path}: the column {name!r} holds {found.column(name).type}, not {kind}", cure="write it again"
            ) from None
    table = pa.table(columns, schema=layout.schema)
    _check(table, layout, path)
    _check_names(table, path, benchmark)
    return table


def _check(table: pa.Table, layout: Layout, path: Path) -> None:
    for name in layout.schema.names:
        if name not in layout.empty and table.column(name).null_count:
            raise RunError(f"{path}: the column {name!r} has rows without a value", cure="write a value in every row")
    for name, allowed in (("mode", MODES), ("stage", STAGES)):
        if name in layout.schema.names:
            _among(table, name, allowed, path, f"use {' or '.join(allowed)}")
    if layout.once and table.num_rows:
        sizes = table.group_by(list(layout.once)).aggregate([([], "count_all")])
        if pc.max(sizes.column("count_all")).as_py() > 1:
            first = sizes.filter(pc.greater(sizes.column("count_all"), 1)).slice(0, 1).to_pylist()[0]
            where = ", ".join(f"{name} {first[name]!r}" for name in layout.once)
            raise RunError(f"{path} holds a row twice: {where}", cure="write each measurement once")
    if layout is CASES and table.num_rows:
        pairs = table.group_by(["task", "case"]).aggregate([("person", "count_distinct")])
        torn = pairs.filter(pc.greater(pairs.column("person_count_distinct"), 1))
        if torn.num_rows:
            raise RunError(
                f"{path}: the column 'person' gives the case {torn.column('case')[0].as_py()!r} to several subjects",
                cure="one scan shows one subject; write the same person in all its rows",
            )


def _check_names(table: pa.Table, path: Path, benchmark: Benchmark) -> None:
    _among(table, "arm", tuple(arm.name for arm in benchmark.arms), path, "name it in benchmark.json")
    if "mode" in table.column_names or "step" in table.column_names:
        _among(table, "task", tuple(task.name for task in benchmark.tasks), path, "name it in benchmark.json")


def _among(table: pa.Table, column: str, allowed: tuple[str, ...], path: Path, cure: str) -> None:
    unknown = sorted(set(pc.unique(table.column(column)).to_pylist()) - set(allowed))
    if unknown:
        raise RunError(f"{path}: the column {column!r} holds the unknown {unknown[0]!r}", cure=cure)


def _types(layout: Layout) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in layout.schema)
