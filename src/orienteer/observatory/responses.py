"""What is answered from records and the store: checked when it is made. The page's types are written from this file.

Names, nulls and units are those of the JSON. ``docs/make_api.py`` turns these classes, with the sentence below each
field, into ``web/src/api-types.ts`` and ``docs/reference/observatory.md``.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, RootModel

from orienteer.observatory.requests import RunKey

Vector = tuple[float, float, float]
"""A position or a displacement along R, A, S."""
Voxels = tuple[int, int, int]
"""A number of voxels along R, A, S."""
Point = tuple[int, float]
"""A step and the value there."""


def vector(values: NDArray[np.floating]) -> Vector:
    """An array ``(3,)`` as plain numbers."""
    right, anterior, superior = values.tolist()
    return right, anterior, superior


def finite_vector(values: NDArray[np.floating]) -> Vector | None:
    """The same, or None where a component is not finite."""
    return vector(values) if np.isfinite(values).all() else None


class Answer(BaseModel):
    """Base of every answer, and of every part of one."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,
    )


class Problem(Answer):
    """Why a request is refused."""

    code: str
    """Stable word for programs, see [refusals](#refusals)."""
    message: str
    """What is wrong, for people."""
    cure: str
    """What helps; may be empty."""


class ErrorResponse(Answer):
    """The answer to every request that is refused."""

    error: Problem
    """Why."""


class Verdict(Answer):
    """What an evaluation concluded."""

    label: str
    """``learning``, ``stuck`` or ``cheating``; ``none`` where there is nothing to conclude from."""
    headline: str
    """The label as a sentence."""
    sentence: str
    """Why, in one sentence."""
    evidence: list[str]
    """The figures it rests on, one sentence each."""


class RunVerdict(Verdict):
    """The verdict of the evaluation that speaks for a run."""

    split: str | None
    """Whom the evaluation was about."""
    step: int | None
    """Step of the model it evaluated."""


class RunFacts(Answer):
    """A run."""

    key: RunKey
    """Names the run in requests."""
    name: str
    """Its folder's name, with the method's where a benchmark made it."""
    tasks: list[str]
    """Pretext tasks it was trained with."""
    view_mm: float
    """Edge of a view, mm."""
    view_voxels: int
    """Edge of a view, voxels."""
    views: int
    """Views of a sample."""
    chunk_mm: float
    """Edge of a chunk, mm."""
    spacing_mm: float
    """Edge of a voxel, mm."""
    forms: dict[str, str]
    """Form of the tasks that have several, e.g. ``pairwise`` or ``difference``."""
    uncertainty: bool
    """Whether it predicts a scale for each gap."""
    steps: list[int]
    """Steps that can be asked: 0, the untrained model, then every kept checkpoint."""
    best_step: int
    """The step of the verdict where its checkpoint is kept, else the newest."""
    total_steps: int
    """Steps of the whole training."""
    live: bool
    """It has not finished, and has written something in the last ten minutes."""
    finished: bool
    """It has come to its end."""
    verdict: RunVerdict | None
    """Null where it was not evaluated."""
    figures: dict[str, float | None]
    """Final figures of the evaluation that speaks for it, by key."""
    simulated: bool
    """The scans were made by a program."""
    evaluations: list[str]
    """Names of its evaluations."""
    own_store: bool
    """False: the store is not the one it learned from, so its splits do not say who was held out."""


class ScanFacts(Answer):
    """A scan of the store."""

    id: str
    """Names the scan in requests."""
    split: str
    """``train``, ``val``, ``test``, or as the store has it."""
    person: str | None
    """Id of the subject; null where it is not known."""
    extent_mm: Vector
    """Voxels times spacing, mm."""
    shape: Voxels
    """Voxels."""
    spacing_mm: float
    """Edge of a voxel, mm."""
    channels: int
    """Number of channels."""
    channel_names: list[str]
    """Their names, where they have any."""
    labelled: bool
    """It has a label map."""
    body_mm: tuple[Vector, Vector]
    """Lowest and highest corner of the body, mm."""


class SessionResponse(Answer):
    """What is open."""

    version: str
    """Of Orienteer."""
    runs: list[RunFacts]
    """One, or two of one store."""
    scans: list[ScanFacts]
    """Test subjects first, then validation, then training."""


class DrawResponse(Answer):
    """Where views were drawn."""

    centres_mm: list[Vector]
    """Centres of the views, mm."""


class Curve(Answer):
    """One metric over training."""

    unit: str
    """``mm``, ``deg``, ``fraction``, ``rank`` or ``1``."""
    better: Literal["lower", "higher"]
    """Which way is better."""
    chance: float | None
    """What a model that knows nothing reaches, in the same unit."""
    points: list[Point]
    """On validation subjects: step and value."""
    train: list[Point]
    """In training: step and value."""


class History(RootModel[dict[str, dict[str, Curve]]]):
    """Every curve by task and metric."""


class LiveResponse(Answer):
    """What came after a step."""

    step: int
    """The last one logged."""
    steps: list[int]
    """Steps that can be asked now."""
    best_step: int
    """As in ``RunFacts``."""
    total_steps: int
    """Steps of the whole training."""
    live: bool
    """As in ``RunFacts``."""
    finished: bool
    """It has come to its end."""
    history: History
    """Points after the step asked for."""


class ProbeFigure(Answer):
    """What one honesty probe gave."""

    label: str
    """Short name."""
    meaning: str
    """What was done to the views."""
    measure: str
    """Key of the metric."""
    unit: str
    """Of the value."""
    value: float
    """The metric with the views so changed."""
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
    """Length of predicted minus true gap, mm; null where it is no number."""
    true: Vector
    """True gap, mm."""
    predicted: Vector | None
    """Predicted gap, mm."""
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
    step: int | None
    """Step of the model."""
    scans: int | None
    """Scans evaluated."""
    persons: int | None
    """Subjects they are of."""
    verdict: Verdict
    """What it concluded."""
    probes: dict[str, ProbeFigure]
    """Honesty probes by name: the real views first, chance last."""
    by_distance: list[DistanceBand]
    """Error by true distance."""
    by_region: list[Region]
    """Error by thirds of the body."""
    worst: list[WorstCase]
    """Up to 50 cases, worst first."""
