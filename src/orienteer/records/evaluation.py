"""The record of one evaluation: whom, which tasks with what figures, the honesty probes and the verdict."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, JsonValue, ValidationError

from orienteer.atomic import write_json
from orienteer.errors import RunError
from orienteer.records.card import ProbeCard, TaskCard
from orienteer.records.metric import Better, Measure, Metric, Record, finite
from orienteer.records.verdict import Seen, Verdict
from orienteer.scans.findings import Finding
from orienteer.units import counted, in_sentence, shown, some

EVALUATION_VERSION = 2
"""Version 1 did not say what its tasks and figures are."""
FILE = "evaluation.json"


class Value(Record):
    """A measured value as it is recorded; None where it is not finite."""

    value: float | None
    """Null where it is not finite."""
    unit: str
    """``mm``, ``deg``, ``fraction``, ``rank``, ``s`` or ``1``."""
    chance: float | None = None
    """What a model that knows nothing reaches on the same targets; null where chance has no meaning."""
    better: Better = "lower"
    """Which way is better."""
    interval: tuple[float, float] | None = None
    """95 % bootstrap interval over subjects, where the metric is a mean of rows and there are three or more."""

    @classmethod
    def of(cls, measure: Measure, interval: tuple[float, float] | None = None) -> Self:
        """The recorded form of a measure."""
        return cls(
            value=finite(measure.value),
            unit=measure.unit,
            chance=finite(measure.chance),
            better=measure.better,
            interval=interval,
        )

    @property
    def measure(self) -> Measure:
        """The measure; NaN where the value was not finite."""
        return Measure(float("nan") if self.value is None else self.value, self.unit, self.chance, self.better)

    @property
    def skill(self) -> float | None:
        """0 at chance, 1 when perfect."""
        return self.measure.skill

    @property
    def beats_chance(self) -> bool | None:
        """Whether all of its interval, or the value where it has none, is better than chance; None if not known."""
        if self.skill is None or self.chance is None or self.value is None:
            return None
        low, high = self.interval or (self.value, self.value)
        return high < self.chance if self.better == "lower" else low > self.chance


class TaskResult(Record):
    """What one task measured. Its rows lie beside the record, in ``<name>.parquet``."""

    card: TaskCard
    measures: dict[str, Value]

    @property
    def key_figures(self) -> tuple[tuple[Metric, Value], ...]:
        """Its key figures; where one could not be measured, the metric that stands in for it."""
        known = {name for name, value in self.measures.items() if value.value is not None}
        replaced = {metric.stands_in_for for metric in self.card.metrics if metric.name in known} - known
        return tuple(
            (metric, self.measures[metric.name])
            for metric in self.card.metrics
            if metric.shown == "card" and metric.name in self.measures and metric.name not in replaced
            if metric.stands_in_for is None or metric.stands_in_for in replaced
        )

    @property
    def judged(self) -> tuple[Metric, Value] | None:
        """What a verdict on it rests on; None where it was not measured."""
        metric = self.card.judged_in({name: value.measure for name, value in self.measures.items()})
        value = self.measures.get(metric.name)
        return None if value is None else (metric, value)


class ProbeResult(Record):
    """What was left of the judged figure under one honesty probe."""

    card: ProbeCard
    measured: Value
    samples: int | None = None
    """Samples it was measured on; null in a record made before it was counted."""


HOLDS, LOST = 1.25, 0.8
"""A model holds up to so many times its error without the shift, each as a share of chance; with less than that share
of its skill it is lost."""


class ShiftCard(Record):
    """A shift in words: how the same subjects would look elsewhere."""

    name: str
    group: str
    """``contrast``, ``intensity``, ``resolution`` or ``geometry``."""
    title: str
    """What a person reads, e.g. ``contrast inverted``."""
    meaning: str
    """What was done to the scans."""


class ShiftResult(Record):
    """What was left of the judged figure under a shift."""

    card: ShiftCard
    measured: Value
    as_is: Value
    """The same views of the same scans without the shift."""
    cost: float | None = None
    """Mean over rows of the error under the shift less that without it; null where the figure is no mean of rows."""
    cost_interval: tuple[float, float] | None = None
    """95 % bootstrap interval of it over subjects, where there are three or more."""
    samples: int
    scans: int

    @property
    def figures(self) -> dict[str, JsonValue]:
        """Its figures and the word for them, for scripts."""
        return self.model_dump(mode="json", exclude={"card"}) | {"withstood": self.withstood}

    @property
    def withstood(self) -> Literal["holds", "weaker", "lost", "unknown"]:
        """How well the model holds up, in a word; unknown of one that knows nothing as it is."""
        before, after = self.as_is.skill, self.measured.skill
        if before is None or after is None or before <= 0:
            return "unknown"
        if after < LOST * before:
            return "lost"
        return "holds" if 1 - after <= HOLDS * (1 - before) else "weaker"


class EvaluationRecord(Record):
    """``evaluation.json`` of a run's ``evaluations/<name>``."""

    v: int = EVALUATION_VERSION
    name: str
    split: str
    seen: Seen
    step: int
    samples: int
    scans: int
    among: int = 0
    """Scans of which these were chosen; 0 in a record made before some were."""
    subjects: int
    tasks: tuple[TaskResult, ...]
    probes: tuple[ProbeResult, ...] = ()
    shifts: tuple[ShiftResult, ...] = ()
    """What the judged figure is where the same subjects look as elsewhere; empty where that was not asked."""
    verdict: Verdict
    unfamiliar: dict[str, tuple[Finding, ...]] | None = None
    """Scans unlike those of training, and how; null where the run was made before it recorded them."""
    compared: int = 0
    """How many scans were compared with those of training; 0 in a record made before it was counted."""
    twins: dict[str, str] = Field(default_factory=dict)
    """Measured scans that look like a training scan of the same subject under another name, and that scan."""
    agreeing: int | None = None
    """While the run still trains: validations in a row with this verdict; one alone is provisional."""

    def task(self, name: str) -> TaskResult | None:
        """The result of one task, or None."""
        return next((task for task in self.tasks if task.card.name == name), None)

    @property
    def judged(self) -> tuple[TaskCard, Metric, Value] | None:
        """What the verdict rests on; None where the record does not hold it."""
        task = self.task(self.verdict.task)
        value = task.measures.get(self.verdict.metric) if task else None
        return (task.card, task.card.metric(self.verdict.metric), value) if task and value else None

    @property
    def at_chance(self) -> str:
        """Which tasks are no better than chance though the verdict is learning, in a sentence; empty if none is."""
        if self.verdict.label != "learning":
            return ""
        tasks = [
            f"{task.card.title} ({in_sentence(metric.title)} {shown(value.value, value.unit)},"
            f" chance {shown(value.chance, value.unit)})"
            for task in self.tasks
            for metric, value in filter(None, [task.judged])
            if value.beats_chance is False
        ]
        return f"Not shown to be better than chance: {', '.join(tasks)}." if tasks else ""

    @property
    def leak(self) -> str:
        """Which scans look like those of training subjects under another name, and the fix; empty if none does."""
        if not self.twins:
            return ""
        pairs = some([f"{scan} like {other}" for scan, other in self.twins.items()])
        return (
            f"Leaked: {counted(len(self.twins), 'scan')} kept apart but probably of a subject it learned from"
            f" ({pairs}). Give both names one subject in the table and ingest again."
        )

    @property
    def so_far(self) -> str:
        """While the run still trains: its verdict in a line, and how firm it is; empty for a run that has ended."""
        if self.agreeing is None:
            return ""
        firm = "provisional" if self.agreeing < 2 else f"{self.agreeing} validations in a row"
        judged = [(task, task.judged[1]) for task in self.tasks if task.judged and task.judged[1].skill is not None]
        behind = [task.card.title for task, value in judged if not value.beats_chance]
        told = f"{len(judged) - len(behind)} of {counted(len(judged), 'task')} better than chance"
        return f"so far: {self.verdict.label} ({firm}); {told}" + (f", not yet {', '.join(behind)}" if behind else "")

    @property
    def figures(self) -> dict[str, float | tuple[float, float] | None]:
        """Key figures by name: value, ``<name>_chance`` and, where there is one, ``<name>_interval``."""
        flat: dict[str, float | tuple[float, float] | None] = {}
        for task in self.tasks:
            for metric in task.card.metrics:
                value = task.measures.get(metric.name)
                if metric.shown != "card" or value is None:
                    continue
                flat[metric.name] = value.value
                if value.chance is not None:
                    flat[f"{metric.name}_chance"] = value.chance
                if value.interval is not None:
                    flat[f"{metric.name}_interval"] = value.interval
        return flat

    def summary(self) -> dict[str, JsonValue]:
        """What ``summary.json`` and scripts get: key figures, skill under each probe, shifts, verdict."""
        return {
            **{name: list(value) if isinstance(value, tuple) else value for name, value in self.figures.items()},
            "probes": {probe.card.name: probe.measured.model_dump(mode="json") for probe in self.probes},
            **({"shifts": {shift.card.name: shift.figures for shift in self.shifts}} if self.shifts else {}),
            "verdict": self.verdict.label,
            "verdict_sentence": self.verdict.sentence,
            "split": self.split,
            "seen": self.seen,
            "step": self.step,
        }

    def write(self, folder: Path) -> None:
        """Write ``evaluation.json``, whole or not at all."""
        write_json(folder / FILE, self.model_dump(mode="json"))

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read ``evaluation.json`` of an evaluation's folder.

        Raises:
            RunError: missing, damaged, or of a version that this Orienteer does not read, with what to do.
        """
        path = folder / FILE
        again = f"measure it again: orienteer evaluate RUN STORE --name {folder.name} --overwrite"
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise RunError(f"cannot read {path}: {error.strerror}", cure=again) from error
        except (ValueError, RecursionError) as error:
            raise RunError(f"{path} is damaged", cure=again) from error
        version = document.get("v") if isinstance(document, Mapping) else None
        if version == 1:
            raise RunError(f"{path} is of the time before tasks described themselves", cure=again)
        if version != EVALUATION_VERSION:
            raise RunError(f"{path} is of version {version}, not {EVALUATION_VERSION}", cure="upgrade orienteer")
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            where = ".".join(map(str, error.errors(include_input=False)[0]["loc"]))
            raise RunError(f"{path} is damaged at {where}", cure=again) from None
