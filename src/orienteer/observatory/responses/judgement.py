"""What is answered about an evaluation."""

from typing import Literal

from orienteer.observatory.responses.base import Answer, Vector
from orienteer.observatory.responses.session import KeyFigure, Verdict


class ProbeFigure(Answer):
    """What one honesty probe gave."""

    name: str
    """Of the probe; ``real`` for the views as they are."""
    label: str
    """Short name."""
    meaning: str
    """What was done to the views."""
    unit: str
    """Of the value."""
    value: float | None
    """The judged figure with the views so changed; null where it is not finite."""
    skill: float | None
    """Share of the way from chance, 0, to perfect, 1."""


class MeanError(Answer):
    """A mean error with what it rests on."""

    error_mm: float
    """Mean over subjects, mm."""
    interval_mm: tuple[float, float] | None
    """95 % interval over subjects, mm; null with too few."""
    n: int
    """Pairs of views."""
    scans: int
    """Scans they are from."""


class DistanceBand(MeanError):
    """Error of pairs whose true distance lies in a band."""

    low_mm: float
    """From this distance, mm."""
    high_mm: float
    """Up to this one, mm."""


class Region(MeanError):
    """Error of pairs whose first view lies in a third of the body."""

    axis: Literal["R", "A", "S"]
    """Along which the body is divided."""
    label: str
    """The third in words."""
    low: float
    """Begin as a fraction of the body."""
    high: float
    """End as a fraction of the body."""


class WorstCase(Answer):
    """A pair of views with a large error. ``look`` at the evaluation's step gives the same error."""

    sample: int
    """Number of the sample."""
    scan: str
    """Id of its scan."""
    view_i: int
    """From this view."""
    view_j: int
    """To this one."""
    error_mm: float | None
    """Length of predicted minus true displacement, mm; null where it is no number."""
    true: Vector
    """True displacement, mm."""
    predicted: Vector | None
    """Predicted displacement, mm."""
    centres_mm: list[Vector] | None
    """Centres of all views of the sample, mm; null where the store shown does not hold the scan."""


class JudgeResponse(Answer):
    """Where a run is right and where it is wrong, in one evaluation."""

    evaluation: str
    """Its name."""
    split: str
    """Whom it was about."""
    people: str
    """The same in words, with whether the model has seen them."""
    step: int
    """Step of the model."""
    scans: int
    """Scans evaluated."""
    persons: int
    """Subjects they are of."""
    verdict: Verdict
    """What it concluded."""
    figures: list[KeyFigure]
    """Key figures of every task."""
    judged: KeyFigure | None
    """The figure that the verdict and the probes rest on."""
    probes: list[ProbeFigure]
    """Honesty probes, the views as they are first; empty where none was made."""
    task: str | None
    """Title of the task whose errors follow; null where no task says how views lie to each other."""
    by_distance: list[DistanceBand]
    """Error by true distance."""
    by_region: list[Region]
    """Error by thirds of the body."""
    worst: list[WorstCase]
    """Up to 50 cases, worst first."""
