"""Telling scans with the same name apart, and a scan from itself before it was changed: a digest of its files."""

import hashlib
import re
from glob import escape
from pathlib import Path

from orienteer.scans.formats.registry import FORMATS
from orienteer.scans.source import Source

LONGEST = 1 << 16
"""Bytes of a header that are searched for the files it names."""
NAMES = re.compile(r"(?:elementdatafile\s*=|data ?file:)(.*)", re.IGNORECASE)
"""The line of a header that names them."""


def stamp_of(source: Source) -> str:
    """A digest of all bytes of a scan's files; empty where one cannot be read.

    A copy has the stamp of its original: neither paths nor times count.
    """
    digest = hashlib.sha256()
    try:
        for path in source.paths:
            for file in (path, *data_files(path)):
                _add(digest, file)
    except OSError:
        return ""
    return digest.hexdigest()[:32]


def data_files(path: Path) -> list[Path]:
    """The files beside a header that hold its voxels: of the same name, or named in it.

    Raises:
        OSError: the header cannot be read.
    """
    if not any(path.suffix.lower() in kind.detached_extensions for kind in FORMATS.values()):
        return []
    beside = {file for file in path.parent.glob(f"{escape(path.stem)}.*") if file != path and file.is_file()}
    with path.open("rb") as stream:
        lines = stream.read(LONGEST).decode("latin-1").splitlines()
    for number, line in enumerate(lines):
        if found := NAMES.match(line):
            name = found[1].strip()
            # A list names one file for each slice, one per line, to the end of the header.
            names = [each.strip() for each in lines[number + 1 :]] if name.startswith("LIST") else [name]
            if "%" in name and (words := name.split()):
                pattern = Path(words[0]).as_posix()  # without a leading ./
                numbered = re.compile(r"-?\d+".join(map(re.escape, re.split(r"%\d*d", pattern))))
                names = [each for each in _below(path.parent, pattern) if numbered.fullmatch(each)]
            beside |= {path.parent / each for each in names if each and (path.parent / each).is_file()}
    return sorted(beside)


def _below(folder: Path, name: str) -> list[str]:
    """Files of the folder that a header names a file of, as it would name them."""
    inner = Path(name).parent
    return [(inner / file.name).as_posix() for file in (folder / inner).glob("*")]


def _add(digest: "hashlib._Hash", path: Path) -> None:
    with path.open("rb") as stream:
        digest.update(hashlib.file_digest(stream, "sha256").digest())
