"""Which file a path leads to."""

from pathlib import Path


def identity(path: Path) -> tuple[int, int] | None:
    """The same for every path and link to one file; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
