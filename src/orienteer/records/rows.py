"""Tables of observations: one row a pair, a walk, a point or a view, in Parquet."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orienteer.atomic import write_with
from orienteer.errors import RunError
from orienteer.records.observation import Rows


def write_rows(path: Path, rows: Rows) -> None:
    """Write a table to Parquet, atomically."""
    table = pa.table({name: pa.array(np.asarray(column)) for name, column in rows.items()})
    write_with(path, lambda part: pq.write_table(table, part, compression="zstd", write_page_checksum=True))


def read_rows(path: Path) -> dict[str, np.ndarray]:
    """Read a table written by ``write_rows``.

    Raises:
        RunError: the file is missing or damaged.
    """
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        return {name: table.column(name).to_numpy() for name in table.column_names}
    except (OSError, pa.ArrowException, ValueError) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0]
        raise RunError(f"cannot read {path}: {cause}", cure="run `orienteer evaluate` again") from error


def merge_rows(parts: Iterable[Rows], samples: Iterable[int]) -> dict[str, np.ndarray]:
    """Join the tables of several batches; each batch's ``sample`` column is moved past those before it.

    Args:
        parts: tables with equal columns.
        samples: how many samples each of them covers.
    """
    moved, offset = [], 0
    for rows, count in zip(parts, samples, strict=True):
        moved.append({**rows, "sample": np.asarray(rows["sample"]) + np.int32(offset)})
        offset += count
    return {name: np.concatenate([rows[name] for rows in moved]) for name in moved[0]} if moved else {}
