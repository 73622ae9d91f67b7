"""The default tasks of a run. Needs no torch."""

from collections.abc import Mapping
from typing import Any

DEFAULT_TASKS: Mapping[str, Mapping[str, Any]] = {
    "gap": {},
    "adjacency": {},
    "route": {},
    "position": {},
    "masked": {"views": 1},
}
"""The best recipe on validation subjects (docs/log.md): spatial tasks, and one of three views restored."""
