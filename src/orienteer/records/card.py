"""Cards: what a pretext task, or an honesty probe, says about itself. Recorded with every run and evaluation.

Whatever shows a run reads these and knows no task and no probe by name, so a task that lives outside this package is
shown as ours are.
"""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Literal, Self

from pydantic import model_validator

from orienteer.records.evidence import Evidence
from orienteer.records.metric import Measure, Metric, Record


class Restoration(Record):
    """For a task that answers with images: what its pictures show."""

    intro: str
    """What was done to the view."""
    look: str
    """What to look for in the restored view."""


class TaskCard(Record):
    """A pretext task in words, with its metrics and with what its rows are evidence of.

    Examples:
        >>> error = Metric(name="distance_error_mm", title="Distance error", unit="mm")
        >>> card = TaskCard(
        ...     name="distance", title="Distance", question="How far apart are two views?", intro="", source="",
        ...     spatial=True, metrics=(error,), evidence=(),
        ... )
        >>> card.judged.title
        'Distance error'
    """

    name: str
    """Key in settings, records and reports."""
    title: str
    """What a person reads, e.g. ``Gap matrix``."""
    question: str
    """What its figures answer, e.g. ``Does it know where things are?``."""
    intro: str
    """What the model is asked, in one or two sentences."""
    source: str
    """The paper, with its address."""
    spatial: bool
    """Whether its answers are places, so that the honesty probes can catch it cheating."""
    metrics: tuple[Metric, ...]
    """Every metric it measures; the first one is its headline."""
    overlapping: bool = False
    """Whether its views share voxels by design, so that the border of a view is part of what is asked."""
    evidence: tuple[Evidence, ...]
    """What its rows show."""
    judged_by: str = ""
    """Metric that a verdict rests on; empty for the headline."""
    restoration: Restoration | None = None
    """What its pictures show, for a task that answers with images."""

    @model_validator(mode="after")
    def _names_its_own_metrics(self) -> Self:
        names = [metric.name for metric in self.metrics]
        if not names or len(set(names)) < len(names) or not {self.judged_by or names[0]} <= set(names):
            raise ValueError("metrics must be there, each once, and judged_by one of them")
        return self

    @property
    def judged(self) -> Metric:
        """The metric a verdict rests on."""
        return self.metric(self.judged_by) if self.judged_by else self.metrics[0]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns its rows must have, beside ``sample``."""
        return tuple(dict.fromkeys(name for evidence in self.evidence for name in evidence.columns))

    def judged_in(self, measures: Mapping[str, Measure]) -> Metric:
        """The metric a verdict on these measures rests on: where it has no value, the metric that stands in for it."""
        known = [metric for metric in self.metrics if metric.name in measures and isfinite(measures[metric.name].value)]
        standing_in = (metric for metric in known if metric.stands_in_for == self.judged.name)
        return self.judged if self.judged in known else next(standing_in, self.judged)

    def metric(self, name: str) -> Metric:
        """The metric ``name``; one the card does not list is described by its name alone."""
        found = next((metric for metric in self.metrics if metric.name == name), None)
        return found or unlisted_metric(name)


def judged_card(cards: Sequence[TaskCard]) -> TaskCard:
    """The task a verdict rests on: the first about space whose figure is in mm, else the first about space, else any.

    The honesty probes are about space, and mm say most to a person.
    """
    spatial = [card for card in cards if card.spatial]
    in_mm = [card for card in spatial if card.judged.unit == "mm"]
    return next(iter([*in_mm, *spatial, *cards]))


def unlisted_metric(name: str, unit: str = "1") -> Metric:
    """A metric of which nothing but the name is known: ``some_error_mm`` is “Some error”."""
    stem = name.removesuffix("_mm").removesuffix("_deg")
    unit = {"_mm": "mm", "_deg": "deg"}.get(name[len(stem) :], unit)
    return Metric(name=name, title=stem.replace("_", " ").capitalize(), unit=unit)


class ProbeCard(Record):
    """An honesty probe in words, and what it takes away."""

    name: str
    """Key in settings and records."""
    title: str
    """What a person reads, e.g. ``voxels shuffled``."""
    meaning: str
    """What is done to every view, as the rest of a sentence: ``the voxels of every view shuffled``."""
    look: str
    """What to expect of an honest model."""
    leaves: Literal["no anatomy", "the border", "the inside"]
    """What is left of a view; the verdict's rule is about this."""
