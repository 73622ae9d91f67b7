"""Read a run folder into frozen values. Reading forgives: a run killed mid-write can still be looked at.

Whatever cannot be read is left out and named in ``RunRecords.problems``, which the page shows.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from orienteer.errors import RunError
from orienteer.folders import SETTINGS, Folder, mistaken, recognised
from orienteer.records.card import TaskCard
from orienteer.records.log import read_log
from orienteer.records.metric import finite
from orienteer.records.run import NewerRecordError, RunRecord
from orienteer.report.evaluated import Evaluated, cause, read_evaluated

MACHINE = "training"
"""Whose the lines of the log are that tell of the computer, not of a task."""


@dataclass(frozen=True)
class RunRecords:
    """Everything the report shows; ``record`` is None where ``run.json`` cannot be read."""

    path: Path
    record: RunRecord | None
    summary: Mapping[str, Any]
    settings: str
    lines: tuple[Mapping[str, Any], ...]
    evaluations: tuple[Evaluated, ...]
    problems: tuple[str, ...]

    @property
    def lead(self) -> Evaluated | None:
        """The evaluation the page speaks about: held-out people first; of them test, then validation, then any.

        One of a checkpoint that an extended run has left behind comes after all of the run as it is now.
        """
        order, now = {"test": 0, "val": 1}, self._from_step
        ranked = sorted(
            (evaluated.record for evaluated in self.evaluations),
            key=lambda e: (e.seen != "none", e.step < now, order.get(e.split, 2), e.name != e.split, e.name),
        )
        return next((e for e in self.evaluations if e.record is ranked[0]), None) if ranked else None

    @property
    def _from_step(self) -> int:
        """The first step of which an evaluation speaks for the run as it is now."""
        if self.record is None or not self.record.extensions:
            return 0
        if self.record.extended_at is not None:
            return self.record.extended_at + 1
        return max((each.record.step for each in self.evaluations if each.record.name == "val"), default=0)

    @cached_property
    def cards(self) -> Mapping[str, TaskCard]:
        """The tasks that described themselves: as the run was set up, else as they were evaluated."""
        found = {task.card.name: task.card for evaluated in self.evaluations for task in evaluated.record.tasks}
        return found | {card.name: card for card in (self.record.cards if self.record else ())}

    @property
    def tasks(self) -> list[str]:
        """The tasks of the run as it was set up; for older records, those that wrote anything."""
        if self.record and self.record.tasks:
            return list(self.record.tasks)
        return sorted({str(line.get("task")) for line in self.lines} - {MACHINE})

    def title(self, task: str) -> str:
        """A task's title, or its name where it has not described itself."""
        return self.cards[task].title if task in self.cards else task


def read_run(path: Path) -> RunRecords:
    """Read the records of a run, finished or not.

    Raises:
        RunError: there is no such folder, it is no run, or a newer version of Orienteer wrote it.
    """
    if not path.is_dir() or recognised(path) not in (None, Folder.RUN):
        raise mistaken(path, Folder.RUN)
    problems: list[str] = []
    record = _record(path, problems)
    lines = _lines(path / "observations.jsonl", problems)
    if record is None and not lines:
        raise RunError(
            f"{path} holds neither a run.json nor an observations.jsonl that can be read",
            cure="give the folder that `orienteer pretrain` wrote",
        )
    summary = _json(path / "summary.json", problems) if (path / "summary.json").exists() else {}
    settings = path / SETTINGS
    folders = sorted(p for p in (path / "evaluations").glob("*") if p.is_dir())
    evaluations = [found for folder in folders if (found := read_evaluated(folder, problems)) is not None]
    return RunRecords(
        path=path.resolve(),
        record=record,
        summary=summary,
        settings=settings.read_text(encoding="utf-8", errors="replace") if settings.is_file() else "",
        lines=lines,
        evaluations=tuple(evaluations),
        problems=tuple(problems),
    )


def mapping(value: Any) -> Mapping[str, Any]:
    """``value`` if it is a mapping, else an empty one: records of a broken run may hold anything."""
    return value if isinstance(value, Mapping) else {}


def number(value: Any) -> float | None:
    """``value`` as a finite float, else None."""
    return finite(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _record(path: Path, problems: list[str]) -> RunRecord | None:
    try:
        return RunRecord.read(path)
    except NewerRecordError:
        raise
    except RunError as error:
        problems.append(cause(error, path / RunRecord.file))
        return None


def _json(path: Path, problems: list[str]) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problems.append(cause(error, path))
        return {}
    if not isinstance(value, dict):
        problems.append(f"{path.name}: not a JSON object")
        return {}
    return value


def _lines(path: Path, problems: list[str]) -> tuple[Mapping[str, Any], ...]:
    if not path.exists():
        problems.append(f"{path.name}: missing")
        return ()
    # A line torn by a kill is passed over by the reader; a line without a step cannot be placed on a curve.
    damaged: list[str] = []
    records = tuple(record for record in read_log(path, damaged) if isinstance(record.get("step"), int))
    problems.extend(sentence.replace(str(path), path.name) for sentence in damaged)
    return records
