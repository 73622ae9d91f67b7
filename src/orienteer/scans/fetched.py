"""Files whose content is not here: links into nothing, and the pointers that git-annex and git-lfs leave."""

import re
from pathlib import Path

from orienteer.scans.findings import refusal

LONGEST_POINTER = 1024
"""Bytes; a pointer is a line or three."""

LFS = b"version https://git-lfs.github.com/spec/"
ANNEX = re.compile(rb"^(\S*\.git)?/annex/objects/\S+\s*$", re.MULTILINE)
"""An unlocked file of git-annex, or its link as text on a disk that knows no links."""


def not_fetched(path: Path) -> str:
    """What stands in place of the file's content; empty where it is there, or where there is no such file at all."""
    if not path.exists():
        return "a link to nothing" if path.is_symlink() else ""
    try:
        if not path.is_file() or path.stat().st_size > LONGEST_POINTER:
            return ""
        with path.open("rb") as stream:
            start = stream.read(LONGEST_POINTER)
    except OSError:
        return ""  # told when the file itself is read
    if start.startswith(LFS):
        return "a pointer of git-lfs in place of the content"
    return "a pointer of git-annex in place of the content" if ANNEX.match(start) else ""


def guard_fetched(path: Path) -> None:
    """Refuse a file whose content has to be fetched first.

    Raises:
        ScanError: ``not-fetched``.
    """
    if instead := not_fetched(path):
        raise refusal("not-fetched", f"{path.name}: {instead}")
