"""Which jobs are finished, and whether they match the configuration and the scans."""

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from orienteer.benchmark.plan import BEGINNINGS, Job
from orienteer.config import Tree
from orienteer.errors import RunError
from orienteer.finetune.settings import FinetuneSettings
from orienteer.pretext.registry import chosen_tasks
from orienteer.runs.fingerprint import fingerprint
from orienteer.runs.settings import PretrainSettings
from orienteer.store import Store
from orienteer.units import counted, some

DONE = "cell.json"
"""Written last: a job whose folder holds this file is complete."""


def is_finished(job: Job) -> bool:
    """Whether a job is complete."""
    return (job.folder / DONE).is_file()


def basis(job: Job, split: str, drawn: int) -> str:
    """SHA-256 of all that determines a job's results: settings, starting run, subjects and view size.

    Settings at their defaults are left out, so that a version with more settings can resume jobs of an older one.
    """
    values = {
        "stage": job.stage,
        "settings": job.settings.model_dump(mode="json", exclude_defaults=True),
        "run": list(job.run.parts[-2:]) if job.run else None,
        "split": None if job.stage in BEGINNINGS else split,
        "drawn": drawn if job.stage == "places" else None,
    }
    if job.imported is not None:
        values["imported"] = job.imported.identity
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def resolved(job: Job) -> Tree:
    """A job's settings with all defaults filled in, including those of its pretext tasks."""
    values = job.settings.model_dump(mode="json")
    if isinstance(job.settings, PretrainSettings):
        tasks = job.settings.active_tasks
        values["tasks"] = {
            name: task.kind.settings_type.build(task.values).model_dump(mode="json")
            for name, task in chosen_tasks(tasks).items()
        }
    return values


def check_finished(jobs: Iterable[Job], split: str, drawn: int) -> None:
    """Refuse finished jobs that do not match the configuration.

    Jobs of older versions, which recorded neither basis nor settings, are accepted.

    Raises:
        RunError: a job was finished with other settings, another pretraining run or other subjects, or its record is
            damaged.
    """
    for job in jobs:
        recorded, expected = record_of(job), basis(job, split, drawn)
        if is_finished(job) and not recorded:
            raise RunError(f"{job.folder / DONE} is damaged", cure="delete that folder to repeat the job")
        if recorded.get("basis", expected) != expected:
            raise RunError(
                f"{job.folder} was finished with other settings, another pretraining run or other subjects"
                + (", or other imported weights" if job.imported else "")
                + (
                    f", or where the largest views of any arm were not of {drawn} voxels"
                    if job.stage == "places"
                    else ""
                ),
                cure="choose another folder, restore the configuration, or delete that folder to repeat the job",
            )
        if changed := _changed(recorded.get("settings", {}), resolved(job)):
            raise RunError(
                f"{job.folder} was finished where {changed}: the default has changed in this version",
                cure="set the old value in the configuration, choose another folder, or delete that folder",
            )


@dataclass(frozen=True, eq=False)
class Data:
    """What the jobs of a benchmark learn from and are scored on.

    Attributes:
        store: the benchmark's store.
    """

    store: Store
    _known: dict[tuple[bool, str | None], str] = field(default_factory=dict, init=False)

    def of(self, job: Job) -> str:
        """SHA-256 of scans and whose they are, and of labels and answers unless the job pretrains."""
        column = job.settings.column if isinstance(job.settings, FinetuneSettings) else None
        kind = (job.stage not in BEGINNINGS, column)
        if kind not in self._known:
            self._known[kind] = self._digest(*kind)
        return self._known[kind]

    def _digest(self, labels: bool, column: str | None) -> str:
        scans = self.store.manifest.scans
        columns = ("id", "person", "structures", "ignored") if labels else ("id", "person")
        told: Tree = {
            "scans": fingerprint(self.store, labels=labels),
            "spacing": self.store.manifest.spacing,
            "entries": sorted(
                json.dumps(values, sort_keys=True) for values in zip(*map(scans.column, columns), strict=True)
            ),
        }
        if column is not None:
            told["column"] = [[entry.id, str(entry.table.get(column))] for entry in scans]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def check_data(jobs: Iterable[Job], store: Store) -> None:
    """Refuse finished jobs that ran on other data than the store holds now.

    Jobs of older versions, which did not record it, are accepted.

    Raises:
        RunError: a job was finished on other scans, subjects or labels.
    """
    data = Data(store)
    for job in jobs:
        recorded = record_of(job).get("data")
        if recorded is not None and recorded != data.of(job):
            raise RunError(
                f"{job.folder} was finished on other scans, subjects or labels than {store.path} holds now",
                cure="choose another folder, bring the data back, or delete that folder to repeat the job",
            )


def began(job: Job) -> str | None:
    """SHA-256 of the record of the pretraining run that a job starts from; None where it starts from none.

    None as well of weights that others trained, which ``basis`` knows, and of a run that is not finished.
    """
    if job.run is None or job.imported is not None:
        return None
    with suppress(OSError):
        return hashlib.sha256((job.run / DONE).read_bytes()).hexdigest()
    return None


def check_beginnings(jobs: Iterable[Job]) -> None:
    """Refuse finished jobs whose pretraining run is gone, or was run again since.

    Jobs of older versions, which did not record it, are accepted.

    Raises:
        RunError: jobs were finished from another run than lies there now.
    """
    stale: dict[Path, list[Job]] = {}
    for job in jobs:
        recorded = record_of(job).get("began")
        if job.run is not None and recorded is not None and recorded != began(job):
            stale.setdefault(job.run, []).append(job)
    for run, of in stale.items():
        there = "was run again since" if (run / DONE).is_file() else "is gone"
        raise RunError(
            f"{counted(len(of), 'finished job')} started from {run}, which {there}:"
            f" {some([str(job.folder) for job in of], 20)}",
            cure="delete these folders to repeat the jobs, or bring the run back",
        )


def record_of(job: Job) -> Tree:
    """The record of a finished job; empty where it is not finished."""
    with suppress(OSError, ValueError):
        record = json.loads((job.folder / DONE).read_text(encoding="utf-8"))
        return record if isinstance(record, dict) else {}
    return {}


def _changed(before: Tree, now: Tree) -> str:
    """The first setting that both have and that differs, in words; versions may have different settings."""
    for name in sorted(before.keys() & now.keys()):
        old, new = before[name], now[name]
        if isinstance(old, dict) and isinstance(new, dict):
            if deeper := _changed(old, new):
                return f"{name}.{deeper}"
        elif old != new:
            return f"{name} was {json.dumps(old)}, not {json.dumps(new)}"
    return ""
