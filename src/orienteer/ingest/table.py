"""The user's table of scans: who is on which scan, in which split, and which row is about which scan."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from orienteer.errors import StoreError
from orienteer.ingest.result import counted, some
from orienteer.ingest.split import split_name
from orienteer.ingest.spreadsheet import EXAMPLE, Sheet, plain, read_sheet, with_points
from orienteer.scans.formats.registry import without_extension
from orienteer.scans.source import SEPARATOR
from orienteer.scans.stems import names_in, one_spelling

_SUBJECT = "person subject participantid patient patientid subjectid subjid participant personid ptid mrn"
SUBJECT = tuple(_SUBJECT.split())
"""What the column of people may be called, see ``names_people_in``; the first that is there names them."""

EMPTY = frozenset({"", "na", "n/a", "nan", "none", "null", "-", "?", "."})
"""How tables write that a value is missing, in small letters; BIDS prescribes ``n/a``."""

NOBODY = EMPTY | {"unknown", "missing", "#n/a"}
"""The same in the column of people, where no word is a category."""

ZEROS = "; a spreadsheet took their leading zeros away: give the column of ids the format Text"


@dataclass(frozen=True)
class Row:
    """One scan's line; ``split`` is empty where the table does not say, else as ``split_name`` has it.

    ``of_person``: a person's line, about all scans whose name or folder begins with that person's. ``named``: it says
    who is on the scan, be it by the scan's own name.
    """

    id: str
    subject: str
    split: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    of_person: bool = False
    named: bool = field(default=False, compare=False)


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

    @property
    def names_people(self) -> bool:
        """Whether it says of any scan that it is of somebody."""
        return any(row.named for row in self.rows.values())

    def check_about(self, ids: Collection[str]) -> None:
        """Refuse a table of which no row is about any scan: it is of other scans, or writes their ids another way.

        Raises:
            StoreError: the table has rows, and none of them answers to a scan.
        """
        ids = [plain(scan) for scan in ids]
        known = {*ids, *map(base_name, ids)}
        if any(row.of_person for row in self.rows.values()):
            known |= {name for scan in ids for name, _ in names_in(scan)}
        if not self.rows or any(_wanted(row) in known or row.id in known for row in self.rows.values()):
            return
        raise StoreError(
            f"no row of the table {self.path} is about any of the scans: its ids are e.g. {next(iter(self.rows))!r}"
            f" ({counted(len(self.rows), 'row')}), those of the scans e.g. {min(ids)!r} ({counted(len(ids), 'scan')})",
            cure="give the table of these scans; an id is a scan's path below SCANS without its ending, or its file"
            f" name{ZEROS if _lost_zeros(self.rows, known) else ''}",
        )


def read_table(path: Path) -> dict[str, Row]:
    """Rows by id, in the file's order, as ``read_table_with_notes`` reads them.

    Raises:
        StoreError: as there.
    """
    return read_table_with_notes(path)[0]


def read_table_with_notes(path: Path) -> tuple[dict[str, Row], tuple[str, ...]]:
    """Rows by id, in the file's order, and notes on decimals that can be read in two ways and on rows of nobody.

    A table without ``id`` whose first column is of people, such as ``participants.tsv`` of BIDS, has a
    row for each person. Tabs, commas or semicolons; UTF-8 or UTF-16. Ids stay as they are written, leading zeros too.

    Raises:
        StoreError: the file cannot be read, a column or every row is missing, an id stands twice, or a subject is in
            two splits.
    """
    sheet = read_sheet(path)
    _check_header(path, sheet.header)
    people = sorted(filter(names_people_in, sheet.header), key=lambda name: SUBJECT.index(_bare(name)))
    if "id" not in (name.lower() for name in sheet.header):
        people.sort(key=sheet.header.index)
    rows = [_row(path, number, sheet.header, cells, people[:1]) for number, cells in sheet.lines]
    if not rows:
        raise StoreError(f"the table {path} has a header and no rows", cure="add a line for each scan")
    _check_unique(path, rows)
    for other in people[1:]:
        rows = _agreed(path, rows, people[0], other)
    _check_splits(path, rows)
    rows, spelt = _as_one(rows)
    found, notes = _with_points({row.id: row for row in rows}, sheet.delimiter)
    return found, (*notes, *spelt, *_notes_on_nobody(sheet, rows, people[:1]))


def names_people_in(column: str) -> bool:
    """Whether a column of this name says who is on a scan: ``Patient ID``, ``subject_id``."""
    return _bare(column) in SUBJECT


def _bare(column: str) -> str:
    return re.sub(r"[\s_-]", "", column.lower())


def _agreed(path: Path, rows: list[Row], column: str, other: str) -> list[Row]:
    """Rows whose person ``other`` names where ``column`` does not; both may name each person in their own way.

    Raises:
        StoreError: scans of one person by one column are of several by the other.
    """
    names: dict[str, str] = {}
    others: dict[str, str] = {}
    for row in rows:
        said = row.extra[other]
        if (
            row.named
            and not is_empty(said)
            and (names.setdefault(said, row.subject) != row.subject or others.setdefault(row.subject, said) != said)
        ):
            raise StoreError(
                f"the table {path} names subjects in the columns {column} and {other}, and they disagree, e.g. on"
                f" {row.id}: scans of one subject by one are of several by the other",
                cure="keep the one that says who is on each scan, and remove or rename the other",
            )
    return [
        row
        if row.named or _is_nobody(said := row.extra[other])
        else replace(row, subject=names.get(said, said), named=True)
        for row in rows
    ]


def _notes_on_nobody(sheet: Sheet, rows: list[Row], people: list[str]) -> list[str]:
    """A note where cells of the column of people hold a word for nobody; an empty cell says so plainly."""
    column = [cells[sheet.header.index(name)] for name in people for _, cells in sheet.lines]
    words = [word for word, row in zip(column, rows, strict=False) if word and not row.named]
    if not words:
        return []
    each = "each of these scans counts as a subject of its own"
    return [f"{counted(len(words), 'row')} of the table name nobody ({some(sorted(set(words)))}): {each}"]


def _with_points(rows: dict[str, Row], delimiter: str) -> tuple[dict[str, Row], tuple[str, ...]]:
    """Further columns with decimal points; ids, people and splits stay as they are written."""
    notes = []
    for name in list(next(iter(rows.values())).extra) if rows else []:
        said = {key: row.extra[name] for key, row in rows.items() if not is_empty(row.extra[name])}
        mended, doubt = with_points(list(said.values()), delimiter)
        if doubt:
            notes.append(f"column {name}: {doubt}")
        for key, text in zip(said, mended, strict=True):
            rows[key] = replace(rows[key], extra={**rows[key].extra, name: text})
    return rows, tuple(notes)


def _lost_zeros(rows: Collection[str], known: Collection[str]) -> bool:
    """Whether the ids would fit, had a spreadsheet not made numbers of them."""
    bare = {name.lstrip("0") for name in known if name.isdigit()}
    return any(row.isdigit() and row in bare for row in rows)


def match(rows: Mapping[str, Row], ids: Sequence[str]) -> tuple[dict[str, Row], list[str]]:
    """Which row belongs to which scan: by the whole id, else by the file's own name without folders.

    Returns:
        rows by scan id, and the ids of rows that no scan answers to.

    Raises:
        StoreError: a row's id fits several scans.
    """
    if any(row.of_person for row in rows.values()):
        return _match_people(rows, ids)
    by_id, by_name = defaultdict(list), defaultdict(list)
    for scan_id in ids:
        by_id[plain(scan_id)].append(scan_id)
        by_name[base_name(plain(scan_id))].append(scan_id)
    found, unused = {}, []
    for row in rows.values():
        wanted = plain(_wanted(row))
        fitting = by_id[wanted] or by_name[wanted]
        if len(fitting) > 1:
            raise StoreError(
                f"the table's id {row.id!r} fits several scans: {', '.join(fitting[:4])}",
                cure="write the longer id into the table",
            )
        if fitting:
            found[fitting[0]] = row
        else:
            unused.append(row.id)
    return found, unused


def _match_people(rows: Mapping[str, Row], ids: Sequence[str]) -> tuple[dict[str, Row], list[str]]:
    """The row of the longest name that a scan's own, or else one of its folders, begins with."""
    found: dict[str, Row] = {}
    people: dict[str, dict[str, str]] = defaultdict(dict)
    for scan_id in ids:
        fitting = next(((name, person) for name, person in names_in(plain(scan_id)) if name in rows), None)
        if fitting:
            found[scan_id] = rows[fitting[0]]
            people[fitting[0]][fitting[1]] = scan_id
    for name, scans in people.items():
        if len(scans) > 1:
            raise StoreError(
                f"the table's {name!r} may be several subjects: {', '.join(list(scans.values())[:4])}",
                cure="write a table with the columns id and person, a line for each scan",
            )
    used = {row.id for row in found.values()}
    return found, [name for name in rows if name not in used]


