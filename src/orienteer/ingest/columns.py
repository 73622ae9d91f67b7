"""Which columns of the user's table may stand in a store: what could tell who somebody is stays out.

Numbers stay, and so do texts that are plainly categories. Names, dates, numbers of records and free text do not; a
column the user declares stays whatever it looks like, because only the user knows.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from orienteer.errors import StoreError
from orienteer.ingest.options import IngestOptions
from orienteer.ingest.table import Row, Table, is_empty, names_people_in, read_table_with_notes

MOST_CATEGORIES = 10
"""Different texts up to which a column is one of categories."""

LONG_TEXT = 30
"""Characters from which a text is a sentence and no category."""

_WORDS = (
    "name names surname forename firstname lastname family maiden initials birth birthday birthdate dob born date day"
    " datetime timestamp mrn patient pid ssn nhs insurance id ids identifier number no code uid uuid accession address"
    " street city town zip postcode postal phone telephone mobile fax email mail url path file filename folder comment"
    " comments note notes remark remarks description text physician doctor referring operator technician radiologist"
    " employer occupation religion subject participant person"
    " yob year pat patnr nr record case fall fallnr jahr jahrgang geb gebdat gebjahr"
)
TELLING = frozenset(_WORDS.split())
"""Words of a column's name that make it private whatever it holds."""

STEMS = ("name", "birth", "patient", "mrn", "date", "phone", "mail", "address", "geburt", "datum", "nummer")
"""The same wherever they stand: ``patientname`` is one word to a program."""

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
MISSING = frozenset({-1, 0, 9, 99, 999, 9999, -9, -99, -999, -9999})
"""How tables of numbers write that a value is missing; they must not make a column of years look like another."""
DATE = re.compile(
    r"\d{1,4}[-./]\d{1,2}([-./]\d{1,4})?"  # 12.04.1953, 1953-04
    r"|\d{4}(-\d{2}-\d{2}|\d{4})[T ]?[\d:.]*"  # 1953-04-12T10:00, 19530412
    r"|\d{1,2}[-/]\d{4}"  # 04/1953
    r"|\d{1,2}[-. ]+[A-Za-z]{3,9}[-., ]+\d{2,4}"  # 12 April 1953
)
NAME = re.compile(r".*\^.*|[^\W\d_]+\s*,\s*[^\W\d_].*|[A-Z][^\W\d_]*[\s.]+[A-Z].*|.*@.*")
CODE = re.compile(r".*\d{3}.*")


def storable_table(options: IngestOptions) -> Table:
    """The table that the options name, with the columns that may be stored.

    Raises:
        StoreError: it cannot be read, contradicts itself, or lacks a declared column.
    """
    if not options.table:
        return Table()
    path = Path(options.table)
    rows, notes = read_table_with_notes(path)
    digest = sha256(path.read_bytes()).hexdigest()
    if options.keep_names and options.columns is None:
        return Table(path, rows, notes, digest)
    safe, left = without_private(rows, path, options.columns)
    return Table(path, safe, (*notes, *left), digest)


def without_private(
    rows: Mapping[str, Row], path: Path, declared: Sequence[str] | None = None
) -> tuple[dict[str, Row], tuple[str, ...]]:
    """Rows with the columns that may be stored, and notes on those that may not.

    Args:
        rows: the table's.
        path: the table, for the error.
        declared: columns the user calls safe: these stay and no other; None leaves it to the columns' looks.

    Raises:
        StoreError: a declared column is not in the table.
    """
    names = list(dict.fromkeys(name for row in rows.values() for name in row.extra))
    if declared is not None:
        if lost := [name for name in declared if name not in names]:
            raise StoreError(
                f"the table {path} has no column {lost[0]!r}", cure=f"its further columns: {', '.join(names) or 'none'}"
            )
        reasons = {name: "" if name in declared else "not declared" for name in names}
    else:
        reasons = {
            name: reason_against(name, [(row.subject, row.extra[name]) for row in rows.values()]) for name in names
        }
    safe = {
        key: replace(row, extra={name: text for name, text in row.extra.items() if not reasons[name]})
        for key, row in rows.items()
    }
    left = [f"{name} ({reason})" for name, reason in reasons.items() if reason]
    if declared is not None or not left:
        return safe, ()
    return safe, (
        f"not stored, because it may tell who somebody is: {', '.join(left)}",
        "--columns A,B stores just the columns you declare safe; --keep-names stores all",
    )


def reason_against(name: str, cells: Collection[tuple[str, str]]) -> str:
    """Why a column may tell who somebody is; empty where it may stand in a store.

    Args:
        name: the column's.
        cells: the subject and the text of each row.
    """
    telling = [word for word in (match.lower() for match in WORDS.findall(name)) if word in TELLING]
    telling += [stem for stem in STEMS if stem in name.lower()]
    if telling or names_people_in(name):
        return f"called by {(telling or [name])[0]!r}"
    said = [(subject, text) for subject, text in cells if not is_empty(text)]
    texts = {text for _, text in said}
    numbers = [_number(text) for text in texts]
    if texts and all(number is not None for number in numbers):
        return _against_numbers([number for number in numbers if number is not None])
    if any(DATE.fullmatch(text) for text in texts):
        return "it looks like dates"
    if any(NAME.fullmatch(text) or len(text) > LONG_TEXT for text in texts):
        return "it looks like names or free text"
    if any(CODE.fullmatch(text) for text in texts):
        return "it looks like identifiers"
    subjects = len({subject for subject, _ in said})
    if len(texts) > MOST_CATEGORIES or (texts and 2 * len(texts) > subjects):
        return f"{len(texts)} different texts for {subjects} subjects are no categories"
    return ""


def _against_numbers(numbers: Sequence[float]) -> str:
    """Measurements are spread or small; years, dates and numbers of records crowd together, a few slips aside."""
    numbers = [number for number in numbers if number not in MISSING]
    if not numbers:
        return ""
    # Of fractions the whole part: 1953.3 is a year, 20260412093015.25 a moment.
    if _half(1900 <= number < 2101 for number in numbers):
        return "it looks like years"
    if _half(19000101 <= number < 21001232 or 19000101e6 <= number < 21001232e6 for number in numbers):
        return "it looks like dates"
    long = [number for number in numbers if abs(number) >= 10_000]
    # Volumes in mm3 are long as well; their fractions tell them from numbers of records.
    if long and (not any(number % 1 for number in numbers) or 2 * sum(not n % 1 for n in long) > len(numbers)):
        return "whole numbers of five digits and more look like identifiers"
    return ""


def _half(holds: Iterable[bool]) -> bool:
    found = list(holds)
    return 2 * sum(found) >= len(found)


def _number(text: str) -> float | None:
    # Leading zeros belong to identifiers: 007 is no 7.
    if not re.fullmatch(r"[+-]?(0|[1-9]\d*)?(\.\d*)?([eE][+-]?\d+)?", text) or not re.search(r"\d", text):
        return None
    return float(text)
