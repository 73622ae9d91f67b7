"""Turn finished jobs into the records that a comparison reads."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from orienteer.benchmark.finished import DONE, is_finished
from orienteer.benchmark.job import CASES
from orienteer.benchmark.plan import Job
from orienteer.benchmark.reuse import Identities, Reused
from orienteer.benchmark.settings import BenchmarkSettings, TaskSettings
from orienteer.comparison.records import write_cases, write_costs, write_learning, write_pretext
from orienteer.finetune.folder import FinetuneFolder
from orienteer.finetune.labelled import labelled_scans
from orienteer.records import Metric
from orienteer.records.evaluation import EvaluationRecord
from orienteer.records.log import read_log
from orienteer.records.metric import finite
from orienteer.records.rows import read_rows
from orienteer.records.scores import (
    JUDGED,
    LINEAR,
    NEAREST,
    READ_OUT_WORDS,
    VIEW_POSITION,
    VIEW_SIDE,
    VOXEL_STRUCTURE,
)
from orienteer.runs.settings import PretrainSettings
from orienteer.sampling import ViewSettings
from orienteer.sampling.fitting import fitting
from orienteer.store import Store

Row = Mapping[str, object]

SUFFIXES = {LINEAR: "", NEAREST: "-neighbours"}


def collect(
    settings: BenchmarkSettings, jobs: Sequence[Job], identities: Identities, results: Path, reused: Reused
) -> int:
    """Write the records of every finished job; returns the number of finished jobs.

    Args:
        settings: the benchmark's.
        jobs: all of them.
        identities: of them.
        results: folder of the records.
        reused: jobs whose records are of another benchmark; they count as finished.
    """
    store, (_, drawn) = identities.store, identities.sizes
    finished = [job for job in jobs if is_finished(job)]
    cases: list[Row] = []
    costs: list[Row] = []
    pretext: list[Row] = []
    learning: list[Row] = []
    for job in finished:
        cost = json.loads((job.folder / DONE).read_text(encoding="utf-8"))
        if job.stage == "import":
            continue  # what others spent, and on what, is not known
        costs.append({**_cost(job, cost), "identity": identities.of(job)})
        if job.stage == "pretrain":
            pretext += _pretext(job)
        else:
            cases += _cases(job, settings, store, drawn)
        if job.stage == "finetune":
            learning += _learning(job, settings, store, drawn)
    for job in reused.jobs:
        labels = _labels(job, store, drawn)
        at = {"arm": job.arm, "seed": job.seed}
        costs.append(reused.costs[job.folder])
        if job.stage == "pretrain":
            pretext += reused.rows("pretext", **at)
            continue
        for task in _shown_names(job, settings):
            cases += reused.rows("cases", **at, labels=labels, mode=job.mode, task=task)
        if job.stage == "finetune":
            learning += reused.rows("learning", **at, labels=labels, task=job.task)
    if cases:
        write_cases(results, cases)
    write_pretext(results, pretext)
    if learning:
        write_learning(results, learning)
    write_costs(results, costs)  # last: their identities say that the rest is there
    return len(finished) + len(reused.jobs)


def tasks_shown(settings: BenchmarkSettings, jobs: Sequence[Job], too_small: str = "") -> list[Row]:
    """The comparison's list of tasks: a probe with several targets becomes several tasks.

    ``too_small`` says which scans no probed view fits into.
    """
    shown: list[Row] = []
    for name, task in settings.tasks.items():
        arms = {mode: _arms(jobs, name, mode) for mode in ("finetuned", "frozen") if _arms(jobs, name, mode)}
        if task.kind == "places":
            for probe in _probes(name, task.kind):
                words = f"{probe['words']}; {too_small}" if too_small else probe["words"]
                shown.append({**probe, "words": words, "arms": arms, "given": "scan"})
            continue
        planned = {"arms": arms, "labels": list(task.labelled_scans)}
        unit = {"unit": task.unit} if task.kind == "regress" else {}
        shown.append({**_task(name, task.kind, JUDGED[task.kind], task.words), **unit, **planned})
        if "frozen" in task.modes:
            planned = {"arms": {"frozen": arms.get("frozen", [])}, "labels": list(task.labelled_scans)}
            shown += [{**probe, **planned} for probe in _probes(name, task.kind)]
    return shown


def _read_outs(task: str, kind: str) -> dict[str, tuple[str, Metric, str]]:
    """What frozen features are probed for: by metric, the comparison's task, the metric and its description."""
    targets = (VIEW_POSITION, VIEW_SIDE) if kind == "places" else (VOXEL_STRUCTURE,)
    return {
        metric.name: (
            f"{task}-{metric.name.split('_')[0]}{SUFFIXES[how]}",
            metric,
            f"{metric.meaning}, {READ_OUT_WORDS[how]}",
        )
        for target in targets
        for how, metric in target.items()
    }