def _wanted(row: Row) -> str:
    """The scan's id that a row names: folders as in the path or as in the id, with the file's ending or without."""
    return without_extension(row.id).replace("/", SEPARATOR)


def base_name(scan_id: str) -> str:
    """The id without its folders: ``images__1000`` is ``1000``."""
    return scan_id.rpartition(SEPARATOR)[2] or scan_id


def _check_header(path: Path, header: list[str]) -> None:
    lower = [name.lower() for name in header]
    if "id" not in lower and not any(map(names_people_in, lower[:1])):
        raise StoreError(f"the table {path} has no column 'id'; it has: {', '.join(header) or 'nothing'}", cure=EXAMPLE)
    twice = sorted({name for name in lower if lower.count(name) > 1})
    if twice:
        raise StoreError(f"the table {path} names a column twice: {', '.join(twice)}", cure="rename or remove one")


def _row(path: Path, number: int, header: list[str], cells: list[str], people: list[str]) -> Row:
    if len(cells) != len(header):
        raise StoreError(
            f"the table {path} has {len(cells)} cells in line {number} and {len(header)} columns",
            cure="fill the line, or remove it; a decimal comma needs quotes, or semicolons between the cells",
        )
    # Only the columns Orienteer gives a meaning to are found whatever their capitals.
    values = {(n.lower() if n.lower() in ("id", "split") else n): c for n, c in zip(header, cells, strict=True)}
    who = next((values.pop(name) for name in people), "")
    who = "" if _is_nobody(who) else who
    of_person = "id" not in values
    scan_id = values.pop("id", who)
    if not scan_id:
        raise StoreError(f"the table {path} has no id in line {number}", cure="write the scan's id, or remove the line")
    split = values.pop("split", "")
    told = "" if is_empty(split) else split_name(split)
    return Row(scan_id, who or scan_id, told, values, of_person, named=bool(who) or of_person)


