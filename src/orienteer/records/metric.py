"""What a number means, said once (``Metric``), and one measured value of it (``Measure``)."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

Better = Literal["lower", "higher"]
SKILL = "the share of the way from chance (0 %) to a perfect answer (100 %)"
"""What *skill* means, said where the word first stands."""


class Record(BaseModel):
    """Base of everything that describes itself in a record: frozen; keys of later versions are passed over."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


class Metric(Record):
    """What a number is: its name, its unit, what it means and what to look for. Recorded with every evaluation.

    Examples:
        >>> Metric(name="gap_error_mm", title="Gap error", unit="mm", meaning="how far off a view is placed").title
        'Gap error'
    """

    name: str
    """Key in records, e.g. ``gap_error_mm``: in mm or degrees, the unit ends the name."""
    title: str
    """What a person reads, e.g. ``Gap error``."""
    unit: str
    """``mm``, ``deg``, ``fraction``, ``rank``, ``s``, or ``1`` for a pure number."""
    meaning: str = ""
    """What it measures, as the rest of a sentence that begins with its title."""
    look: str = ""
    """What to look for in its curve over training."""
    chance: str = ""
    """The answer that looks at nothing, whose value stands beside it, e.g. ``answering “no gap at all”``."""
    better: Better = "lower"
    """Which way is better."""
    shown: Literal["card", "curve", "detail"] = "detail"
    """How prominent it is: among the key figures, as a curve at once, or behind a click."""
    stands_in_for: str | None = None
    """Shown among the key figures only where this other metric could not be measured."""
    per_row: str | None = None
    """What its value is the mean of, so that it gets an interval over subjects: a column, or ``vector`` for the length
    of ``pred_* - true_*``."""


@dataclass(frozen=True)
class Measure:
    """One value of a metric, with the value that chance would reach.

    Attributes:
        value: the figure.
        unit: ``mm``, ``deg``, ``fraction``, ``rank`` or ``1`` for a pure number.
        chance: what a model that knows nothing reaches on the same targets; None where chance has no meaning.
        better: ``lower`` or ``higher``.
    """

    value: float
    unit: str
    chance: float | None = None
    better: Better = "lower"

    @property
    def skill(self) -> float | None:
        """Share of the way from chance (0) to perfect (1); below 0 is worse than chance."""
        if self.chance is None or not np.isfinite([self.value, self.chance]).all():
            return None
        span = -self.chance if self.better == "lower" else 1.0 - self.chance
        return None if span == 0 else (self.value - self.chance) / span


def finite(value: float | None) -> float | None:
    """The value, or None where JSON has no word for it."""
    return float(value) if value is not None and math.isfinite(value) else None
