"""One value of a metric at one step, as every logger gets it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orienteer.records.metric import Measure, finite


@dataclass(frozen=True)
class Point:
    """A finite value of one metric.

    Attributes:
        step: optimiser steps done.
        phase: ``train``, ``validation``, or ``summary`` for the best checkpoint's at the end.
        task: whose metric it is.
        name: of the metric.
        value: in ``unit``.
        unit: ``mm``, ``deg``, ``fraction`` or ``1``.
        chance: what knowing nothing reaches; None where chance has no meaning.

    Examples:
        >>> Point(20, "train", "task", "error_mm", 12.5, "mm", 60.0).values
        {'train/task/error_mm': 12.5, 'train/task/error_mm_chance': 60.0}
    """

    step: int
    phase: str
    task: str
    name: str
    value: float
    unit: str
    chance: float | None = None

    @property
    def key(self) -> str:
        """Its name in every logger, ``PHASE/TASK/METRIC``."""
        return f"{self.phase}/{self.task}/{self.name}"

    @property
    def values(self) -> dict[str, float]:
        """Its value, and chance beside it, by key."""
        return {self.key: self.value} | ({} if self.chance is None else {f"{self.key}_chance": self.chance})


def points(step: int, phase: str, task: str, measures: Mapping[str, Measure]) -> tuple[Point, ...]:
    """What one task measured; what is not finite is no point."""
    return tuple(
        Point(step, phase, task, name, measure.value, measure.unit, finite(measure.chance))
        for name, measure in measures.items()
        if finite(measure.value) is not None
    )


def points_of(records: Iterable[Mapping[str, Any]]) -> tuple[Point, ...]:
    """The points in lines of ``observations.jsonl``."""
    return tuple(
        Point(record["step"], record["phase"], record["task"], name, told["value"], told["unit"], told["chance"])
        for record in records
        for name, told in record["measures"].items()
        if told["value"] is not None
    )