def _is_nobody(text: str) -> bool:
    return text.strip().lower() in NOBODY


def is_empty(text: str) -> bool:
    """Whether a cell of a table says that there is no value."""
    return text.strip().lower() in EMPTY


def _check_unique(path: Path, rows: list[Row]) -> None:
    twice = sorted(name for name, count in Counter(row.id for row in rows).items() if count > 1)
    if twice:
        raise StoreError(f"the table {path} has ids twice: {some(twice)}", cure="leave one line for each scan")


def _as_one(rows: list[Row]) -> tuple[list[Row], list[str]]:
    """Rows of subjects whose names differ only in how they are spelt as of one subject, and a note that says so."""
    spellings: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        known = spellings[one_spelling(row.subject)] if row.named else [row.subject]
        if row.subject not in known:
            known.append(row.subject)
    several = {spelt: names[0] for names in spellings.values() if len(names) > 1 for spelt in names}
    if not several:
        return rows, []
    ids = [row.id for row in rows if row.named and row.subject in several]
    note = (
        f"the table spells subjects in several ways, of {some(ids)}: names that differ only in capitals, spaces,"
        " leading zeros or a sub- before them count as one subject; give others to those that are not"
    )
    return [replace(row, subject=several.get(row.subject, row.subject)) if row.named else row for row in rows], [note]


def _check_splits(path: Path, rows: list[Row]) -> None:
    splits, ids = defaultdict(set), defaultdict(list)
    spellings = defaultdict(set)
    for row in rows:
        name = one_spelling(row.subject) if row.named else row.subject
        splits[name].add(row.split)
        ids[name].append(row.id)
        spellings[name].add(row.subject)
    for subject, found in splits.items():
        if len(found) > 1:
            names = ", ".join(sorted(name or "(empty)" for name in found))
            spelt = ", spelt in several ways," if len(spellings[subject]) > 1 else ""
            raise StoreError(
                f"the table {path} puts one subject{spelt} into several splits ({names}): scans {some(ids[subject])}",
                cure="give all scans of a subject one split, else a body learned from is also tested on",
            )
