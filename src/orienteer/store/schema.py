"""Which column of an Arrow file each field of ``ScanEntry`` is, and how its values are written in it."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, get_args

import pyarrow as pa
from pydantic import TypeAdapter

from orienteer.store.entry import Kind, ScanEntry

TEXT = pa.dictionary(pa.int32(), pa.string())
"""Values that many scans share, each written once: as they are, or as JSON."""
JSON = ("channel_names", "structures", "ignored", "table", "findings")
"""Columns that hold JSON."""

TRIPLE = pa.list_(pa.int64(), 3)
ARRAY = pa.struct([("bytes", pa.int64()), ("sha256", pa.string())])

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("person", pa.string(), nullable=False),
        pa.field("split", TEXT, nullable=False),
        pa.field("channels", pa.int64(), nullable=False),
        pa.field("channel_names", TEXT, nullable=False),
        pa.field("shape", TRIPLE, nullable=False),
        pa.field("spacing", pa.float64(), nullable=False),
        pa.field("voxel_mm", pa.list_(pa.float64(), 3)),
        pa.field("affine", pa.list_(pa.list_(pa.float64(), 4)), nullable=False),
        pa.field(
            "intensity",
            pa.list_(pa.struct([(name, pa.float64()) for name in ("slope", "intercept", "low", "high")])),
            nullable=False,
        ),
        pa.field("foreground_low", TRIPLE, nullable=False),
        pa.field("foreground_high", TRIPLE, nullable=False),
        pa.field("labelled", pa.bool_(), nullable=False),
        pa.field("structures", TEXT, nullable=False),
        pa.field("ignored", TEXT, nullable=False),
        pa.field("table", TEXT, nullable=False),
        pa.field("content", pa.string(), nullable=False),
        pa.field("arrays", pa.struct([(kind, ARRAY) for kind in sorted(get_args(Kind))]), nullable=False),
        pa.field("findings", TEXT, nullable=False),
    ]
)

NAMES: tuple[str, ...] = tuple(SCHEMA.names)


def as_columns(entries: Sequence[ScanEntry]) -> list[pa.Array]:
    """Columns of some entries, those that share values not yet encoded."""
    dumped = [entry.model_dump() for entry in entries]
    return [_array([row[field.name] for row in dumped], field) for field in SCHEMA]


def _array(values: list[Any], field: pa.Field) -> pa.Array:
    """Values of one field of dumped entries."""
    if field.type != TEXT:
        return pa.array(values, field.type)
    return pa.array([json.dumps(value) for value in values] if field.name in JSON else values, pa.string())


def plain(name: str, column: pa.Array) -> list[Any]:
    """Values that pydantic takes for the field of this name."""
    if column.type == TEXT:
        codes, shared = column.indices.to_pylist(), column.dictionary
        read = json.loads if name in JSON else str
        known = {code: read(shared[code].as_py()) for code in set(codes)}
        return [known[code] for code in codes]
    values: list[Any] = column.to_pylist()
    if name == "arrays":
        return [{kind: array for kind, array in each.items() if array is not None} for each in values]
    return values


@lru_cache
def adapter(name: str) -> TypeAdapter[list[Any]]:
    """Turns plain values of a field into those of an entry."""
    field: Any = ScanEntry.model_fields[name].annotation
    return TypeAdapter(list[field])
