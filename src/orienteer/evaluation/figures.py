"""The figures with stable names that summaries, scripts and reports share."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from orienteer.pretext.registry import TASKS
from orienteer.records import Measure, Observation
from orienteer.records.files import finite
from orienteer.records.measures import vectors

STABLE = {
    "gap_error_mm": ("gap", "gap_error_mm"),
    "direction_error_deg": ("route", "direction_error_deg"),
    "route_arrival_mm": ("route", "route_arrival_mm"),
    "route_closure_mm": ("route", "route_closure_mm"),
    "adjacency_accuracy": ("adjacency", "adjacency_accuracy"),
    "adjacency_rank": ("adjacency", "embedding_rank"),
    "position_error_mm": ("position", "position_error_mm"),
}
"""Key in summaries: which task's measure it is."""


def stable_figures(observations: Mapping[str, Observation], persons: Mapping[str, str]) -> dict[str, Any]:
    """Final figures; one whose task was not trained is None.

    Args:
        observations: per task, over the whole evaluation.
        persons: scan id to person, for the interval.
    """
    figures: dict[str, Any] = {}
    for key, (task, name) in STABLE.items():
        measure = observations[task].measures.get(name) if task in observations else None
        figures[key] = finite(measure.value) if measure else None
    gap = observations.get("gap")
    chance = gap.measures["gap_error_mm"].chance if gap else None
    figures["gap_chance_mm"] = finite(chance)
    # A model that diverged predicts nothing finite: there is no error to give an interval for.
    finite_gap = gap if figures["gap_error_mm"] is not None else None
    figures["gap_error_interval_mm"] = gap_interval(finite_gap, persons) if finite_gap else None
    return figures


def gap_interval(gap: Observation, persons: Mapping[str, str], *, draws: int = 2000) -> list[float] | None:
    """95 % bootstrap interval of the mean gap error, resampling people: the views of one person are not independent.

    None below three people: drawing one or two anew shows next to nothing of how people differ.
    """
    error = np.linalg.norm(vectors(gap.rows, "pred") - vectors(gap.rows, "true"), axis=1)
    owner = np.array([persons[scan] for scan in gap.rows["scan"]])
    people = np.unique(owner)
    if len(people) < 3:
        return None
    sums = np.array([error[owner == person].sum() for person in people])
    counts = np.array([(owner == person).sum() for person in people])
    chosen = np.random.default_rng(0).integers(0, len(people), size=(draws, len(people)))
    means = sums[chosen].sum(1) / counts[chosen].sum(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return [float(low), float(high)]


HEADLINES = (
    ("gap", "gap_error_mm", "gap error"),
    ("route", "step_error_mm", "error of a step"),
    ("position", "position_error_mm", "position error"),
)


def headline(observations: Mapping[str, Observation]) -> tuple[str, Measure, str]:
    """The figure a verdict rests on: (key, measure, name in words), of the first task that was trained.

    Adjacency alone, and a task from outside this list, are judged by their own first measure; one about places goes
    before one that restores or contrasts, because the probes are about places.
    """
    for task, key, words in HEADLINES:
        if task in observations:
            return key, observations[task].measures[key], words
    about_space = [seen for task, seen in observations.items() if task not in TASKS or TASKS[task].about_space]
    key, measure = (observations.get("adjacency") or next(iter(about_space or observations.values()))).headline
    return key, measure, key.removesuffix(f"_{measure.unit}").replace("_", " ")
