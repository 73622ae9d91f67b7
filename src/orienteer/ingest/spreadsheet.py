"""Tables as spreadsheets write them: which bytes are which text, what parts the cells, and how decimals are written.

Excel writes CSV with semicolons and decimal commas where the computer's language does, "Unicode text" as UTF-16 with
tabs, and empty columns and rows where a cell was once formatted.
"""

import codecs
import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from orienteer.errors import ScanError, StoreError
from orienteer.folders import recognised
from orienteer.ingest.result import some
from orienteer.scans.fetched import guard_fetched

EXAMPLE = "the first line names the columns, for example: id<TAB>person<TAB>split<TAB>age"
UTF_8 = "save it in UTF-8 (Excel: CSV UTF-8)"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How .xlsx and .ods begin, and .xls."""
QUOTED = re.compile(r'"[^"]*"')
SEPARATOR = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
"""Excel's own first line, which names what parts the cells."""

INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
"""Characters without width, which come along from web pages and documents."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
BOTH = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+")
"""1.234,5: points between thousands, and a decimal comma."""

THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
"""1,234 may be one and a bit, or more than a thousand."""


@dataclass(frozen=True)
class Sheet:
    """A table's cells.

    Attributes:
        header: names of the columns.
        lines: number of the line, and its cells, of all lines that are not empty.
        delimiter: what parts the cells.
    """

    header: list[str]
    lines: list[tuple[int, list[str]]]
    delimiter: str


def read_sheet(path: Path) -> Sheet:
    """The cells of a table in UTF-8, or UTF-16 with its mark; tabs, commas or semicolons, without empty last columns.

    Raises:
        StoreError: the file cannot be read, is not text, or no table.
    """
    text = _text(path)
    first, _, rest = text.partition("\n")
    if said := SEPARATOR.fullmatch(first):
        text, delimiter = rest, said[1]
    else:
        delimiter = max("\t,;", key=QUOTED.sub("", first).count)
    # Lines of a Mac of long ago end without a line feed, which the csv module takes as well.
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [plain(name) for name in next(lines, [])]
        while len(header) > 1 and not header[-1]:
            header.pop()
        stripped = ((number, [plain(cell) for cell in cells]) for number, cells in enumerate(lines, start=2))
        return Sheet(header, [(n, _without_tail(cells, len(header))) for n, cells in stripped if any(cells)], delimiter)
    except csv.Error as error:
        raise StoreError(f"the table {path} is no TSV or CSV: {error}", cure=EXAMPLE) from None


def plain(text: str) -> str:
    """A cell, or the id it is compared with, in composed characters (NFC), without those that nobody sees."""
    return unicodedata.normalize("NFC", INVISIBLE.sub("", text).replace("\u00a0", " ")).strip()


def _without_tail(cells: list[str], columns: int) -> list[str]:
    return cells if any(cells[columns:]) else cells[:columns]


def _text(path: Path) -> str:
    try:
        guard_fetched(path)
        content = path.read_bytes()
    except ScanError as error:
        raise StoreError(f"cannot read the table {path}: {error.message}", cure=error.cure) from None
    except OSError as error:
        raise StoreError(f"cannot read the table {path}: {error.strerror}", cure=_cure(path)) from None
    if content.startswith(WORKBOOKS):
        raise StoreError(f"the table {path} is a workbook, whatever its name", cure="save the sheet as CSV UTF-8")
    try:
        text = content.decode("utf-16" if content.startswith(UTF_16) else "utf-8-sig")
    except UnicodeDecodeError:
        raise StoreError(f"the table {path} is not text in UTF-8", cure=UTF_8) from None
    if "\0" in text:
        raise StoreError(f"the table {path} is not text in UTF-8", cure=UTF_8)
    return text


def _cure(path: Path) -> str:
    if kind := recognised(path):
        return f"that is {kind.words}; name the file of the table"
    if path.is_dir():
        return "name a file; a folder of label files is given with --labels"
    return "check the path of --table"


def with_points(column: list[str], delimiter: str) -> tuple[list[str], str]:
    """A column's cells with decimal points for its decimal commas, and what is doubtful about it.

    Args:
        column: the cells, without those that say that there is no value.
        delimiter: of the table. In one with semicolons or tabs a comma is a decimal point; where commas part the
            cells, a quoted 1,234 is as likely a thousand, and such a column stays as it is.
    """
    commas = [cell for cell in column if COMMA.fullmatch(cell) or BOTH.fullmatch(cell) or THOUSANDS.fullmatch(cell)]
    if not commas or not all(cell in commas or NUMBER.fullmatch(cell) for cell in column):
        return column, ""
    doubtful = all(THOUSANDS.fullmatch(cell) for cell in commas)
    if any(cell.count(",") > 1 for cell in commas) or (delimiter == "," and doubtful):
        return column, f"{some(commas, 1)} may be a decimal or thousands: kept as text; write decimals with a point"
    points = any("." in cell and not BOTH.fullmatch(cell) for cell in column)
    mended = [
        cell.replace(".", "").replace(",", ".") if BOTH.fullmatch(cell) else cell.replace(",", ".") for cell in column
    ]
    if doubtful:
        return mended, f"{some(commas, 1)} is read as a decimal; if it is thousands, write it without the comma"
    return mended, "some decimals have a comma and some a point; both are read as decimals" if points else ""
