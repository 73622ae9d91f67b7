"""The top of the page: the verdict, the key figures, and the table of all evaluations."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orienteer.records.card import TaskCard
from orienteer.records.evaluation import EvaluationRecord, Value
from orienteer.records.metric import Metric
from orienteer.report.evaluated import Evaluated
from orienteer.report.read import RunRecords
from orienteer.units import shown, shown_interval

SPLITS = {
    "test": "test subjects",
    "val": "validation subjects",
    "train": "training subjects",
    "all": "subjects of all splits",
}
SEEN = {
    "none": "none of them trained on",
    "some": "some of them trained on",
    "all": "all of them trained on",
    "unknown": "of another store: whether it has seen them is not known",
}
PROMISES = {"learning": "It is learning anatomy.", "stuck": "It is stuck.", "cheating": "It is cheating."}


@dataclass(frozen=True)
class VerdictWords:
    """What the evaluation concluded. ``label`` is ``none`` where there was no evaluation.

    ``tone`` is its colour: the label, or ``partly`` where a task is still at chance though the run is learning.
    """

    label: str
    tone: str
    headline: str
    sentence: str
    evidence: Sequence[str] = ()
    rule: Sequence[str] = ()


@dataclass(frozen=True)
class FigureCard:
    """One key figure in words."""

    title: str
    meaning: str
    value: str
    chance: str | None
    chance_words: str
    interval: str | None
    skill: float | None


def verdict_of(evaluated: Evaluated | None) -> VerdictWords:
    """The recorded verdict in words, or why there is none."""
    if evaluated is None:
        return VerdictWords(
            "none",
            "none",
            "Not judged yet.",
            "The evaluation has not run, so there is no figure from held-out subjects and no honesty probe. "
            "It runs at the end of training, or with “orienteer evaluate”.",
        )
    verdict = evaluated.record.verdict
    # Without probes nothing was taken away to see whether anatomy is what it reads.
    plain = verdict.label == "learning" and not evaluated.record.probes
    partly = bool(evaluated.record.at_chance)
    headline = (
        "It is learning, but not every task." if partly else "It is learning." if plain else PROMISES[verdict.label]
    )
    if evaluated.record.agreeing is not None:
        firm = "provisional at" if evaluated.record.agreeing < 2 else "as of"
        headline = f"{headline.removesuffix('.')}, {firm} step {evaluated.record.step:,}."
    sentence = " ".join(filter(None, (verdict.sentence, evaluated.record.at_chance, evaluated.record.leak)))
    return VerdictWords(
        verdict.label,
        "partly" if partly else verdict.label,
        headline,
        sentence,
        verdict.evidence,
        verdict.rule.sentences(),
    )


def key_figures(record: EvaluationRecord) -> list[tuple[str, Metric, Value, TaskCard]]:
    """Every task's key figures with their titles; a title that two tasks share names its task too."""
    found = [(metric, value, task.card) for task in record.tasks for metric, value in task.key_figures]
    times = Counter(metric.title for metric, _, _ in found)
    return [
        (metric.title if times[metric.title] < 2 else f"{metric.title} ({card.title})", metric, value, card)
        for metric, value, card in found
    ]


def cards_of(record: EvaluationRecord) -> list[FigureCard]:
    """One card for each key figure."""
    return [_card(title, metric, value) for title, metric, value, _ in key_figures(record)]


def people(record: EvaluationRecord) -> str:
    """``8 test subjects, 8 scans, 64 samples``; of another store by the evaluation's name: its splits say nothing."""
    others = record.seen == "unknown"
    name = record.name if others else record.split
    who = SPLITS.get("" if others else name, f"subjects of “{name}”")
    chosen = f" of {record.among}" if record.among > record.scans else ""
    return f"{record.subjects} {who}, {record.scans}{chosen} scans, {record.samples} samples"


def evaluation_table(run: RunRecords) -> tuple[list[str], list[Mapping[str, Any]]]:
    """Titles of the columns, and one row for each evaluation: who, at which step, its figures as text, the verdict."""
    columns: dict[tuple[str, str], str] = {}
    for evaluated in [*filter(None, [run.lead]), *run.evaluations]:
        for title, metric, _, card in key_figures(evaluated.record):
            columns.setdefault((card.name, metric.name), title)
    rows: list[Mapping[str, Any]] = [
        {
            "name": evaluated.record.name,
            "people": people(evaluated.record),
            "step": evaluated.record.step,
            "values": [_shown(evaluated.record, *key) for key in columns],
            "verdict": evaluated.record.verdict.label,
            "lead": evaluated is run.lead,
        }
        for evaluated in run.evaluations
    ]
    return list(columns.values()), rows


def _shown(record: EvaluationRecord, task: str, metric: str) -> str:
    result = record.task(task)
    value = result.measures.get(metric) if result else None
    return shown(value.value if value else None, value.unit if value else "1")


def _card(title: str, metric: Metric, value: Value) -> FigureCard:
    low, high = value.interval or (None, None)
    skill = value.skill
    return FigureCard(
        title=title,
        meaning=metric.meaning or "its task does not say what it means",
        value=shown(value.value, value.unit),
        chance=None if value.chance is None else shown(value.chance, value.unit),
        chance_words=metric.chance,
        interval=None if low is None or high is None else f"95 % interval {shown_interval(low, high, value.unit)}",
        skill=None if skill is None else min(1.0, max(0.0, skill)),
    )
