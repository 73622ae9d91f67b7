"""Observations: what a pretext task saw, in units a person knows. Versioned, written as the run goes.

A task returns an ``Observation``; it never logs or draws. Measures go to one JSON line each, rows (one per
view pair, chunk pair or route) to Parquet, and everything that shows them only reads these files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from orienteer.records.metric import Measure

Rows = Mapping[str, NDArray[Any]]
"""A table: column name to a one-dimensional array; all columns have the same length."""


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
