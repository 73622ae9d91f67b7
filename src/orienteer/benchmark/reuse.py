"""Jobs that were run before, here or elsewhere: their published records are reused instead of running them again.

A record is reused only for a job that is the same in everything that decides its numbers: every setting with its
default, the precision, the version, the pretraining run it starts from, the arm's and the task's name, the scans with
their spacing, subjects, splits, labels and table, the subjects scored. In doubt a job is run.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from orienteer import __version__
from orienteer.benchmark.finished import Data, is_finished, record_of, resolved
from orienteer.benchmark.plan import BEGINNINGS, Job
from orienteer.comparison.records import Records, read_records
from orienteer.config import Tree
from orienteer.errors import RunError
from orienteer.pretext.registry import CLASS
from orienteer.runs.settings import PretrainSettings
from orienteer.store import Store
from orienteer.training.devices import resolve
from orienteer.units import counted

Row = Mapping[str, object]

TOLD = {"settings", "data", "precision", "orienteer_version"}
"""What the record of a finished job says of how it was made."""


@dataclass(frozen=True)
class Identities:
    """What tells whether two jobs are the same.

    Attributes:
        jobs: of a benchmark.
        store: its scans.
        split: subjects that are scored.
        sizes: edges of the shared views and of the largest views of any arm, voxels.
    """

    jobs: Sequence[Job]
    store: Store
    split: str
    sizes: tuple[int, int]

    def of(self, job: Job) -> str | None:
        """SHA-256 of all that decides a job's numbers; None where that cannot be known.

        It cannot where a finished job does not say how and on what it ran, nor where code of the user's own takes part,
        nor where an atlas could not see all scans as finely as asked, which it may elsewhere.
        """
        record = record_of(job) if is_finished(job) else self._as_it_would_run(job)
        begun = None if job.run is None else self.of(self._beginnings[job.run])
        if (
            not record.keys() >= TOLD
            or record.get("atlas_fell_short")
            or _has_own_code(job)
            or (job.run is not None and begun is None)
        ):
            return None
        values: Tree = {
            "stage": job.stage,
            "arm": job.arm,
            "task": job.task,
            "run": begun,
            "imported": job.imported.identity if job.imported is not None else None,
            "order": _order(job),
            **{name: record[name] for name in TOLD},
        }
        if job.stage not in BEGINNINGS:
            values["split"] = self.split
        if job.stage not in (*BEGINNINGS, "finetune"):
            values["sizes"] = list(self.sizes)
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    @cached_property
    def _data(self) -> Data:
        return Data(self.store)

    @cached_property
    def _beginnings(self) -> dict[Path, Job]:
        return {job.folder: job for job in self.jobs if job.stage in BEGINNINGS}

    def _as_it_would_run(self, job: Job) -> Tree:
        """What an unfinished job would record."""
        return {
            "settings": resolved(job),
            "data": self._data.of(job),
            "precision": resolve(job.settings.devices).precision,
            "orienteer_version": __version__,
        }


def _has_own_code(job: Job) -> bool:
    """Whether classes take part that are not Orienteer's: they may have changed under the same name."""
    tasks = job.settings.active_tasks if isinstance(job.settings, PretrainSettings) else {}
    return ":" in job.settings.network.name or any(CLASS in values for values in tasks.values())


def _order(job: Job) -> list[str]:
    """Of the tasks that share the batches, or of the structures, whose order is that of the classes."""
    if isinstance(job.settings, PretrainSettings):
        return list(job.settings.active_tasks)
    return list(job.settings.structures or ())


def reusable(results: Path) -> Records:
    """What a folder of results holds.

    Raises:
        RunError: it holds no results, or they do not say how they were made.
    """
    records = read_records(results)
    if records.costs is None or records.costs.column("identity").null_count == len(records.costs):
        raise RunError(
            f"{results} does not say how its jobs were made: it was written by an earlier Orienteer",
            cure="leave --reuse out, or run its benchmark again with this version",
        )
    return records


