"""A full assessment: final metrics, honesty probes, verdict, and all the report needs, in one folder."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from orienteer.errors import StoreError
from orienteer.evaluation.chosen import chosen, spread
from orienteer.evaluation.elsewhere import PER_SCAN, elsewhere
from orienteer.evaluation.examples import chosen_samples, write_examples
from orienteer.evaluation.measure import measure
from orienteer.evaluation.probes import PROBES, Probe
from orienteer.evaluation.restored import write_restored
from orienteer.evaluation.settings import EvaluationSettings
from orienteer.evaluation.shifts import shifts
from orienteer.evaluation.twins import twins
from orienteer.pretext.model import SpatialModel
from orienteer.records import Metric, Observation
from orienteer.records.card import TaskCard, judged_card
from orienteer.records.evaluation import FILE, EvaluationRecord, ProbeResult, TaskResult, Value
from orienteer.records.rows import write_rows
from orienteer.records.statistics import interval_by_subject, of_rows
from orienteer.records.verdict import Probed, Seen, judge
from orienteer.sampling import Sampler
from orienteer.scans.findings import Finding

Progress = Callable[[str, float], None]
"""Called with what is being measured and the share of all work done."""
COMPARED = 64
"""Measured scans at most that are asked whether they are training subjects under another name; each is read whole."""
PROBED_PER_SCAN, PROBED_SHARE = 16, 4
"""Samples of K views per scan for each honesty probe, and how many times fewer than in all at least."""


@dataclass(frozen=True)
class Evaluation:
    """The result of an assessment.

    Attributes:
        record: tasks with their metrics, probes and verdict; also in ``folder/evaluation.json``.
        folder: ``RUN/evaluations/<name>``.
    """

    record: EvaluationRecord
    folder: Path


def assess(
    model: SpatialModel,
    sampler: Sampler,
    settings: EvaluationSettings,
    *,
    folder: Path,
    split: str,
    step: int,
    device: torch.device,
    own_store: bool = True,
    unfamiliar: Mapping[str, tuple[Finding, ...]] | None = None,
    compared: int = 0,
    shifted: bool = False,
    progress: Progress = lambda *_: None,
) -> Evaluation:
    """Measure ``model`` on the sampler's scans, run the honesty probes, reach a verdict, and write the records.

    Args:
        model: on ``device``.
        sampler: without augmentation.
        settings: number of samples, and the verdict's rule.
        folder: ``RUN/evaluations/<name>``; its records are replaced, ``evaluation.json`` last.
        split: name of the subjects measured.
        step: the checkpoint's step.
        device: of the model.
        own_store: whether the model was trained on this store; else which subjects it has seen is unknown.
        unfamiliar: scans that are unlike those of training, and how; None where that is not known.
        compared: how many scans that was asked of.
        shifted: also measure the judged figure where the same subjects look as elsewhere.
        progress: called with the current step and the share done.
    """
    seen: Seen = _seen(sampler) if own_store else "unknown"
    alike, asked = _leaked(sampler) if own_store else ({}, 0)
    if alike and seen == "none":
        seen = "all" if len(alike) == asked else "some"
    among = len(sampler.ids)
    sampler, samples = chosen(sampler, settings.final_per_scan, settings.final_samples)
    probed = min(samples, PROBED_PER_SCAN * len(sampler.ids), max(1, settings.final_samples // PROBED_SHARE))
    judged = judged_card(model.cards)
    # Only a spatial task can be cheated at; any other model is learning or stuck.
    selected = tuple(PROBES.values()) if judged.spatial else ()
    few, shown = chosen(sampler, PER_SCAN, max(1, settings.final_samples // PROBED_SHARE))
    graded = shifts(sampler.store.manifest.spacing) if shifted else ()
    work, done = samples + probed * len(selected) + shown * len(graded), 0

    def tell(what: str) -> Callable[[int], None]:
        return lambda count: progress(what, (done + count) / work)

    real = measure(model, sampler, samples, batch=settings.batch, device=device, on_batch=tell("the views as they are"))
    done = samples
    measures = real.observations[judged.name].measures
    metric = judged.judged_in(measures)
    probes = []
    for probe in selected:
        what = tell(f"probe: {probe.card.title}")
        probes.append(
            apply(probe, model, sampler, probed, judged, metric, batch=settings.batch, device=device, on_batch=what)
        )
        done += probed
    under = elsewhere(
        model,
        few,
        shown,
        judged=judged,
        metric=metric,
        device=device,
        chosen=graded,
        on_scan=lambda count: progress("shifts", (done + shown * len(graded) * count / len(few.ids)) / work),
    )
    verdict = judge(
        measures[metric.name], probes, metric, seen=seen, rule=settings.verdict, overlapping=judged.overlapping
    )
    record = EvaluationRecord(
        name=folder.name,
        split=split,
        seen=seen,
        step=step,
        samples=samples,
        scans=len(sampler.ids),
        among=among,
        subjects=len(set(sampler.store.column("person", sampler.ids))),
        tasks=tuple(task_result(card, real.observations[card.name]) for card in model.cards),
        probes=tuple(
            ProbeResult(card=probe.card, measured=Value.of(probe.measure), samples=probed) for probe in probes
        ),
        shifts=under,
        verdict=verdict.model_copy(update={"task": judged.name}),
        unfamiliar=None if unfamiliar is None else dict(unfamiliar),
        compared=compared,
        twins=alike,
    )
    (folder / FILE).unlink(missing_ok=True)  # broken off from here on, it would speak of other rows than lie beside it
    for task, observation in real.observations.items():
        write_rows(folder / f"{task}.parquet", observation.rows)
    write_examples(folder / "examples", real.recipes, sampler.store, count=settings.examples)
    write_restored(folder, model, sampler, chosen_samples(real.recipes, settings.examples), device=device)
    record.write(folder)
    return Evaluation(record, folder)


def apply(
    probe: Probe,
    model: SpatialModel,
    sampler: Sampler,
    samples: int,
    judged: TaskCard,
    metric: Metric,
    *,
    batch: int,
    device: torch.device,
    on_batch: Callable[[int], None] = lambda _: None,
) -> Probed:
    """What a probe leaves of a metric."""
    found = measure(model, sampler, samples, batch=batch, device=device, corrupt=probe.corrupt, on_batch=on_batch)
    return Probed(probe.card, found.observations[judged.name].measures[metric.name])


def task_result(card: TaskCard, observation: Observation) -> TaskResult:
    """A task's measures for the record, with intervals where the metric is a mean over rows."""
    return TaskResult(
        card=card,
        measures={
            name: Value.of(measure, _interval(card.metric(name), observation))
            for name, measure in observation.measures.items()
        },
    )


def _interval(metric: Metric, observation: Observation) -> tuple[float, float] | None:
    values = of_rows(metric, observation.rows)
    if values is None or "person" not in observation.rows:
        return None
    return interval_by_subject(values, np.asarray(observation.rows["person"]))


def _leaked(sampler: Sampler) -> tuple[dict[str, str], int]:
    """Scans kept apart that look like a training scan under another name, and of how many that was asked."""
    learned: tuple[str, ...] = ()
    with suppress(StoreError):  # no scan was trained on
        learned = sampler.store.ids("train")
    known = set(learned)
    apart = tuple(scan for scan in sampler.ids if scan not in known)
    asked = spread(sampler.store, apart, COMPARED, sampler.seed)
    return (twins(sampler.store, asked, learned, seed=sampler.seed), len(asked)) if learned and asked else ({}, 0)


def _seen(sampler: Sampler) -> Seen:
    """How many of the sampler's subjects are training subjects, if the model was trained on its store."""
    learned = {split == "train" for split in sampler.store.column("split", sampler.ids)}
    return "some" if len(learned) > 1 else "all" if True in learned else "none"
