"""Read one evaluation's folder: its record, the rows of its tasks, example slices and restored views.

Whatever cannot be read is left out and named, except the record itself: without it nothing says what the rest means.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orienteer.errors import OrienteerError, RunError
from orienteer.records.card import TaskCard
from orienteer.records.evaluation import FILE, EvaluationRecord, Value
from orienteer.records.metric import Metric
from orienteer.records.observation import Rows
from orienteer.records.rows import read_rows
from orienteer.report.restored import Restored, read_restored

ALWAYS = ("sample", "scan")
"""Columns of every table beside those of its card."""


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
    centres_mm: NDArray[np.float64]
    planes: tuple[Plane, ...]
    coarse: NDArray[np.uint8] | None = None
    """``(d, h, w)`` the whole scan in a few cells; None in an evaluation made before it was kept."""
    coarse_mm: tuple[float, ...] = (0.0, 0.0, 0.0)
    """Distance of its cells."""


@dataclass(frozen=True)
class Evaluated:
    """One folder of ``RUN/evaluations``; ``tables`` hold the rows of each task that could be read."""

    record: EvaluationRecord
    tables: Mapping[str, Rows] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    restored: tuple[Restored, ...] = ()

    @property
    def spatial(self) -> bool:
        """Whether any of its tasks asks where something is."""
        return any(task.card.spatial for task in self.record.tasks)

    @property
    def judged(self) -> tuple[TaskCard, Metric, Value] | None:
        """What the verdict rests on; None where the record does not hold it."""
        return self.record.judged

    def rows(self, task: str) -> Rows | None:
        """The rows of one task; None where there are none."""
        table = self.tables.get(task)
        return table if table is not None and len(table["sample"]) else None


def read_evaluated(folder: Path, problems: list[str]) -> Evaluated | None:
    """Read one evaluation; None where its record cannot be read.

    Args:
        folder: of ``RUN/evaluations``.
        problems: gets a sentence for each file that is left out.
    """
    found: list[str] = []
    evaluated = None
    try:
        record = EvaluationRecord.read(folder)
    except RunError as error:
        found.append(cause(error, folder / FILE))
    else:
        cards = [task.card for task in record.tasks]
        tables = {card.name: rows for card in cards if (rows := _rows(folder, card, found)) is not None}
        paths = sorted((folder / "examples").glob("*.json"))
        examples = tuple(example for path in paths if (example := _example(path, found)) is not None)
        evaluated = Evaluated(record, tables, examples, _restored(folder, found))
    problems.extend(f"evaluations/{folder.name}/{problem}" for problem in found)
    return evaluated


def cause(error: Exception, path: Path) -> str:
    """The file's name and why it was left out. The page is given to others: it never says where the file lies."""
    if isinstance(error, FileNotFoundError):
        return f"{path.name}: missing"
    told = error.message if isinstance(error, OrienteerError) else str(error) or type(error).__name__
    said = told.splitlines()[0]
    for folder in (path.parent.resolve(), path.parent.absolute(), path.parent):
        said = said.replace(f"{folder}{os.sep}", "")
    said = said[:200]  # not before: of a folder that is cut in two, the first half would stay
    said = said if said.startswith(path.name) else f"{path.name}: {said}"
    return f"{said}; {error.cure}" if isinstance(error, OrienteerError) and error.cure else said


def _rows(folder: Path, card: TaskCard, problems: list[str]) -> Rows | None:
    path = folder / f"{card.name}.parquet"
    # A name that leads elsewhere is a record somebody edited.
    if path.parent != folder or not card.evidence or not path.exists():
        return None
    try:
        rows = read_rows(path)
    except RunError as error:
        problems.append(cause(error, path))
        return None
    missing = [name for name in dict.fromkeys((*ALWAYS, *card.columns)) if name not in rows]
    if missing:
        problems.append(f"{path.name}: lacks the columns {', '.join(missing)}")
        return None
    return rows


def _restored(folder: Path, problems: list[str]) -> tuple[Restored, ...]:
    try:
        return read_restored(folder)
    except (OSError, ValueError) as error:
        problems.append(cause(error, folder / "restored.json"))
        return ()


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
            centres_mm=np.asarray(value["centres_mm"], dtype=float).reshape(-1, 3),
            planes=tuple(
                Plane(int(plane["axis"]), float(plane["at_mm"]), images[f"plane_{plane['axis']}"])
                for plane in value["planes"]
            ),
            coarse=images.get("coarse"),
            coarse_mm=tuple(float(cell) for cell in value.get("coarse_mm", (0, 0, 0))),
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        problems.append(f"examples/{cause(error, path)}")
        return None
