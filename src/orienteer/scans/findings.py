"""What was found about a scan, said in one line with its cure."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["info", "warning", "error"]


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
