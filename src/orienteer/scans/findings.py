"""What was found about a scan, said in one line with its cure."""

from dataclasses import dataclass, replace
from typing import Literal

from orienteer.errors import ScanError
from orienteer.scans.catalogue import CATALOGUE, PERMISSIONS, Level

__all__ = ["Finding", "Level", "finding", "refusal", "unopened"]


@dataclass(frozen=True)
class Finding:
    """One fact worth telling. ``error`` means the scan is left out; the others go on.

    Attributes:
        code: stable, kebab-case, documented in docs/reference/findings.md.
        level: ``info``, ``warning`` or ``error``.
        message: one line that names the cause; never a patient's name, id or date.
        cure: one line that says what to do.
    """

    code: str
    level: Level
    message: str
    cure: str = ""


def finding(code: str, message: str, *, level: Literal["info", "warning", "error"] | None = None) -> Finding:
    """A finding of the catalogue; ``level`` only where the same fact can weigh more or less."""
    kind = CATALOGUE[code]
    return Finding(code=code, level=level or kind.level, message=message, cure=kind.cure)


def unopened(error: OSError, message: str) -> Finding:
    """``unreadable``, of a file the system does not give; where a right is missing, no new copy of it would help."""
    found = finding("unreadable", message)
    return replace(found, cure=PERMISSIONS) if isinstance(error, PermissionError) else found


def refusal(code: str, message: str) -> ScanError:
    """The error a reader raises when a scan cannot be used for the catalogue's reason ``code``."""
    return ScanError(message, code=code, cure=CATALOGUE[code].cure)
