"""A verdict while a run still trains: after each validation, provisional until two in a row agree."""

from collections.abc import Mapping
from pathlib import Path

import torch

from orienteer.errors import RunError
from orienteer.evaluation.assess import apply, task_result
from orienteer.evaluation.probes import PROBES
from orienteer.evaluation.settings import EvaluationSettings
from orienteer.pretext.model import SpatialModel
from orienteer.records.card import judged_card
from orienteer.records.evaluation import EvaluationRecord, ProbeResult, Value
from orienteer.records.observation import Observation
from orienteer.records.rows import write_rows
from orienteer.records.verdict import judge
from orienteer.sampling import Sampler

NAME = "so-far"
"""Of the evaluation in ``RUN/evaluations``; the one at the end of the run takes its place."""
PROBED = 1 / 3
"""Share of a validation's samples that each honesty probe is made on."""


def judge_so_far(
    model: SpatialModel,
    sampler: Sampler,
    seen: Mapping[str, Observation],
    settings: EvaluationSettings,
    *,
    samples: int,
    among: int,
    step: int,
    folder: Path,
    device: torch.device,
) -> EvaluationRecord:
    """Judge a validation and write its record; probes are made only where there is skill that could be a cheat.

    Args:
        model: on ``device``.
        sampler: of the validation.
        seen: what each task observed in it.
        settings: samples encoded together, and the verdict's rule.
        samples: of the validation.
        among: scans of which those of the sampler were chosen.
        step: the model's.
        folder: ``RUN/evaluations/so-far``.
        device: of the model.
    """
    judged = judged_card(model.cards)
    measures = seen[judged.name].measures
    metric = judged.judged_in(measures)
    selected = (
        PROBES.values() if judged.spatial and (measures[metric.name].skill or 0) >= settings.verdict.stuck_below else ()
    )
    fewer = max(1, round(PROBED * samples))
    probes = [
        apply(probe, model, sampler, fewer, judged, metric, batch=settings.batch, device=device) for probe in selected
    ]
    verdict = judge(measures[metric.name], probes, metric, rule=settings.verdict, overlapping=judged.overlapping)
    record = EvaluationRecord(
        name=NAME,
        split="val",
        seen="none",
        step=step,
        samples=samples,
        scans=len(sampler.ids),
        among=among,
        subjects=len(set(sampler.store.column("person", sampler.ids))),
        tasks=tuple(task_result(card, seen[card.name]) for card in model.cards),
        probes=tuple(ProbeResult(card=probe.card, measured=Value.of(probe.measure), samples=fewer) for probe in probes),
        verdict=verdict.model_copy(update={"task": judged.name}),
        agreeing=1 + _agreeing(folder, verdict.label, step),
    )
    folder.mkdir(parents=True, exist_ok=True)
    for task, observation in seen.items():
        write_rows(folder / f"{task}.parquet", observation.rows)
    record.write(folder)
    return record


def _agreeing(folder: Path, label: str, step: int) -> int:
    """Verdicts in a row before this one that were the same."""
    try:
        before = EvaluationRecord.read(folder)
    except RunError:
        return 0
    return before.agreeing or 0 if before.verdict.label == label and before.step < step else 0