def _probes(task: str, kind: str) -> list[Row]:
    return [_task(name, "probe", metric, words) for name, metric, words in _read_outs(task, kind).values()]


def _task(name: str, kind: str, metric: Metric, words: str) -> Row:
    return {
        "name": name,
        "kind": kind,
        "metric": metric.name,
        "better": metric.better,
        "unit": metric.unit,
        "words": words,
    }


def _arms(jobs: Sequence[Job], task: str, mode: str) -> list[str]:
    return list(dict.fromkeys(job.arm for job in jobs if (job.task, job.mode) == (task, mode)))


def _cases(job: Job, settings: BenchmarkSettings, store: Store, drawn: int) -> list[Row]:
    task = settings.tasks[job.task]
    file = job.folder / CASES
    table = read_rows(file)
    labels = _labels(job, store, drawn)
    rows: list[Row] = []
    for case, person, item, metric, value in zip(
        *(table[name].tolist() for name in ("case", "person", "item", "metric", "value")), strict=True
    ):
        rows.append(
            {
                "task": _shown_as(job.task, task, metric),
                "arm": job.arm,
                "mode": job.mode,
                "labels": labels,
                "seed": job.seed,
                "case": case,
                "person": person,
                "item": item,
                "metric": metric,
                "value": value,
            }
        )
    return rows


def _labels(job: Job, store: Store, drawn: int) -> int:
    """Labelled scans of a job; all means scans with a label, or every training scan where positions are probed."""
    if job.labels is not None:
        return job.labels
    if job.stage == "places" or isinstance(job.settings, PretrainSettings):
        return len(fitting(store, store.ids("train"), ViewSettings(count=2, size=drawn)).ids)
    return len(labelled_scans(store, job.settings, "train"))


def _shown_as(name: str, task: TaskSettings, metric: str) -> str:
    read_out = _read_outs(name, task.kind).get(metric)
    return read_out[0] if read_out else name


def _shown_names(job: Job, settings: BenchmarkSettings) -> list[str]:
    """The comparison's tasks that a job's measurements may belong to."""
    return [job.task, *(name for name, _, _ in _read_outs(job.task, settings.tasks[job.task].kind).values())]


def _cost(job: Job, cost: Row) -> Row:
    kept = {key: cost.get(key) for key in ("seconds", "cpu_seconds", "peak_memory_mb", "energy_j", "device")}
    of = {"arm": job.arm, "stage": job.recorded_stage, "task": job.task or None, "labels": job.labels, "seed": job.seed}
    return {**of, "steps": _steps(job), **kept}


def _steps(job: Job) -> int | None:
    """Optimiser steps that were made; None where there are none."""
    if job.stage == "finetune":
        return FinetuneFolder(job.folder).record().steps
    return job.settings.optimiser.steps if job.stage == "pretrain" else None


def _learning(job: Job, settings: BenchmarkSettings, store: Store, drawn: int) -> list[Row]:
    """Scores on validation subjects by step, where they were watched."""
    metric, labels = JUDGED[settings.tasks[job.task].kind].name, _labels(job, store, drawn)
    return [
        {"task": job.task, "arm": job.arm, "labels": labels, "seed": job.seed, "step": line["step"], "value": value}
        for line in read_log(FinetuneFolder(job.folder).observations)
        if line["phase"] == "validation" and (value := line["measures"][metric]["value"]) is not None
    ]


def _pretext(job: Job) -> list[Row]:
    """The run's own metrics on validation subjects: proof that it learned its pretext."""
    record = EvaluationRecord.read(job.folder / "evaluations" / "val")
    return [
        {
            "arm": job.arm,
            "seed": job.seed,
            "task": task.card.name,
            "measure": name,
            "title": task.card.metric(name).title,
            "value": value.value,
            "unit": value.unit,
            "chance": value.chance,
            "skill": finite(value.skill),
            "verdict": record.verdict.label,
        }
        for task in record.tasks
        for name, value in task.measures.items()
    ]
