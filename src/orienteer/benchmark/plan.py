"""From a configuration to the list of jobs, each with its folder and its resolved settings. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from orienteer.benchmark.settings import ArmSettings, BenchmarkSettings, TaskSettings
from orienteer.config import Tree
from orienteer.finetune.settings import FinetuneSettings
from orienteer.runs.settings import PretrainSettings

Stage = Literal["pretrain", "finetune", "frozen", "places"]


@dataclass(frozen=True)
class Job:
    """One piece of work; whole once ``cell.json`` lies in its folder.

    Attributes:
        stage: what is done.
        arm: for which arm.
        task: on which task; empty for pretraining.
        labels: labelled training scans; None for all.
        seed: of this piece of work.
        folder: where its records go.
        run: the pretraining run it starts from; None from scratch.
        settings: resolved settings of the run or the fine-tuning.
    """

    stage: Stage
    arm: str
    task: str
    labels: int | None
    seed: int
    folder: Path
    run: Path | None
    settings: PretrainSettings | FinetuneSettings

    @property
    def name(self) -> str:
        """For messages."""
        labels = "" if self.labels is None else f" {self.labels} labels"
        return " ".join(part for part in (self.stage, self.task, self.arm) if part) + f"{labels} seed {self.seed}"


def jobs_of(settings: BenchmarkSettings, out: Path) -> list[Job]:
    """Every job, pretraining first, cheap and telling ones before dear ones.

    Raises:
        ConfigError: settings of an arm or task that do not fit, named.
    """
    jobs = [
        Job(
            "pretrain", name, "", None, seed, run_folder(out, name, seed), None, _pretraining(settings, name, arm, seed)
        )
        for name, arm in settings.arms.items()
        if arm.role != "scratch" and not arm.from_arm
        for seed in settings.pretrain_seeds
    ]
    rest: list[Job] = []
    for task_name, task in settings.tasks.items():
        for place, seed in enumerate(settings.seeds):
            for labels in task.labels or (None,):
                for arm_name, arm in settings.arms.items():
                    if task.arms and arm_name not in task.arms:
                        continue
                    rest += _measuring(settings, out, task_name, task, arm_name, arm, labels, seed, place)
    order = {"places": 0, "frozen": 1, "finetune": 2}
    return jobs + sorted(rest, key=lambda job: (order[job.stage], settings.seeds.index(job.seed)))


def view_sizes(settings: BenchmarkSettings, jobs: Iterable[Job]) -> tuple[int, int]:
    """Edge of the shared views, and of the largest that any arm learns with; voxels."""
    shared = PretrainSettings.read({**settings.pretrain}, origin="pretrain").views.size
    own = [job.settings.views.size for job in jobs if isinstance(job.settings, PretrainSettings)]
    return shared, max([shared, *own])


def run_folder(out: Path, arm: str, seed: int) -> Path:
    """Where an arm's pretraining run lies."""
    return out / "cells" / "pretrain" / arm / f"seed_{seed}"


def _measuring(
    settings: BenchmarkSettings,
    out: Path,
    task_name: str,
    task: TaskSettings,
    arm_name: str,
    arm: ArmSettings,
    labels: int | None,
    seed: int,
    place: int,
) -> list[Job]:
    run = None
    if arm.role != "scratch":
        pretrain_seed = settings.pretrain_seeds[place % len(settings.pretrain_seeds)]
        run = run_folder(out, arm.from_arm or arm_name, pretrain_seed)
    chosen = _finetuning(settings, task_name, task, arm_name, arm, labels, seed)
    folder = out / "cells" / task_name
    count = "all" if labels is None else f"labels_{labels}"
    # Arms that differ in fine-tuning only are one arm when frozen.
    same = bool(arm.finetune) and (arm.role == "scratch" or arm.from_arm is not None)
    if same and task.kind == "places":
        return []
    if task.kind == "places":
        return [Job("places", arm_name, task_name, None, seed, folder / arm_name / f"seed_{seed}", run, chosen)]
    jobs = []
    if "finetuned" in task.modes:
        where = folder / "finetuned" / arm_name / count / f"seed_{seed}"
        jobs.append(Job("finetune", arm_name, task_name, labels, seed, where, run, chosen))
    if "frozen" in task.modes and not same:
        where = folder / "frozen" / arm_name / count / f"seed_{seed}"
        jobs.append(Job("frozen", arm_name, task_name, labels, seed, where, run, chosen))
    return jobs


def _pretraining(settings: BenchmarkSettings, name: str, arm: ArmSettings, seed: int) -> PretrainSettings:
    values = merged(merged(ALONE, settings.pretrain), arm.pretrain)
    return PretrainSettings.read({**values, "seed": seed}, origin=f"arms.{name}.pretrain")


def _finetuning(
    settings: BenchmarkSettings,
    task_name: str,
    task: TaskSettings,
    arm_name: str,
    arm: ArmSettings,
    labels: int | None,
    seed: int,
) -> FinetuneSettings:
    values = merged(merged(merged(ALONE, settings.finetune), task.settings), arm.finetune)
    kind = "segment" if task.kind == "places" else task.kind
    return FinetuneSettings.read(
        {**values, "kind": kind, "labels": labels, "seed": seed}, origin=f"tasks.{task_name} of arms.{arm_name}"
    )


ALONE = {"devices": {"devices": 1}}
"""A job computes on one device; the benchmark's parallelism is over jobs."""
WHOLE = ("tasks", "structures")
"""Groups that an arm or task says as a whole: half of one pretext list and half of another would be nobody's."""


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Tree:
    """``over`` laid over ``base``, group by group."""
    result = dict(base)
    for key, value in over.items():
        before = result.get(key)
        both = isinstance(value, Mapping) and isinstance(before, Mapping) and key not in WHOLE
        result[key] = merged(before, value) if both else value  # type: ignore[arg-type]
    return result
