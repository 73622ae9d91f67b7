"""What a person sees while a run trains: one live line in mm, and a line for every validation."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from orienteer.records import Observation

SMOOTH = 0.95
WIDE = 120
"""Columns of a terminal that has room for a long bar beside the figures."""


class TrainingProgress:
    """A rich progress line with the smoothed headline of each task; silent when switched off."""

    def __init__(self, total: int, done: int, *, enabled: bool, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, quiet=not enabled)
        # Where the terminal is narrow the figures are cut off, last one first; step and time left never are.
        self.progress = Progress(
            TextColumn("step", table_column=Column(no_wrap=True)),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            BarColumn(bar_width=24 if self.console.width >= WIDE else 8, table_column=Column(no_wrap=True)),
            TimeRemainingColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True, ratio=1, overflow="ellipsis")),
            console=self.console,
            disable=not enabled,
            refresh_per_second=4,
            expand=True,
        )
        self.line = self.progress.add_task("train", total=total, completed=done, figures="starting")
        self.smoothed: dict[str, float] = {}

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def step(self, done: int, observations: tuple[Observation, ...]) -> None:
        """Move on by one step."""
        parts = []
        for observation in observations:
            name, measure = observation.headline
            before = self.smoothed.get(name, measure.value)
            value = measure.value if before != before else before
            if measure.value == measure.value:
                value = SMOOTH * value + (1 - SMOOTH) * measure.value
            self.smoothed[name] = value
            parts.append(say(name, value))
        self.progress.update(self.line, completed=done, figures=" · ".join(parts))

    def validated(self, step: int, observations: Mapping[str, Observation], *, best: bool) -> None:
        """Print a line about a validation."""
        parts = []
        for observation in observations.values():
            name, measure = observation.headline
            chance = "" if measure.chance is None else f" (chance {number(name, measure.chance)})"
            parts.append(say(name, measure.value) + chance)
        star = "  ← best so far" if best else ""
        self.console.print(f"[bold]validation[/bold] step {step}: {' · '.join(parts)}{star}", highlight=False)


UNITS = {"mm": "mm", "deg": "°"}


def say(name: str, value: float) -> str:
    """``gap_error_mm, 5.31`` as ``gap error 5.3 mm``."""
    words, _, unit = name.rpartition("_")
    if unit not in UNITS:
        return f"{name.replace('_', ' ')} {number(name, value)}"
    space = " " if unit == "mm" else ""
    return f"{words.replace('_', ' ')} {number(name, value)}{space}{UNITS[unit]}"


def number(name: str, value: float) -> str:
    """Millimetres and degrees with one decimal, shares with three."""
    return f"{value:.1f}" if name.endswith(("_mm", "_deg")) else f"{value:.3f}"
