"""Tables of people: the one to fill in that a question comes with, and one that lies beside the scans."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from orienteer.atomic import OWNER, write_text
from orienteer.errors import OrienteerError
from orienteer.scans.source import SEPARATOR, Source
from orienteer.scans.stems import stem

BESIDE = re.compile(r"(subjects|participants)\.(tsv|csv)", re.IGNORECASE)
MOST_BYTES = 1 << 24


def refuse_existing(path: Path) -> None:
    """Refuse a path where something is: somebody may have filled it in.

    Raises:
        OrienteerError: there is something at ``path``.
    """
    if path.exists() or path.is_symlink():
        raise OrienteerError(f"{path} is there already", cure="use it as --table, or name a new file for --people")


def write_people(path: Path, people: Mapping[str, str]) -> None:
    """Write a table as ``orienteer ingest --table`` reads it, readable by the owner alone.

    Args:
        path: a new file.
        people: by scan; empty where nobody is known.

    Raises:
        OrienteerError: there is something at ``path``, or the disk refuses.
    """
    refuse_existing(path)
    write_text(path, people_text(people), mode=OWNER)


def people_text(people: Mapping[str, str]) -> str:
    """The table: a line for each scan, with columns ``id`` and ``person``."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(("id", "person"))
    writer.writerows(sorted(people.items()))
    return text.getvalue()


def table_beside(scans: Path, sources: Iterable[Source]) -> Path | None:
    """A table of subjects in the folder of scans or the one above it, with the name of a scan or a person in a cell."""
    folder = scans.absolute() if scans.is_dir() else scans.absolute().parent
    names = {name for source in sources for name in _names(source)}
    for place in (folder, folder.parent):
        try:
            found = sorted(path for path in place.iterdir() if BESIDE.fullmatch(path.name) and path.is_file())
            fitting = [path for path in found if path.stat().st_size <= MOST_BYTES and names & _cells(path)]
        except (OSError, UnicodeError):
            continue
        if fitting:
            return fitting[0]
    return None


def _cells(path: Path) -> set[str]:
    data = path.read_bytes()
    text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    return {cell.strip() for cell in re.split(r'[\t,;"\r\n]', text)}


def _names(source: Source) -> set[str]:
    """How a table may call a scan or its person."""
    parts = source.id.split(SEPARATOR)
    return {source.id, source.subject.rpartition("/")[2], *parts, stem(source.id).rpartition(SEPARATOR)[2]} - {""}
