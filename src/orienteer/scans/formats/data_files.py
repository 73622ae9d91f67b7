"""Files that a header names: only those beside or below it are opened."""

import re
from pathlib import Path, PurePosixPath, PureWindowsPath

from orienteer.scans.findings import refusal

PATTERN = re.compile(r"^[^%]*%0?\d{0,2}d[^%]*$")
MOST_FILES = 100_000


def guard_data_files(header: Path, names: list[str]) -> None:
    """Refuse a header that leads elsewhere, because its scan would be made of somebody else's bytes.

    Args:
        header: the file that names them.
        names: data files, each a name, a pattern with its range (``slice%03d.raw 1 20 1``) or ``LIST``.

    Raises:
        ScanError: ``companion-outside``, or ``unreadable`` for a pattern that is none.
    """
    for name in names:
        if not name or name.split()[0] == "LIST":
            continue
        if "%" in name:
            name = _pattern(header, name)
        for path in (PurePosixPath(name), PureWindowsPath(name)):
            if path.is_absolute() or path.drive or ".." in path.parts:
                raise refusal("companion-outside", f"{header.name}: its data file is not in its own folder")


def _pattern(header: Path, text: str) -> str:
    """The pattern without its numbers, as it has one number's place and not too many files."""
    name, *numbers = text.split()
    if not PATTERN.match(name) or any(abs(int(n)) > MOST_FILES for n in numbers if re.fullmatch(r"-?\d+", n)):
        raise refusal("unreadable", f"{header.name}: the pattern of its data files makes no sense")
    return name
