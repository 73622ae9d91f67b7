"""Which jobs are finished, and whether they are the ones that are asked for."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from orienteer.benchmark.plan import Job
from orienteer.config import Tree
from orienteer.errors import RunError
from orienteer.pretext.registry import chosen_tasks
from orienteer.runs.settings import PretrainSettings

DONE = "cell.json"
"""Written last: a job's folder that holds it is whole."""


def is_finished(job: Job) -> bool:
    """Whether all of a job's files are there."""
    return (job.folder / DONE).is_file()


def basis(job: Job, split: str, drawn: int) -> str:
    """SHA-256 of what a job's figures rest on: its settings, the run it starts from, the people, the views' size.

    Settings at their defaults do not count, so that a version with more settings goes on with an older one's jobs.
    """
    said = {
        "stage": job.stage,
        "settings": job.settings.model_dump(mode="json", exclude_defaults=True),
        "run": list(job.run.parts[-2:]) if job.run else None,
        "split": None if job.stage == "pretrain" else split,
        "drawn": drawn if job.stage == "places" else None,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def resolved(job: Job) -> Tree:
    """A job's settings with every default, those of its pretext tasks too."""
    said = job.settings.model_dump(mode="json")
    if isinstance(job.settings, PretrainSettings):
        tasks = job.settings.active_tasks
        said["tasks"] = {
            name: task.kind.settings_type.build(task.values).model_dump(mode="json")
            for name, task in chosen_tasks(tasks).items()
        }
    return said


def check_finished(jobs: Iterable[Job], split: str, drawn: int) -> None:
    """Compare every finished job with what is asked for now.

    Jobs of versions that did not note their basis, or their settings, are taken as they are.

    Raises:
        RunError: a job's figures are those of other settings, of another run or of other people.
    """
    for job in jobs:
        noted, made_of = record_of(job), basis(job, split, drawn)
        if noted.get("basis", made_of) != made_of:
            raise RunError(
                f"{job.folder} was finished with other settings, another pretraining run or other people",
                cure="choose another folder, restore the configuration, or delete that folder to do its job anew",
            )
        if changed := _changed(noted.get("settings", {}), resolved(job)):
            raise RunError(
                f"{job.folder} was finished where {changed}: the default is another in this version",
                cure="say the old value in the configuration, choose another folder, or delete that folder",
            )


def record_of(job: Job) -> Tree:
    """What a finished job says of itself; empty where it is not finished."""
    with suppress(OSError, ValueError):
        record = json.loads((job.folder / DONE).read_text(encoding="utf-8"))
        return record if isinstance(record, dict) else {}
    return {}


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The first setting that both know and that differs, in words; a version may have more settings than another."""
    for name in sorted(before.keys() & now.keys()):
        old, new = before[name], now[name]
        if isinstance(old, dict) and isinstance(new, dict):
            if deeper := _changed(old, new):
                return f"{name}.{deeper}"
        elif old != new:
            return f"{name} was {json.dumps(old)}, not {json.dumps(new)}"
    return ""
