"""The terminal while a run trains: live figures in mm below the bar, and lines for every validation."""

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console

from orienteer.console import Bar
from orienteer.records import Observation
from orienteer.records.card import unlisted_metric
from orienteer.training.course import Course
from orienteer.units import duration, in_sentence, shown

SMOOTH = 0.6
"""Share of the figure before, at each step that is observed."""
MINUTE = 60.0
"""Seconds between lines where there is no terminal."""


class TrainingProgress:
    """The bar of a training, with the smoothed headline of each task as its note; silent when switched off."""

    def __init__(self, total: int, done: int, *, enabled: bool, console: Console | None = None) -> None:
        self.bar = Bar("step", total, done=done, shown=enabled, console=console, keep=True, log=False, below=True)
        self.smoothed: dict[str, float] = {}
        self.parts = ["starting"]
        self.bar.update(done, *self.parts)
        self.start, self.shown = done, enabled
        self.began = self.said = time.monotonic()

    def __enter__(self) -> Self:
        self.bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.__exit__(kind, error, trace)

    def step(self, done: int, observations: tuple[Observation, ...]) -> None:
        """Move on by one step; the figures stay where there are no new ones."""
        parts = []
        for observation in observations:
            name, measure = observation.headline
            before = self.smoothed.get(name, measure.value)
            value = measure.value if before != before else before
            if measure.value == measure.value:
                value = SMOOTH * value + (1 - SMOOTH) * measure.value
            self.smoothed[name] = value
            parts.append(say(name, value, measure.unit))
        self.parts = parts or self.parts
        self.bar.update(done, within(self.parts, self.bar.console.width))
        now = time.monotonic()
        if self.shown and not self.bar.console.is_terminal and done < self.bar.total and now - self.said > MINUTE:
            self.said, left = now, (self.bar.total - done) * (now - self.began) / (done - self.start)
            line = f"step {done:,} of {self.bar.total:,}, about {duration(left)} left: {' · '.join(self.parts)}"
            self.bar.console.print(line, highlight=False, soft_wrap=True)

    def turned(self, course: Course) -> None:
        """Say that the loss falls no more, and when the run ends."""
        self.bar.until(course.last)
        told = f"the training loss falls no more: the learning rate decays, and step {course.last:,} is the last"
        self.bar.console.print(told, highlight=False)

    def validated(
        self, step: int, observations: Mapping[str, Observation], *, best: str = "", verdict: str = ""
    ) -> None:
        """Print what a validation showed; ``best`` is the metric by which no earlier one was better."""
        parts = []
        for observation in observations.values():
            name, measure = observation.headline
            chance = "" if measure.chance is None else f" (chance {shown(measure.chance, measure.unit)})"
            parts.append(say(name, measure.value, measure.unit) + chance)
        head = f"validation step {step}: "
        console, told = self.bar.console, within([head + parts[0], *parts[1:]], self.bar.console.width, indent="  ")
        console.print(told, highlight=False, markup=False, soft_wrap=not console.is_terminal)
        if best:
            console.print(f"  ← best so far, by {best}", highlight=False)
        if verdict:
            self.bar.console.print(f"  {verdict}", highlight=False)


def within(parts: Sequence[str], width: int, *, indent: str = "") -> str:
    """Figures on lines that never exceed ``width``: broken between figures, never inside one."""
    lines: list[str] = []
    for part in parts:
        if lines and len(lines[-1]) + len(part) + 3 <= width:
            lines[-1] += f" · {part}"
        else:
            lines.append((indent if lines else "") + part)
    return "\n".join(lines)


def say(name: str, value: float, unit: str) -> str:
    """``gap_error_mm, 5.31, mm`` as ``gap error 5.3 mm``."""
    return f"{in_sentence(unlisted_metric(name).title)} {shown(value, unit)}"
