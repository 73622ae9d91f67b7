"""One way for a scan to be bad."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Bad:
    """One way to be bad, and the code and level it must be given."""

    code: str
    write: Callable[[Path], object]
    level: str = "error"
