"""The scans of a store as columns of an Arrow file, mapped into memory and shared by all processes that read it.

One row a scan, sorted by id, one column a field of ``ScanEntry``. An entry is built when it is asked for.
"""

import hashlib
import itertools
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Self, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from orienteer.config import Config
from orienteer.errors import ConfigError, StoreError
from orienteer.store.entry import HEX, NO_PATH, Kind, ScanEntry
from orienteer.store.schema import NAMES, SCHEMA, TEXT, adapter, as_columns, plain

CURE = "run the same ingest again, which puts its copy back or reads the scans once more"

KEPT = 1024
"""Entries that are kept once they are built."""
CHUNK = 1024
"""Rows turned into Python values at once."""


class ScansFile(Config):
    """What a manifest says of the Arrow file that belongs to it."""

    rows: Annotated[int, Field(ge=0)]
    bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the file; its first 20 digits name it."""

    @classmethod
    def of(cls, rows: int, data: pa.Buffer) -> Self:
        """That of a file with these bytes."""
        return cls(rows=rows, bytes=data.size, sha256=hashlib.sha256(data).hexdigest())

    def is_in(self, path: Path) -> bool:
        """Whether a file holds these bytes."""
        try:
            with path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest() == self.sha256
        except OSError:
            return False


class Scans(Sequence[ScanEntry]):
    """What a store says of every scan, in the order of their ids; immutable.

    It travels to another process as the name of its file, which is mapped again there.

    Args:
        rows: as ``SCHEMA`` says, sorted by id.
        file: where they lie; None of rows in memory.

    Examples:
        >>> scans = store.scans
        >>> scans.row(scans[2].id), len(scans) == len(scans.column("shape"))
        (2, True)
    """

    def __init__(self, rows: pa.RecordBatch, file: tuple[Path, ScansFile] | None = None) -> None:
        self._mapped_rows = rows
        self._file = file
        self._recent: dict[str, ScanEntry] = {}

    @classmethod
    def of(cls, entries: Iterable[ScanEntry]) -> Self:
        """Columns of these entries, of which few are held at a time.

        Raises:
            ValueError: two of them have one id.
        """
        given = iter(entries)
        parts = [as_columns([])]
        while few := list(itertools.islice(given, CHUNK)):
            parts.append(as_columns(few))
        columns = [pa.concat_arrays(chunks) for chunks in zip(*parts, strict=True)]
        ids = columns[0]
        if not pc.all(pc.less(ids[:-1], ids[1:]), min_count=0).as_py():
            order = pc.sort_indices(ids)
            columns = [column.take(order) for column in columns]
            ids = columns[0]
            if (twice := pc.index(pc.equal(ids[:-1], ids[1:]), True).as_py()) >= 0:
                raise ValueError(f"two scans have the id {ids[twice].as_py()!r}")
        columns = [
            column.dictionary_encode() if field.type == TEXT else column
            for field, column in zip(SCHEMA, columns, strict=True)
        ]
        return cls(pa.record_batch(columns, schema=SCHEMA))

    @classmethod
    def open(cls, path: Path, written: ScansFile) -> Self:
        """Map a file that the manifest speaks of, and look at every byte of it.

        Raises:
            StoreError: it is not there, or not what was written.
        """
        try:
            with path.open("rb") as stream:
                whole = hashlib.file_digest(stream, "sha256").hexdigest() == written.sha256
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}", cure=CURE) from None
        if not whole:
            raise StoreError(f"{path} is damaged: its checksum differs", cure=CURE)
        scans = cls._mapped(path, written)
        scans._check()
        return scans

    @classmethod
    def _mapped(cls, path: Path, written: ScansFile) -> Self:
        try:
            with pa.memory_map(str(path)) as source:
                size = source.size()
                reader = pa.ipc.open_file(source)
                rows = reader.get_batch(0)
                alone = reader.num_record_batches == 1
        except (OSError, pa.ArrowException, IndexError, ValueError) as error:
            cause = (str(error).splitlines() or [type(error).__name__])[0]
            raise StoreError(f"cannot read {path}: {cause}", cure=CURE) from None
        if not alone or rows.schema != SCHEMA or (size, len(rows)) != (written.bytes, written.rows):
            raise StoreError(f"{path} is damaged: it does not hold what its manifest says", cure=CURE)
        return cls(rows, (path.absolute(), written))

    def _check(self) -> None:
        """Refuse what a forger may have written, whose checksum is right.

        Raises:
            StoreError: values that cannot be, of any scan.
        """
        try:
            self._rows.validate(full=True)
        except pa.ArrowException as error:
            raise StoreError(f"{self.origin} is damaged: {error}", cure=CURE) from None
        for field, column in zip(SCHEMA, self._rows.columns, strict=True):
            missing = column.null_count or (column.type == TEXT and column.dictionary.null_count)
            if missing and not field.nullable:
                raise StoreError(f"{self.origin} is damaged: {field.name} is not there", cure=CURE)
        for name, pattern in (("id", NO_PATH), ("content", HEX)):
            if not pc.all(pc.match_substring_regex(self._rows.column(name), pattern), min_count=0).as_py():
                raise StoreError(f"{self.origin} is damaged: {name} should match {pattern}", cure=CURE)
        if not pc.all(pc.less(self._ids[:-1], self._ids[1:]), min_count=0).as_py():
            raise StoreError(f"{self.origin} is damaged: its ids are not in order", cure=CURE)

    @property
    def _rows(self) -> pa.RecordBatch:
        """The rows, if they are all still there: to read mapped ones of a file that was cut would end the process.

        Raises:
            StoreError: the file has another length than when it was mapped.
        """
        if self._file:
            path, written = self._file
            try:
                size = path.stat().st_size
            except OSError:  # replaced by a later ingest: what is mapped stays
                size = written.bytes
            if size != written.bytes:
                raise StoreError(
                    f"{path} was changed while it was in use: {size:,} bytes where {written.bytes:,} were written",
                    cure=CURE,
                )
        return self._mapped_rows

    @property
    def _ids(self) -> pa.Array:
        return self._rows.column(0)

    @property
    def origin(self) -> str:
        """The file, for messages."""
        return str(self._file[0]) if self._file else "the manifest"

    def to_buffer(self) -> pa.Buffer:
        """The bytes of an Arrow IPC file; the same for the same scans."""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, SCHEMA) as writer:
            writer.write_batch(self._rows)
        return sink.getvalue()

    def __len__(self) -> int:
        return int(self._mapped_rows.num_rows)

    @overload
    def __getitem__(self, index: int) -> ScanEntry: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[ScanEntry, ...]: ...
    def __getitem__(self, index: int | slice) -> ScanEntry | tuple[ScanEntry, ...]:
        if isinstance(index, slice):
            return tuple(self[row] for row in range(*index.indices(len(self))))
        (entry,) = self._entries(self._rows.slice(range(len(self))[index], 1))
        return entry

    def __iter__(self) -> Iterator[ScanEntry]:
        for start in range(0, len(self), CHUNK):
            yield from self._entries(self._rows.slice(start, CHUNK))

    def chosen(self, rows: NDArray[np.int64]) -> Iterator[ScanEntry]:
        """The entries of some rows, in the order given; far quicker than one by one."""
        for start in range(0, len(rows), CHUNK):
            yield from self._entries(self._rows.take(pa.array(rows[start : start + CHUNK])))

    def named(self, scan_id: str) -> ScanEntry:
        """The entry of one scan.

        Raises:
            KeyError: no scan has this id.
        """
        if (known := self._recent.get(scan_id)) is not None:
            return known
        entry = self[self.row(scan_id)]
        if len(self._recent) >= KEPT:
            self._recent.clear()
        self._recent[scan_id] = entry
        return entry

    def row(self, scan_id: str) -> int:
        """Where a scan is among all of them.

        Raises:
            KeyError: no scan has this id.
            StoreError: the file was cut since it was opened, as all that reads it says.
        """
        ids = self._ids
        row = bisect_left(range(len(self)), scan_id, key=lambda n: str(ids[n]))
        if row == len(self) or str(ids[row]) != scan_id:
            raise KeyError(scan_id)
        return row

    def rows(self, scan_ids: Iterable[str]) -> NDArray[np.int64]:
        """``row`` of many scans.

        Raises:
            KeyError: no scan has one of these ids.
        """
        wanted = pa.array(scan_ids, pa.string())
        found = pc.index_in(wanted, value_set=self._ids)
        if found.null_count:
            raise KeyError(wanted[pc.index(found.is_null(), True).as_py()].as_py())
        rows: NDArray[np.int64] = found.to_numpy().astype(np.int64)
        return rows

    def column(self, name: str, rows: NDArray[np.int64] | None = None) -> list[Any]:
        """One field of all scans, or of some in the order given, each value as the entry has it.

        Far quicker than to build the entries. Values may be one object where scans share them.

        Raises:
            StoreError: values that the field does not take, of a file that somebody else wrote.

        Examples:
            >>> sorted(set(store.scans.column("split")))
            ['test', 'train', 'val']
        """
        values = self._rows.column(name)
        chosen = values if rows is None else values.take(pa.array(rows))
        with self._damage():
            return adapter(name).validate_python(plain(name, chosen))

    def shapes(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """``(N, 3)`` voxels of all scans, or of some in the order given."""
        every: NDArray[np.int64] = self._rows.column("shape").flatten().to_numpy().reshape(-1, 3)
        return every if rows is None else every[rows]

    def digests(self, kind: Kind) -> list[str | None]:
        """SHA-256 of one array of every scan; None of scans that have none."""
        digests: list[str | None] = pc.struct_field(self._rows.column("arrays"), [kind, "sha256"]).to_pylist()
        return digests

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scans):
            return NotImplemented
        same: bool = self._rows.equals(other._rows)
        return same or (len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True)))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} scans)"

    def __reduce__(self) -> tuple[Callable[..., "Scans"], tuple[Any, ...]]:
        if self._file and self._file[0].is_file():
            return type(self)._mapped, self._file
        return _unpacked, (self.to_buffer().to_pybytes(),)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def build(values: Any, entries: core_schema.ValidatorFunctionWrapHandler) -> Scans:
            return values if isinstance(values, Scans) else cls.of(entries(values))

        def dump(scans: Scans, info: core_schema.SerializationInfo) -> list[dict[str, Any]]:
            return [entry.model_dump(mode=info.mode) for entry in scans]

        return core_schema.no_info_wrap_validator_function(
            build,
            handler.generate_schema(list[ScanEntry]),
            serialization=core_schema.plain_serializer_function_ser_schema(dump, info_arg=True),
        )

    def _entries(self, rows: pa.RecordBatch) -> Iterator[ScanEntry]:
        with self._damage():
            columns = [plain(name, column) for name, column in zip(NAMES, rows.columns, strict=True)]
            built = [
                ScanEntry.build(dict(zip(NAMES, row, strict=True)), origin=self.origin)
                for row in zip(*columns, strict=True)
            ]
        yield from built

    @contextmanager
    def _damage(self) -> Iterator[None]:
        """Tell of values that no field takes.

        Raises:
            StoreError: there are such values.
        """
        try:
            yield
        except ConfigError as error:
            raise StoreError(f"{error.message} (damaged, or not written by Orienteer)", cure=CURE) from None
        except (ValueError, RecursionError) as error:
            cause = (str(error).splitlines() or [type(error).__name__])[0]
            raise StoreError(f"{self.origin} is damaged: {cause}", cure=CURE) from None


def _unpacked(data: bytes) -> Scans:
    return Scans(pa.ipc.open_file(pa.py_buffer(data)).get_batch(0))
