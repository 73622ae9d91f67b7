"""From a configuration to the list of jobs, each with its folder and resolved settings. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from orienteer.benchmark.imported import ImportedWeights
from orienteer.benchmark.settings import ArmSettings, BenchmarkSettings
from orienteer.config import Tree
from orienteer.errors import ConfigError
from orienteer.finetune.settings import FinetuneSettings
from orienteer.runs.settings import PretrainSettings

Stage = Literal["pretrain", "import", "finetune", "frozen", "places"]
BEGINNINGS = ("pretrain", "import")
"""Stages that make the runs which the others start from."""


@dataclass(frozen=True)
class Job:
    """One piece of work; complete once its folder holds ``cell.json``.

    Attributes:
        stage: what is done.
        arm: for which arm.
        task: on which task; empty where a run begins.
        labels: labelled training scans; None for all.
        seed: of this job.
        folder: of its records.
        run: the pretraining run it starts from; None from scratch.
        settings: resolved settings of the run or the fine-tuning.
        imported: the weights of others that its arm begins with.
    """

    stage: Stage
    arm: str
    task: str
    labels: int | None
    seed: int
    folder: Path
    run: Path | None
    settings: PretrainSettings | FinetuneSettings
    imported: ImportedWeights | None = None

    @property
    def recorded_stage(self) -> str:
        """As the records call it."""
        return "frozen" if self.stage == "places" else self.stage

    @property
    def mode(self) -> Literal["finetuned", "frozen"]:
        """How the records call the way a task is done."""
        return "finetuned" if self.stage == "finetune" else "frozen"

    @property
    def name(self) -> str:
        """For messages."""
        labels = "" if self.labels is None else f" {self.labels} labels"
        return " ".join(part for part in (self.stage, self.task, self.arm) if part) + f"{labels} seed {self.seed}"


def jobs_of(
    settings: BenchmarkSettings, out: Path, imports: Mapping[str, ImportedWeights] = MappingProxyType({})
) -> list[Job]:
    """Every job: imports and pretraining first, then the rest from cheap to expensive.

    Args:
        settings: the benchmark's.
        out: its folder.
        imports: the weights that arms import, by arm.

    Raises:
        ConfigError: settings of an arm or task that do not fit, named.
    """
    beginning = [
        _beginning(settings, out, name, seed, imports.get(name))
        for name, arm in settings.arms.items()
        if arm.role != "scratch" and not arm.from_arm
        for seed in settings.pretrain_seeds
    ]
    beginning.sort(key=lambda job: job.stage)  # imports take seconds and may be refused
    measuring = [
        job
        for name, task in settings.tasks.items()
        for turn in range(len(settings.seeds))
        for labels in task.labelled_scans or (None,)
        for arm in settings.arms
        if (not task.arms or arm in task.arms) and _at(settings.arms[arm], labels)
        for job in _measuring(settings, out, name, arm, labels, turn, imports)
    ]
    order = {"places": 0, "frozen": 1, "finetune": 2}
    return beginning + sorted(measuring, key=lambda job: (order[job.stage], settings.seeds.index(job.seed)))


def _at(arm: ArmSettings, labels: int | None) -> bool:
    """Whether an arm is measured at this label count."""
    return labels is None or not arm.labelled_scans or labels in arm.labelled_scans


def view_sizes(settings: BenchmarkSettings, jobs: Iterable[Job]) -> tuple[int, int]:
    """Edge of the shared views and of the largest views that any arm learns with, voxels."""
    shared = PretrainSettings.read({**settings.pretrain}, origin="pretrain").views.size
    own = [job.settings.views.size for job in jobs if isinstance(job.settings, PretrainSettings)]
    return shared, max([shared, *own])


def run_folder(out: Path, arm: str, seed: int) -> Path:
    """The folder of an arm's pretraining run."""
    return out / "cells" / "pretrain" / arm / f"seed_{seed}"


def _beginning(settings: BenchmarkSettings, out: Path, name: str, seed: int, found: ImportedWeights | None) -> Job:
    folder = run_folder(out, name, seed)
    if found is not None:
        return Job("import", name, "", None, seed, folder, None, found.settings(seed), found)
    return Job("pretrain", name, "", None, seed, folder, None, _pretraining(settings, name, seed))


def _measuring(
    settings: BenchmarkSettings,
    out: Path,
    task_name: str,
    arm_name: str,
    labels: int | None,
    turn: int,
    imports: Mapping[str, ImportedWeights],
) -> Iterator[Job]:
    task, arm, seed = settings.tasks[task_name], settings.arms[arm_name], settings.seeds[turn]
    run = None
    if arm.role != "scratch":
        pretrain_seed = settings.pretrain_seeds[turn % len(settings.pretrain_seeds)]
        run = run_folder(out, arm.from_arm or arm_name, pretrain_seed)
    found = imports.get(arm.from_arm or arm_name)
    chosen = _finetuning(settings, task_name, arm_name, labels, seed)
    if found is not None and chosen.transfer.decoder:
        raise ConfigError(
            f"arms.{arm_name}: imported weights have no decoder to take", cure="leave out finetune.transfer.decoder"
        )
    folder, count = out / "cells" / task_name, "all" if labels is None else f"labels_{labels}"
    # Arms that differ in fine-tuning only are the same arm when frozen.
    same = bool(arm.finetune) and (arm.role == "scratch" or arm.from_arm is not None)
    if task.kind == "places":
        if not same:
            yield Job("places", arm_name, task_name, None, seed, folder / arm_name / f"seed_{seed}", run, chosen, found)
        return
    stages: dict[str, Stage] = {"finetuned": "finetune", "frozen": "frozen"}
    for mode in task.modes:
        if mode == "finetuned" or not same:
            where = folder / mode / arm_name / count / f"seed_{seed}"
            yield Job(stages[mode], arm_name, task_name, labels, seed, where, run, chosen, found)


def _pretraining(settings: BenchmarkSettings, name: str, seed: int) -> PretrainSettings:
    values = merged(merged(ALONE, settings.pretrain), settings.arms[name].pretrain)
    return PretrainSettings.read({**values, "seed": seed}, origin=f"arms.{name}.pretrain")


def _finetuning(
    settings: BenchmarkSettings, task_name: str, arm_name: str, labels: int | None, seed: int
) -> FinetuneSettings:
    task = settings.tasks[task_name]
    values = merged(merged(merged(ALONE, settings.finetune), task.settings), settings.arms[arm_name].finetune)
    kind = "segment" if task.kind == "places" else task.kind
    return FinetuneSettings.read(
        {**values, "kind": kind, "labelled_scans": labels, "seed": seed}, origin=f"tasks.{task_name} of arms.{arm_name}"
    )


ALONE = {"devices": {"devices": 1}}
"""A job computes on one device; a benchmark runs several jobs in parallel instead."""
WHOLE = ("tasks", "structures")
"""Groups that replace the shared ones as a whole: a mixture of two lists of pretext tasks is neither."""


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Tree:
    """``over`` laid over ``base``, group by group."""
    result = dict(base)
    for key, value in over.items():
        before = result.get(key)
        both = isinstance(value, Mapping) and isinstance(before, Mapping) and key not in WHOLE
        result[key] = merged(before, value) if both else value  # type: ignore[arg-type]
    return result
