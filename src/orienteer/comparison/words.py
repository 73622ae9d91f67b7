"""Names, units and rounding of scores, for the tables, the page and the terminal."""

import math
from dataclasses import dataclass

from orienteer.comparison.benchmark import Task
from orienteer.comparison.efficiency import Needed
from orienteer.records.card import unlisted_metric
from orienteer.records.metric import Better
from orienteer.records.scores import SCORES
from orienteer.units import DASH

UNITS = {"mm": "mm"}
MODES = {"finetuned": "fine-tuned", "frozen": "frozen features"}


@dataclass(frozen=True)
class Written:
    """How a metric is written. A fraction is shown in points, 0 to 100; ``better`` is None where unknown."""

    title: str
    better: Better | None
    fraction: bool = False
    unit: str = ""

    @property
    def digits(self) -> int:
        """Digits after the point."""
        return 1 if self.fraction else 2


def written(task: Task, name: str | None = None) -> Written:
    """How a metric of ``task`` (its primary one by default) is written."""
    own = name is None or name == task.metric
    metric = SCORES.get(task.metric if name is None else name)
    if own:
        fraction = (metric.unit if metric else task.unit) == "fraction"
        return Written(metric.title if metric else task.metric, task.better, fraction, "" if fraction else task.unit)
    if metric is not None:
        return Written(metric.title, metric.better, metric.unit == "fraction", UNITS.get(metric.unit, ""))
    unlisted = unlisted_metric(name or "")
    return Written(unlisted.title, None, unit=UNITS.get(unlisted.unit, ""))


def scaled(value: float, metric: Written) -> float:
    """A fraction as points, anything else as it is."""
    return value * 100 if metric.fraction else value


def number(value: float | None, metric: Written) -> str:
    """A score without its unit."""
    return (
        DASH if value is None else f"{_even(scaled(value, metric), metric.digits):.{metric.digits}f}".replace("-", "−")
    )


def gain(value: float | None, metric: Written) -> str:
    """A difference with its sign: ``+5.2``, ``−0.3``."""
    if value is None:
        return DASH
    return f"{_even(scaled(value, metric), metric.digits):+.{metric.digits}f}".replace("-", "−")


def span(low: float | None, high: float | None, metric: Written, *, signed: bool = False) -> str:
    """An interval: ``48.3 to 52.8``; empty without one."""
    if low is None or high is None:
        return ""
    write = gain if signed else number
    return f"{write(low, metric)} to {write(high, metric)}"


def chance_of(p: float | None) -> str:
    """A p value: ``0.013``, ``0.0008``, ``< 0.0001``."""
    if p is None:
        return DASH
    if p < 0.0001:
        return "< 0.0001"
    return f"{p:.4f}" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def equals(p: float) -> str:
    """``p = 0.013`` or ``p < 0.0001``."""
    text = chance_of(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def labelled(count: int, task: Task) -> str:
    """``1 label``, ``3 labels``; ``12 scans`` where no label is needed."""
    return f"{count} {task.given}{'' if count == 1 else 's'}"


def needed(found: Needed) -> str:
    """Labels and their interval: ``6.2 (4.0 to > 10)``; the interval is left out where both ends are equal."""
    if found.value is None:
        return DASH
    text = _labels(found.value, found)
    if found.low is None or found.high is None:
        return text
    low, high = _labels(found.low, found), _labels(found.high, found)
    return f"{text} ({low} to {high})" if low != high else text


def figure(value: float | None, unit: str = "") -> str:
    """Any number to three significant digits, with its unit."""
    if value is None:
        return DASH
    shown, unit = (value * 100, "%") if unit == "fraction" else (value, "" if unit == "1" else unit)
    places = max(0, 2 - math.floor(math.log10(abs(shown)))) if shown else 0
    return f"{shown:.{min(places, 4)}f}{' ' if unit else ''}{unit}".replace("-", "−")


def _labels(value: float, found: Needed) -> str:
    if math.isinf(value):
        return f"> {found.most}" if value > 0 else f"≤ {found.fewest}"
    return f"{value:.1f}"


def _even(value: float, digits: int) -> float:
    # Without this a value of -0.04 is written "-0.0".
    return round(value, digits) + 0.0
