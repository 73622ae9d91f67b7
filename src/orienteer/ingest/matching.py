"""The user's table in one ingest: its rows, and which of them is about which scan."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Self

from orienteer.errors import StoreError
from orienteer.ingest.columns import without_private
from orienteer.ingest.options import IngestOptions
from orienteer.ingest.result import counted
from orienteer.ingest.table import Row, read_table


@dataclass(frozen=True)
class Table:
    """The user's table as an ingest uses it.

    Attributes:
        path: the file; None where there is no table.
        rows: by their own ids, with the columns that may be stored.
        notes: on columns that are not stored.
        digest: SHA-256 of the file; empty without one.
    """

    path: Path | None = None
    rows: Mapping[str, Row] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    digest: str = ""

    @classmethod
    def of(cls, options: IngestOptions) -> Self:
        """Read the table that the options name.

        Raises:
            StoreError: it cannot be read, contradicts itself, or lacks a declared column.
        """
        if not options.table:
            return cls()
        path = Path(options.table)
        rows, digest = read_table(path), sha256(path.read_bytes()).hexdigest()
        if options.keep_names and options.columns is None:
            return cls(path, rows, (), digest)
        return cls(path, *without_private(rows, path, options.columns), digest)

    def check_about(self, ids: Collection[str]) -> None:
        """Refuse a table of which no row is about any scan: it is of other scans, or writes their ids another way.

        Raises:
            StoreError: the table has rows, and none of them answers to a scan.
        """
        known = {*ids, *map(base_name, ids)}
        if not self.rows or any(_wanted(row) in known for row in self.rows.values()):
            return
        raise StoreError(
            f"no row of the table {self.path} is about any of the scans: its ids are e.g. {next(iter(self.rows))!r}"
            f" ({counted(len(self.rows), 'row')}), those of the scans e.g. {min(ids)!r} ({counted(len(ids), 'scan')})",
            cure="give the table of these scans; an id is a scan's path below SCANS without its ending, or its file"
            " name",
        )


def match(rows: Mapping[str, Row], ids: Sequence[str]) -> tuple[dict[str, Row], list[str]]:
    """Which row belongs to which scan: by the whole id, else by the file's own name without folders.

    Returns:
        rows by scan id, and the ids of rows that no scan answers to.

    Raises:
        StoreError: a row's id fits several scans.
    """
    by_name = defaultdict(list)
    for scan_id in ids:
        by_name[base_name(scan_id)].append(scan_id)
    known, found, unused = set(ids), {}, []
    for row in rows.values():
        wanted = _wanted(row)
        if wanted in known:
            found[wanted] = row
        elif len(by_name[wanted]) > 1:
            raise StoreError(
                f"the table's id {row.id!r} fits several scans: {', '.join(by_name[wanted][:4])}",
                cure="write the longer id into the table",
            )
        elif by_name[wanted]:
            found[by_name[wanted][0]] = row
        else:
            unused.append(row.id)
    return found, unused


def _wanted(row: Row) -> str:
    """The scan's id that a row names: folders may be written as in the path or as in the id."""
    return row.id.replace("/", "__")


def base_name(scan_id: str) -> str:
    """The id without its folders: ``images__1000`` is ``1000``."""
    return scan_id.rpartition("__")[2] or scan_id
