"""The tasks that a run is trained with where nothing else is said. Needs no torch."""

from collections.abc import Mapping
from typing import Any

DEFAULT_TASKS: Mapping[str, Mapping[str, Any]] = {
    "gap": {},
    "adjacency": {},
    "route": {},
    "position": {},
    "masked": {"views": 1},
}
"""The recipe that did best on validation people (docs/log.md): space, and one view in three restored."""
