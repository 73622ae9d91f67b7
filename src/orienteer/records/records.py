"""Observations: what a pretext task saw, in units a person knows. Versioned, written as the run goes.

A task returns an :class:`Observation`; it never logs or draws. Measures go to one JSON line each, rows (one per
view pair, chunk pair or route) to Parquet, and everything that shows them only reads these files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

RECORD_VERSION = 1

Rows = Mapping[str, NDArray[Any]]
"""A table: column name to a one-dimensional array; all columns have the same length."""


@dataclass(frozen=True)
class Measure:
    """One figure with its unit, the value chance would reach, and which way is better.

    Attributes:
        value: the figure.
        unit: ``mm``, ``deg``, ``fraction``, ``rank`` or ``1`` for a pure number.
        chance: what a model that knows nothing reaches on the same targets; None where chance has no meaning.
        better: ``lower`` or ``higher``.
    """

    value: float
    unit: str
    chance: float | None = None
    better: Literal["lower", "higher"] = "lower"

    @property
    def skill(self) -> float | None:
        """Share of the way from chance (0) to perfect (1); below 0 is worse than chance."""
        if self.chance is None or not np.isfinite([self.value, self.chance]).all():
            return None
        span = -self.chance if self.better == "lower" else 1.0 - self.chance
        return None if span == 0 else (self.value - self.chance) / span


@dataclass(frozen=True)
class Observation:
    """What one task saw in one batch or one evaluation."""

    task: str
    measures: Mapping[str, Measure]
    rows: Rows = field(default_factory=dict)

    @property
    def headline(self) -> tuple[str, Measure]:
        """The first measure: what the progress line shows."""
        name = next(iter(self.measures))
        return name, self.measures[name]
