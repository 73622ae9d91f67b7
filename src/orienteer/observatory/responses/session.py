"""What is answered about the runs that are open and the scans of their store."""

from typing import Self

from orienteer.observatory.requests import RunKey
from orienteer.observatory.responses.base import Answer, Vector, Voxels
from orienteer.records.card import ProbeCard, TaskCard
from orienteer.records.evaluation import Value
from orienteer.records.metric import Metric


class KeyFigure(Answer):
    """A key figure of an evaluation."""

    task: str
    """Title of its task."""
    title: str
    """What people read; of a title that two tasks share, with its task."""
    metric: Metric
    """What it is."""
    figure: Value
    """Its value."""


class Verdict(Answer):
    """What an evaluation concluded."""

    label: str
    """``learning``, ``stuck`` or ``cheating``."""
    tone: str
    """Its colour: the label, or ``partly`` where a task is still at chance though the run is learning."""
    headline: str
    """The label as a sentence."""
    sentence: str
    """Why, in one sentence."""
    evidence: list[str]
    """The figures it rests on, one sentence each."""
    rule: list[str]
    """The rule that gave it, one sentence for each label."""


class RunVerdict(Verdict):
    """The verdict of the evaluation that speaks for a run."""

    split: str
    """Whom the evaluation was about."""
    step: int
    """Step of the model it evaluated."""
    judged: KeyFigure | None
    """The figure that it rests on."""


class NextStep(Answer):
    """One thing to do after a verdict."""

    why: str
    """What was found, or what the command is for."""
    command: str
    """To type; empty where there is none."""


class TaskFacts(Answer):
    """A pretext task in words."""

    name: str
    """Key in measures and curves."""
    title: str
    """What people read; its name where it has not described itself."""
    question: str = ""
    """What its figures answer; empty where it has not described itself."""
    intro: str = ""
    """What the model is asked; empty where it has not described itself."""
    metrics: tuple[Metric, ...] = ()
    """What it measures."""
    judged: str = ""
    """Name of the metric that speaks for it."""

    @classmethod
    def of(cls, name: str, card: TaskCard | None) -> Self:
        """What its card says, or its name alone."""
        if card is None:
            return cls(name=name, title=name)
        words = {"name": name, "title": card.title, "question": card.question, "intro": card.intro}
        return cls(**words, metrics=card.metrics, judged=card.judged.name)


class RunFacts(Answer):
    """A run."""

    key: RunKey
    """Names the run in requests."""
    name: str
    """Its folder's name, with the method's where a benchmark made it."""
    tasks: list[TaskFacts]
    """Pretext tasks it was trained with, in order."""
    judged: str | None
    """Name of the task that a verdict rests on; null where no task has described itself."""
    view_mm: float
    """Edge of a view, mm."""
    view_voxels: int
    """Edge of a view, voxels."""
    views: int
    """Views of a sample."""
    spacing_mm: float
    """Edge of a voxel, mm."""
    steps: list[int]
    """Steps that can be asked: 0, the untrained model, then every kept checkpoint."""
    best_step: int
    """The step of the verdict where its checkpoint is kept, else the newest."""
    step: int
    """The last step logged."""
    total_steps: int
    """Steps of the whole training."""
    live: bool
    """It has not finished, and has written something in the last ten minutes."""
    finished: bool
    """It has come to its end."""
    verdict: RunVerdict | None
    """Null where it was not evaluated; while it trains, of its last validation."""
    next: list[NextStep]
    """What to do now, most urgent first."""
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
    probes: list[ProbeCard]
    """What can be done to views before the model sees them."""


class DrawResponse(Answer):
    """Where views were drawn."""

    centres_mm: list[Vector]
    """Centres of the views, mm."""
