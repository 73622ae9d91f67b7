"""Jobs that were run before, here or elsewhere: their published records are reused instead of running them again.

A record is reused only for a job that is the same in everything that decides its numbers: every setting with its
default, the pretraining run it starts from, the arm's and the task's name, the scans with their splits, labels and
table, the subjects scored. In doubt a job is run.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from orienteer.benchmark.finished import is_finished, record_of, resolved
from orienteer.benchmark.plan import BEGINNINGS, Job
from orienteer.comparison.records import Records, read_records
from orienteer.config import Tree
from orienteer.errors import RunError
from orienteer.finetune.settings import FinetuneSettings
from orienteer.runs.fingerprint import fingerprint
from orienteer.store import Store
from orienteer.units import counted

Row = Mapping[str, object]


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
        """SHA-256 of all that decides a job's numbers; None where a finished one does not say how it was made."""
        settings = record_of(job).get("settings") if is_finished(job) else resolved(job)
        begun = None if job.run is None else self.of(self._beginnings[job.run])
        if settings is None or (job.run is not None and begun is None):
            return None
        values: Tree = {
            "stage": job.stage,
            "arm": job.arm,
            "task": job.task,
            "settings": settings,
            "run": begun,
            "imported": job.imported.identity if job.imported is not None else None,
            "data": self._data,
        }
        if job.stage not in BEGINNINGS:
            values |= {"split": self.split, "column": self._column(job)}
        if job.stage not in (*BEGINNINGS, "finetune"):
            values["sizes"] = list(self.sizes)
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    @cached_property
    def _beginnings(self) -> dict[Path, Job]:
        return {job.folder: job for job in self.jobs if job.stage in BEGINNINGS}

    @cached_property
    def _data(self) -> str:
        return fingerprint(self.store, labels=True)

    def _column(self, job: Job) -> list[list[str]] | None:
        """The values that are predicted, by scan, where they are those of the table."""
        if not isinstance(job.settings, FinetuneSettings) or job.settings.column is None:
            return None
        return [[entry.id, str(entry.table.get(job.settings.column))] for entry in self.store.manifest.scans]


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
    """

    records: Records | None = None
    jobs: tuple[Job, ...] = ()
    _rows: dict[str, dict[tuple[object, ...], list[Row]]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, records: Records | None, jobs: Sequence[Job], identities: Identities) -> "Reused":
        """The unfinished jobs that ``records`` have, and that need not be run for others to start from them."""
        if records is None or records.costs is None:
            return cls()
        known = set(records.costs.column("identity").to_pylist()) - {None}
        there = [job for job in jobs if not is_finished(job) and identities.of(job) in known]
        measured = {job.folder for job in there if job.stage not in BEGINNINGS}
        begun = {
            job.run
            for job in jobs
            if job.stage not in BEGINNINGS and not is_finished(job) and job.folder not in measured
        }
        return cls(records, tuple(job for job in there if job.folder in measured or job.folder not in begun))

    @cached_property
    def folders(self) -> set[Path]:
        """Of the jobs: these have none."""
        return {job.folder for job in self.jobs}

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