@dataclass(frozen=True)
class Reused:
    """Records that are reused.

    Attributes:
        records: what was published; None for nothing.
        jobs: those whose records are taken from there.
        costs: of each, by its folder; these folders are not made.
    """

    records: Records | None = None
    jobs: tuple[Job, ...] = ()
    costs: Mapping[Path, Row] = field(default_factory=dict)
    _rows: dict[str, dict[tuple[object, ...], list[Row]]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, records: Records | None, jobs: Sequence[Job], identities: Identities) -> "Reused":
        """The unfinished jobs that ``records`` have whole, and that need not be run for others to start from them."""
        if records is None or records.costs is None:
            return cls()
        all_there, published = cls(records), Counter(records.costs.column("identity").to_pylist())
        by_identity = {row["identity"]: row for row in records.costs.to_pylist()}
        watched = "val" in identities.store.manifest.scans.column("split")
        costs: dict[Path, Row] = {}
        for job in (job for job in jobs if not is_finished(job)):
            identity = identities.of(job)
            if (
                identity is not None
                and published[identity] == 1
                and all_there._has(job, by_identity[identity], watched)
            ):
                costs[job.folder] = by_identity[identity]
        measured = {job.folder for job in jobs if job.stage not in BEGINNINGS and job.folder in costs}
        begun = {
            job.run
            for job in jobs
            if job.stage not in BEGINNINGS and not is_finished(job) and job.folder not in measured
        }
        costs = {folder: row for folder, row in costs.items() if folder in measured or folder not in begun}
        return cls(records, tuple(job for job in jobs if job.folder in costs), costs)

    def _has(self, job: Job, cost: Row, watched: bool) -> bool:
        """Whether the records hold all of a job, as far as it can be seen.

        Args:
            job: of this benchmark.
            cost: the row that has its identity.
            watched: there are validation subjects.
        """
        at = {"arm": job.arm, "seed": job.seed}
        named = {**at, "stage": job.recorded_stage, "task": job.task or None, "labels": job.labels}
        if any(cost[name] != value for name, value in named.items()):
            return False
        if isinstance(job.settings, PretrainSettings):
            return any(self.rows("pretext", **at))
        drawn = watched and job.stage == "finetune" and job.settings.validate_scans
        if drawn and not any(self.rows("learning", **at, task=job.task)):
            return False
        found: dict[object, set[object]] = {}
        for row in self.rows("cases", **at, mode=job.mode):
            if f"{row['task']}-".startswith(f"{job.task}-") and job.labels in (None, row["labels"]):
                found.setdefault(row["task"], set()).add(row["case"])
        return bool(found) and all(cases >= self._scans[task, job.mode] for task, cases in found.items())

    @cached_property
    def _scans(self) -> dict[tuple[object, object], set[object]]:
        """The scans that anyone was scored on, by task and mode."""
        scans: dict[tuple[object, object], set[object]] = {}
        if self.records is not None:
            columns = (self.records.cases.column(name).to_pylist() for name in ("task", "mode", "case"))
            for task, mode, case in zip(*columns, strict=True):
                scans.setdefault((task, mode), set()).add(case)
        return scans

    @cached_property
    def folders(self) -> set[Path]:
        """Of the jobs: these have none."""
        return set(self.costs)

    @property
    def words(self) -> str:
        """How many, whose, and where they ran."""
        assert self.records is not None
        source = self.records.benchmark
        return f"{counted(len(self.jobs), 'job')} of {source.name} ({source.environment.get('processor', 'unknown')})"

    def rows(self, table: str, **of: object) -> Iterator[Row]:
        """The rows of a table, such as ``costs``, that have these values in these columns."""
        found: pa.Table | None = getattr(self.records, table, None)
        if found is None:
            return
        key = f"{table} {sorted(of)}"
        if key not in self._rows:
            grouped: dict[tuple[object, ...], list[Row]] = {}
            for row in found.to_pylist():
                grouped.setdefault(tuple(row[name] for name in sorted(of)), []).append(row)
            self._rows[key] = grouped
        yield from self._rows[key].get(tuple(of[name] for name in sorted(of)), ())
