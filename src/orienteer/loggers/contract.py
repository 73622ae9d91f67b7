"""What a logger is: a place outside the run's own records that a run's figures are sent to as it trains."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from orienteer.errors import needs
from orienteer.loggers.point import Point

PROJECT = "orienteer"
"""Experiment or project, where the environment names no other."""


@dataclass
class LoggedRun:
    """The run as its loggers know it; nothing here names a scan, a subject or where they lie.

    Attributes:
        folder: the run folder; what a logger writes goes there unless its own environment variables say otherwise.
        name: what the run is called.
        settings: its settings, by dotted name.
        step: steps done; points of later steps, from before a kill, are to be forgotten or made again.
        kept: what the logger keeps from one process to the next, e.g. the id of its run; plain JSON.
    """

    folder: Path
    name: str
    settings: dict[str, Any]
    step: int
    kept: dict[str, Any] = field(default_factory=dict)


class Logger(ABC):
    """Takes points. A new one begins, or goes on with what an earlier process left; then it is sent the history.

    Whatever it raises costs the run nothing: it is named in one warning and left out.

    Attributes:
        name: what ``--log`` calls it.
        extra: of ``pyproject.toml``; empty where a plain installation has it.
        modules: that the extra brings.
        fix: what to look at where it fails.
    """

    name: ClassVar[str]
    extra: ClassVar[str] = ""
    modules: ClassVar[tuple[str, ...]] = ()
    fix: ClassVar[str] = "free some disk space"

    def __init__(self, run: LoggedRun) -> None:
        self.run = run
        self.note = ""
        """What to tell the user at the start, if anything."""

    @classmethod
    def require(cls) -> None:
        """Import what it needs, before anything is trained.

        Raises:
            OrienteerError: it is not installed; the fix names the extra.
        """
        with needs(cls.extra, *cls.modules):
            for module in cls.modules:
                importlib.import_module(module)

    @property
    @abstractmethod
    def view(self) -> str:
        """How to look at it: a command, or where it is."""

    def holds(self, key: str, step: int) -> bool:
        """Whether it has this point from an earlier process, which is then not sent again."""
        return False

    @abstractmethod
    def write(self, points: Sequence[Point]) -> None:
        """Take points, in order of their steps."""

    def conclude(self, verdict: str, sentence: str, page: Path | None) -> None:
        """Take what a finished run is worth: its verdict, and its report where there is one."""
        return

    def close(self) -> None:
        """Bring everything where it belongs."""
        return

    def send(self, points: Sequence[Point]) -> None:
        """Take the points that it does not hold yet."""
        if new := [point for point in points if not self.holds(point.key, point.step)]:
            self.write(new)
