"""The top of the page: the verdict, the key figures, and the table of all evaluations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orienteer.report.measures import KEY_FIGURES, SPATIAL, TASKS, KeyFigure, key_figure, shown, title_of
from orienteer.report.read import EvaluationRecords, RunRecords, mapping, number

SPLITS = {
    "test": "test people",
    "val": "validation people",
    "train": "training people",
    "all": "people of all splits",
}
SEEN = {
    "none": "none of them trained on",
    "some": "some of them trained on",
    "all": "all of them trained on",
    "unknown": "of another store: whether it has seen them is not known",
}
PROMISES = {
    "learning": "It is learning anatomy.",
    "stuck": "It is stuck.",
    "cheating": "It is cheating.",
}


@dataclass(frozen=True)
class Verdict:
    """What the evaluation concluded. ``label`` is ``none`` when there is nothing to conclude from."""

    label: str
    headline: str
    sentence: str
    evidence: Sequence[str]


@dataclass(frozen=True)
class Card:
    """One key figure; ``value`` is None when its task was not trained."""

    title: str
    meaning: str
    value: str | None
    chance: str | None
    interval: str | None
    note: str
    skill: float | None


def verdict_of(evaluation: EvaluationRecords | None) -> Verdict:
    """The recorded verdict in words, or why there is none."""
    recorded = mapping(evaluation.record.get("verdict")) if evaluation else {}
    label = str(recorded.get("label", ""))
    if label not in PROMISES:
        return Verdict(
            label="none",
            headline="Not judged yet." if evaluation is None else "No verdict was recorded.",
            sentence="The evaluation has not run, so there is no figure from held-out people and no honesty probe. "
            "It runs at the end of training, or with “orienteer evaluate”."
            if evaluation is None
            else "This evaluation holds figures but no verdict.",
            evidence=(),
        )
    evidence = recorded.get("evidence")
    return Verdict(
        label=label,
        headline=PROMISES[label],
        sentence=_sentence(str(recorded.get("sentence", "")), label),
        evidence=[str(item) for item in evidence] if isinstance(evidence, list) else [],
    )


def cards_of(evaluation: EvaluationRecords, *, trained: Sequence[str], closes_by_algebra: bool) -> list[Card]:
    """One card for each key figure."""
    return [
        _card(evaluation, _measured(evaluation, key), trained=trained, closes_by_algebra=closes_by_algebra)
        for key in key_figures(evaluation, trained=trained)
    ]


def key_figures(evaluation: EvaluationRecords | None, *, trained: Sequence[str]) -> list[KeyFigure]:
    """The stable figures, the position field's only where it was trained, and the headline of every other task.

    A run that trained no task about places has only the latter.
    """
    spatial = any(task in SPATIAL for task in trained) or not trained
    found = [key for key in KEY_FIGURES if spatial and (key.task != "position" or "position" in trained)]
    for task, observed in mapping(evaluation.record.get("observations")).items() if evaluation else ():
        measures = mapping(mapping(observed).get("measures"))
        if task not in SPATIAL and measures:
            name = next(iter(measures))
            measure = mapping(measures[name])
            found.append(key_figure(task, name, str(measure.get("unit", "1")), str(measure.get("better", "lower"))))
    return found


def closes_by_algebra(run: RunRecords, evaluation: EvaluationRecords | None) -> bool:
    """Whether routes are differences of positions, so that every round trip closes whatever was learned."""
    figures = evaluation.figures if evaluation else {}
    forms = mapping(figures.get("forms")) or mapping(run.info.get("forms")) or mapping(run.summary.get("forms"))
    return forms.get("route") == "difference"


def people(evaluation: EvaluationRecords) -> str:
    """``8 test people, 8 scans, 64 samples``; another store's by the evaluation's name, for its splits say nothing."""
    others = evaluation.seen == "unknown"
    name = evaluation.name if others else evaluation.split
    who = SPLITS.get("" if others else name, f"people of “{name}”")
    persons = number(evaluation.record.get("persons"))
    parts = [f"{persons:.0f} {who}" if persons is not None else who]
    for key in ("scans", "samples"):
        count = number(evaluation.record.get(key))
        if count is not None:
            parts.append(f"{count:.0f} {key}")
    return ", ".join(parts)


def evaluation_rows(run: RunRecords, keys: Sequence[KeyFigure] = KEY_FIGURES) -> list[Mapping[str, Any]]:
    """One row for each evaluation: who, at which step, the figures ``keys`` as text, the verdict."""
    return [
        {
            "name": evaluation.name,
            "people": people(evaluation),
            "step": number(evaluation.record.get("step")),
            "values": [
                shown(value, key.unit) if (value := _value(evaluation, key)) is not None else "–" for key in keys
            ],
            "verdict": mapping(evaluation.record.get("verdict")).get("label", "–"),
            "lead": evaluation is run.lead,
        }
        for evaluation in run.evaluations
    ]


def _sentence(text: str, label: str) -> str:
    # The headline above has said the verdict already.
    rest = text.removeprefix(f"{label.capitalize()}: ")
    return rest[:1].upper() + rest[1:]


def _measured(evaluation: EvaluationRecords, key: KeyFigure) -> KeyFigure:
    """The figure itself, or the one that stands in where this one could not be measured."""
    if key.instead is None or _value(evaluation, key) is not None:
        return key
    name, meaning = key.instead
    other = replace(key, key=name, meaning=meaning, instead=None)
    return key if _value(evaluation, other) is None else other


def _card(evaluation: EvaluationRecords, key: KeyFigure, *, trained: Sequence[str], closes_by_algebra: bool) -> Card:
    value, chance = _value(evaluation, key), _chance(evaluation, key)
    note = ""
    if value is None:
        missing = "recorded" if key.task in trained else "trained"
        note = f"{TASKS.get(key.task, key.task).capitalize()}: not {missing} in this run."
    elif key.key == "route_closure_mm":
        note = (
            "Zero by construction: steps are differences of positions, so every round trip closes. No finding."
            if closes_by_algebra
            else "Standing still would close too, so read it together with the arrival error."
        )
    elif key.task == "adjacency":
        rank = number(evaluation.measure("embedding_rank").get("value"))
        note = "" if rank is None else f"Effective rank of the embedding: {rank:.1f}; 1 would be a collapse."
    interval = evaluation.figures.get(key.key.replace("_mm", "_interval_mm"))
    ends = [number(end) for end in interval] if isinstance(interval, list | tuple) else []
    text = None
    if value is not None and len(ends) == 2 and ends[0] is not None and ends[1] is not None:
        text = f"95 % interval {ends[0]:.1f} to {shown(ends[1], key.unit)}"
    return Card(
        title=title_of(key.key),
        meaning=key.meaning,
        value=None if value is None else shown(value, key.unit),
        chance=None if value is None or chance is None else shown(chance, key.unit),
        interval=text,
        note=note,
        skill=_skill(value, chance, key.better),
    )


def _value(evaluation: EvaluationRecords, key: KeyFigure) -> float | None:
    value = number(evaluation.figures.get(key.key))
    return value if value is not None else number(evaluation.measure(key.key).get("value"))


def _chance(evaluation: EvaluationRecords, key: KeyFigure) -> float | None:
    named = number(evaluation.figures.get(key.chance_key)) if key.chance_key else None
    measured = number(evaluation.measure(key.key).get("chance"))
    return next((chance for chance in (named, measured, key.chance) if chance is not None), None)


def _skill(value: float | None, chance: float | None, better: str) -> float | None:
    if value is None or chance is None or (best := 0.0 if better == "lower" else 1.0) == chance:
        return None
    return min(1.0, max(0.0, (value - chance) / (best - chance)))
