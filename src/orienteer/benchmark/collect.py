"""From finished cells to the records a comparison reads."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orienteer.benchmark.cell import CASES
from orienteer.benchmark.finished import DONE, is_finished
from orienteer.benchmark.plan import Cell
from orienteer.benchmark.settings import BenchmarkSettings, TaskSettings
from orienteer.comparison.records import write_cases, write_costs, write_pretext
from orienteer.finetune.labelled import labelled_scans
from orienteer.finetune.settings import FinetuneSettings
from orienteer.records.files import finite, measures_from_json, read_rows
from orienteer.store import Store

Row = dict[str, Any]

JUDGED = {
    "segment": ("dice", "higher", "Dice"),
    "classify": ("correct", "higher", "fraction"),
    "regress": ("absolute_error", "lower", ""),
}
"""Metric, which way is better, and unit; a regressed number has the unit the task says."""
PLACES = {
    "position": ("position_linear_mm", "lower", "mm", "position of a view, linear read-out"),
    "position-neighbours": ("position_knn_mm", "lower", "mm", "position of a view, nearest neighbours"),
    "side": ("side_linear", "higher", "fraction", "left or right, linear read-out"),
    "side-neighbours": ("side_knn", "higher", "fraction", "left or right, nearest neighbours"),
}
"""What ``places`` becomes in the comparison: task suffix to metric, better, unit, words."""
VOXELS = {
    "structure": ("structure_linear", "higher", "fraction", "structure of a voxel, linear read-out"),
    "structure-neighbours": ("structure_knn", "higher", "fraction", "structure of a voxel, nearest neighbours"),
}
"""The same for the frozen mode of a segmentation."""


def collect(settings: BenchmarkSettings, cells: Sequence[Cell], store: Store, results: Path) -> int:
    """Write the records of every finished cell; returns how many cells are finished."""
    finished = [cell for cell in cells if is_finished(cell)]
    cases, costs, pretext = [], [], []
    for cell in finished:
        cost = json.loads((cell.folder / DONE).read_text(encoding="utf-8"))
        costs.append(_cost(cell, cost))
        if cell.stage == "pretrain":
            pretext += _pretext(cell)
        else:
            cases += _cases(cell, settings, store)
    if cases:
        write_cases(results, cases)
    write_costs(results, costs)
    write_pretext(results, pretext)
    return len(finished)


def tasks_shown(settings: BenchmarkSettings, cells: Sequence[Cell]) -> list[Row]:
    """The comparison's list of tasks: a frozen read-out of several things becomes several tasks."""
    shown = []
    for name, task in settings.tasks.items():
        arms = {mode: _arms(cells, name, mode) for mode in ("finetuned", "frozen") if _arms(cells, name, mode)}
        if task.kind == "places":
            probes = [_task(f"{name}-{suffix}", "probe", *about) for suffix, about in PLACES.items()]
            shown += [{**probe, "arms": arms, "given": "scan"} for probe in probes]
            continue
        metric, better, unit = JUDGED[task.kind]
        planned = {"arms": arms, "labels": list(task.labels)}
        shown.append({**_task(name, task.kind, metric, better, unit or task.unit, task.words), **planned})
        if "frozen" in task.modes:
            planned = {"arms": {"frozen": arms.get("frozen", [])}, "labels": list(task.labels)}
            probes = [_task(f"{name}-{suffix}", "probe", *about) for suffix, about in VOXELS.items()]
            shown += [{**probe, **planned} for probe in probes]
    return shown


def _task(name: str, kind: str, metric: str, better: str, unit: str, words: str) -> Row:
    return {"name": name, "kind": kind, "metric": metric, "better": better, "unit": unit, "words": words}


def _arms(cells: Sequence[Cell], task: str, mode: str) -> list[str]:
    return list(dict.fromkeys(cell.arm for cell in cells if (cell.task, _mode(cell)) == (task, mode)))


def _mode(cell: Cell) -> str:
    return "finetuned" if cell.stage == "finetune" else "frozen"


def _cases(cell: Cell, settings: BenchmarkSettings, store: Store) -> list[Row]:
    task = settings.tasks[cell.task]
    file = cell.folder / CASES
    table = read_rows(file)
    labels = cell.labels if cell.labels is not None else _all_labels(cell, store)
    rows = []
    for case, person, item, metric, value in zip(
        *(table[name].tolist() for name in ("case", "person", "item", "metric", "value")), strict=True
    ):
        rows.append(
            {
                "task": _shown_as(cell.task, task, metric),
                "arm": cell.arm,
                "mode": _mode(cell),
                "labels": labels,
                "seed": cell.seed,
                "case": case,
                "person": person,
                "item": item,
                "metric": metric,
                "value": value,
            }
        )
    return rows


def _all_labels(cell: Cell, store: Store) -> int:
    """How many scans "all labels" are: those that have one, or for read-outs of place every training scan."""
    if cell.stage == "places":
        return len(store.ids("train"))
    assert isinstance(cell.settings, FinetuneSettings)
    return len(labelled_scans(store, cell.settings, "train"))


def _shown_as(name: str, task: TaskSettings, metric: str) -> str:
    for suffix, about in (PLACES if task.kind == "places" else VOXELS).items():
        if about[0] == metric:
            return f"{name}-{suffix}"
    return name


def _cost(cell: Cell, cost: Row) -> Row:
    stage = {"places": "frozen"}.get(cell.stage, cell.stage)
    kept = {key: cost.get(key) for key in ("seconds", "cpu_seconds", "peak_memory_mb", "energy_j", "device")}
    task = cell.task or None
    return {"arm": cell.arm, "stage": stage, "task": task, "labels": cell.labels, "seed": cell.seed, **kept}


def _pretext(cell: Cell) -> list[Row]:
    """The run's own figures on validation people: proof that it learned its pretext."""
    file = cell.folder / "evaluations" / "val" / "evaluation.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    rows = []
    for task, seen in document["observations"].items():
        for name, measure in measures_from_json(seen["measures"]).items():
            rows.append(
                {
                    "arm": cell.arm,
                    "seed": cell.seed,
                    "task": task,
                    "measure": name,
                    "value": finite(measure.value),
                    "unit": measure.unit,
                    "chance": measure.chance,
                    "skill": finite(measure.skill),
                    "verdict": document["verdict"]["label"],
                }
            )
    return rows
