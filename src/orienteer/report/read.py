"""Read a run folder into frozen values. Reading forgives: a run killed mid-write can still be looked at.

Whatever cannot be read is left out and named in :attr:`RunRecords.problems`, which the page shows.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orienteer.errors import RunError
from orienteer.records.files import finite, read_log, read_rows
from orienteer.report.restored import Restored, read_restored

Table = Mapping[str, NDArray[Any]]

SCHEMA_VERSION = 1
TRIPLES = {name: tuple(f"{name}_{axis}" for axis in "ras") for name in ("true", "pred", "scale", "place")}
COLUMNS: dict[str, tuple[str, ...]] = {
    "gap": ("sample", "scan", "view_i", "view_j", *TRIPLES["true"], *TRIPLES["pred"]),
    "adjacency": (
        "sample", "scan", "view_i", "view_j",
        "adjacent_mm", "distant_mm", "adjacent_similarity", "distant_similarity",
    ),
    "route": ("sample", "scan", "kind", "path", *TRIPLES["true"], *TRIPLES["pred"]),
    "position": ("sample", "scan", "view", *TRIPLES["true"], *TRIPLES["pred"]),
}  # fmt: skip


@dataclass(frozen=True)
class Plane:
    """One slice of a scan: ``image`` ``(n, m)`` uint8, axis ``axis`` (0 R, 1 A, 2 S) removed at ``at_mm``."""

    axis: int
    at_mm: float
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class Example:
    """One sample kept with its slices; positions in mm, voxel index times spacing, axes R, A, S."""

    sample: int
    scan: str
    extent_mm: NDArray[np.float64]
    spacing_mm: float
    view_mm: float
    chunk_mm: float
    centres_mm: NDArray[np.float64]
    planes: tuple[Plane, ...]


@dataclass(frozen=True)
class EvaluationRecords:
    """One folder of ``RUN/evaluations``."""

    name: str
    record: Mapping[str, Any]
    tables: Mapping[str, Table] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    restored: tuple[Restored, ...] = ()

    @property
    def split(self) -> str:
        """Which people: ``train``, ``val``, ``test``, or whatever the evaluation was asked for."""
        return str(self.record.get("split") or self.name)

    @property
    def seen(self) -> str:
        """How many of these people the model learned from: ``none``, ``some``, ``all``, ``unknown``; or not recorded.

        Evaluations from before it was recorded were taken at their word: ``val`` and ``test`` were held out.
        """
        recorded = str(self.record.get("seen", ""))
        return recorded or ("none" if self.split in ("val", "test") else "")

    @property
    def figures(self) -> Mapping[str, Any]:
        """The final figures under their stable keys."""
        return mapping(self.record.get("figures"))

    def measure(self, key: str) -> Mapping[str, Any]:
        """The measure ``key`` of whichever task observed it; empty when none did."""
        for observed in mapping(self.record.get("observations")).values():
            measures = mapping(mapping(observed).get("measures"))
            if key in measures:
                return mapping(measures[key])
        return {}


@dataclass(frozen=True)
class RunRecords:
    """Everything the report shows."""

    path: Path
    info: Mapping[str, Any]
    summary: Mapping[str, Any]
    settings: str
    lines: tuple[Mapping[str, Any], ...]
    evaluations: tuple[EvaluationRecords, ...]
    problems: tuple[str, ...]

    @property
    def lead(self) -> EvaluationRecords | None:
        """The evaluation the page speaks about: held-out people first; of them test, then validation, then any."""
        order = {"test": 0, "val": 1, "validation": 1}
        ranked = sorted(
            self.evaluations, key=lambda e: (e.seen != "none", order.get(e.split, 2), e.name != e.split, e.name)
        )
        return ranked[0] if ranked else None


def read_run(path: Path) -> RunRecords:
    """Read the records of a run, finished or not.

    Raises:
        RunError: there is no such folder, it is no run, or a newer version of Orienteer wrote it.
    """
    if not path.is_dir():
        raise RunError(f"there is no run folder at {path}", cure="give the folder that `orienteer pretrain` wrote")
    problems: list[str] = []
    info = _json(path / "run.json", problems)
    lines = _lines(path / "observations.jsonl", problems)
    if not info and not lines:
        raise RunError(
            f"{path} holds neither a run.json nor an observations.jsonl that can be read",
            cure="give the folder that `orienteer pretrain` wrote",
        )
    version = info.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        raise RunError(
            f"{path / 'run.json'} has schema version {version}; this Orienteer reads {SCHEMA_VERSION}",
            cure="render it with the Orienteer that made the run",
        )
    summary = _json(path / "summary.json", problems) if (path / "summary.json").exists() else {}
    settings = path / "settings.yaml"
    folders = sorted(p for p in (path / "evaluations").glob("*") if p.is_dir())
    evaluations = [found for folder in folders if (found := _evaluation(folder, problems)) is not None]
    return RunRecords(
        path=path.resolve(),
        info=info,
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


def _json(path: Path, problems: list[str]) -> Mapping[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problems.append(f"{path.name}: {_cause(error, path)}")
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


def _evaluation(folder: Path, problems: list[str]) -> EvaluationRecords | None:
    found: list[str] = []
    record = _json(folder / "evaluation.json", found)
    tables = {task: table for task in COLUMNS if (table := _table(folder / f"{task}.parquet", found)) is not None}
    paths = sorted((folder / "examples").glob("*.json"))
    examples = [example for path in paths if (example := _example(path, found)) is not None]
    try:
        restored = read_restored(folder)
    except (OSError, ValueError) as error:
        restored = ()
        found.append(f"restored.json: {_cause(error, folder / 'restored.json')}")
    problems.extend(f"evaluations/{folder.name}/{problem}" for problem in found)
    return EvaluationRecords(folder.name, record, tables, tuple(examples), restored) if record else None


def _table(path: Path, problems: list[str]) -> Table | None:
    if not path.exists():
        return None
    try:
        table = read_rows(path)
    except RunError as error:
        problems.append(f"{path.name}: {_cause(error, path)}")
        return None
    missing = [name for name in COLUMNS[path.stem] if name not in table]
    if missing:
        problems.append(f"{path.name}: lacks the columns {', '.join(missing)}")
        return None
    return table


def _example(path: Path, problems: list[str]) -> Example | None:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        images = load_file(path.with_suffix(".safetensors"))
        return Example(
            sample=int(value["sample"]),
            scan=str(value["scan"]),
            extent_mm=np.asarray(value["extent_mm"], dtype=float).reshape(3),
            spacing_mm=float(value["spacing_mm"]),
            view_mm=float(value["view_mm"]),
            chunk_mm=float(value["chunk_mm"]),
            centres_mm=np.asarray(value["centres_mm"], dtype=float).reshape(-1, 3),
            planes=tuple(
                Plane(int(plane["axis"]), float(plane["at_mm"]), images[f"plane_{plane['axis']}"])
                for plane in value["planes"]
            ),
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        problems.append(f"examples/{path.name}: {_cause(error, path)}")
        return None


def _cause(error: Exception, path: Path) -> str:
    """Why a record was left out. The page is given to others: it says the file's name, never where it lies."""
    if isinstance(error, FileNotFoundError):
        return "missing"
    said = (str(error) or type(error).__name__).splitlines()[0]
    for folder in (path.parent.resolve(), path.parent.absolute(), path.parent):
        said = said.replace(f"{folder}{os.sep}", "")
    return f"cannot be read ({said[:120]})"
