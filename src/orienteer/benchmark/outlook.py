"""What is left of a benchmark and about how long it will take, estimated from the finished jobs."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orienteer.benchmark.claim import check_claim
from orienteer.benchmark.finished import DONE, check_finished, is_finished
from orienteer.benchmark.imported import find_imports
from orienteer.benchmark.plan import Job, Stage, jobs_of, view_sizes
from orienteer.benchmark.pool import slots
from orienteer.benchmark.settings import BenchmarkSettings
from orienteer.folders import Folder, in_order, settings_in, to_make
from orienteer.units import duration


@dataclass(frozen=True)
class Group:
    """Jobs of similar cost.

    Attributes:
        stage: what they do.
        task: on which task; empty for pretraining.
        steps: optimiser steps; 0 for probes.
        jobs: number of jobs.
        done: number of finished jobs.
        seconds: mean time of a finished job; None while there is none.
    """

    stage: Stage
    task: str
    steps: int
    jobs: int
    done: int
    seconds: float | None


@dataclass(frozen=True)
class Outlook:
    """What a benchmark would do: groups of jobs, jobs at a time, and the time left in words."""

    groups: tuple[Group, ...]
    parallel: int
    left: str


def outlook(config: Path | str, out: Path | str, *, assign: tuple[str, ...] = ()) -> Outlook:
    """Plan a benchmark without running or writing anything.

    Raises:
        ConfigError: a setting is unknown or does not fit.
        RunError: the folder belongs to another configuration.
    """
    config, out = Path(config), Path(out)
    in_order("orienteer benchmark {} {} --plan", settings_in(config), to_make(out, Folder.BENCHMARK))
    settings = BenchmarkSettings.load(config, assign)
    jobs = jobs_of(settings, out, find_imports(settings, config.parent))
    check_claim(settings, out, jobs)
    check_finished(jobs, settings.split, view_sizes(settings, jobs)[1])
    groups = groups_of(jobs)
    parallel = slots(settings.parallel)
    return Outlook(groups, parallel, time_left(groups, parallel))


def groups_of(jobs: Sequence[Job]) -> tuple[Group, ...]:
    """The jobs in groups, in running order."""
    found: dict[tuple[Stage, str, int], list[Job]] = {}
    for job in jobs:
        steps = job.settings.optimiser.steps if job.stage in ("pretrain", "finetune") else 0
        found.setdefault((job.stage, job.task, steps), []).append(job)
    return tuple(Group(*key, len(own), sum(map(is_finished, own)), _mean(_times(own))) for key, own in found.items())


def time_left(groups: Sequence[Group], parallel: int) -> str:
    """``about 2.1 h``; ``more than 2.1 h`` while some costs are unknown; empty while all are."""
    left, whole = 0.0, True
    for group in groups:
        each = group.seconds if group.seconds is not None else _from_others(group, groups)
        left += (group.jobs - group.done) * (each or 0)
        whole = whole and (each is not None or group.jobs == group.done)
    if not left:
        return ""
    return f"{'about' if whole else 'more than'} {duration(left / parallel)}"


def _from_others(group: Group, groups: Sequence[Group]) -> float | None:
    """The cost of a group without finished jobs, from other groups of the same stage, scaled by steps."""
    return _mean(
        one.seconds * (group.steps / one.steps if one.steps else 1)
        for one in groups
        if one.stage == group.stage and one.seconds is not None
    )


def _times(jobs: Iterable[Job]) -> Iterable[float]:
    for job in jobs:
        # A job that was killed and resumed has no known time.
        with suppress(OSError, ValueError, KeyError, TypeError):
            yield float(json.loads((job.folder / DONE).read_text(encoding="utf-8"))["seconds"])


def _mean(values: Iterable[float]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None
