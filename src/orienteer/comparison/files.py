"""The statistics as Parquet tables, for further analysis."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orienteer.atomic import write_with
from orienteer.comparison.statistics import Analysis

SCORES = pa.schema({
    "task": pa.string(), "mode": pa.string(), "labels": pa.int32(), "arm": pa.string(), "metric": pa.string(),
    "mean": pa.float64(), "low": pa.float64(), "high": pa.float64(), "sd_seeds": pa.float64(), "people": pa.int32(),
    "cases": pa.int32(), "seeds": pa.int32(), "undefined": pa.int32(), "numbers": pa.int32(),
})  # fmt: skip
COMPARISONS = pa.schema({
    "task": pa.string(), "mode": pa.string(), "labels": pa.int32(), "arm": pa.string(), "reference": pa.string(),
    "against": pa.string(), "gain": pa.float64(), "low": pa.float64(), "high": pa.float64(), "pairs": pa.int32(),
    "effect": pa.float64(), "p": pa.float64(), "p_holm": pa.float64(), "people": pa.int32(),
    "effect_people": pa.float64(), "p_people": pa.float64(), "p_people_holm": pa.float64(), "family": pa.int32(),
})  # fmt: skip
DIGITS = 10
"""Significant digits; beyond these, processors may differ."""


def write_scores(path: Path, analysis: Analysis) -> None:
    """One row for each task, mode, label count, arm and metric."""
    _write(path, SCORES, [{**key._asdict(), **vars(score)} for key, score in sorted(analysis.scores.items())])


def write_comparisons(path: Path, analysis: Analysis) -> None:
    """One row for each paired comparison."""
    rows = []
    for one in analysis.comparisons:
        row, person = one.paired.by_row, one.paired.by_person
        rows.append({
            "task": one.task, "mode": one.mode, "labels": one.labels, "arm": one.arm, "reference": one.reference,
            "against": one.against, "gain": one.paired.gain, "low": one.paired.low, "high": one.paired.high,
            "pairs": row.pairs, "effect": row.effect, "p": row.p, "p_holm": one.holm_row, "people": person.pairs,
            "effect_people": person.effect, "p_people": person.p, "p_people_holm": one.holm_person,
            "family": one.family,
        })  # fmt: skip
    _write(path, COMPARISONS, rows)


def _write(path: Path, schema: pa.Schema, rows: list[dict]) -> None:
    rounded = [
        {name: float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value for name, value in row.items()}
        for row in rows
    ]
    table = pa.Table.from_pylist(rounded, schema=schema)
    write_with(path, lambda part: pq.write_table(table, part, compression="zstd"))
