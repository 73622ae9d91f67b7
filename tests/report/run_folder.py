"""A realistic run folder made with numpy: what training and evaluation write, without either of them.

The predictions are the truth plus noise of a known size, so the figures on the page can be checked.
"""

import json
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from orienteer.geometry.chunks import chunk_pair
from orienteer.records.measures import (
    adjacency_measures,
    gap_measures,
    position_measures,
    route_measures,
)

from .example_files import CHUNK, SHAPE, SPACING, VIEW, write_example, write_json

TASKS = ("gap", "adjacency", "route", "position")


def make_run(
    folder: Path,
    *,
    tasks: tuple[str, ...] = TASKS,
    splits: tuple[str, ...] = ("val", "test"),
    noise_mm: float = 3.0,
    verdict: str = "learning",
    form: str = "pairwise",
    scan: str = "sub-{:02d}__T1w",
    simulated: bool = False,
    uncertainty: bool = True,
    examples: int = 5,
    views: int = 3,
) -> Path:
    """Write the run and return its folder."""
    folder.mkdir(parents=True)
    text = "\n".join(["seed: 0", "optimiser:", "  steps: 2000", "tasks:", *(f"  {task}: {{}}" for task in tasks)])
    (folder / "settings.yaml").write_text(text + "\n", encoding="utf-8")
    counts = {"train": 12, "val": 3, "test": 8}
    info = {
        "schema_version": 1,
        "orienteer_version": "0.1.0",
        "environment": {
            "python": "3.11.9", "torch": "2.9.0+cpu", "monai": "1.5.1", "platform": "Linux",
            "processor": "x86_64",
            "device": "cpu", "precision": "32-true", "threads": 2,
        },
        "data": {
            "spacing_mm": SPACING, "scans": counts, "persons": counts | {"train": 9}, "view_voxels": 24,
            "view_mm": VIEW, "views_per_sample": views, "simulated": simulated, "channels": 1,
        },
        "network": {"name": "residual-unet", "parameters": 1_214_432, "dense": True},
        "tasks": list(tasks), "forms": {"gap": form, "route": form},
        "started": "2026-01-01T10:00:00Z", "finished": "2026-01-01T10:09:40Z",
        "seconds": 580.2, "steps": 2000,
    }  # fmt: skip
    write_json(folder / "run.json", info)
    _write_observations(folder / "observations.jsonl", tasks)
    figures: dict[str, Any] = {}
    for number, split in enumerate(splits):
        figures = _write_evaluation(
            folder / "evaluations" / split, split, counts[split], number, tasks=tasks, noise=noise_mm,
            verdict=verdict, form=form, scan=scan, uncertainty=uncertainty, examples=examples, views=views,
        )  # fmt: skip
    summary = figures | {
        "split": splits[-1] if splits else None, "best_step": 1800, "forms": {"gap": form, "route": form},
        "steps": 2000, "seconds": 580.2, "data_wait_fraction": 0.031,
    }  # fmt: skip
    write_json(folder / "summary.json", summary)
    return folder


def _write_observations(path: Path, tasks: tuple[str, ...]) -> None:
    rng = np.random.default_rng(7)
    lines = []
    shapes = {
        "gap": {"gap_error_mm": (68, 5, "mm", 68.0, "lower"), "distance_error_mm": (30, 3, "mm", 30.0,
        "lower")},
        "adjacency": {"adjacency_accuracy": (0.5, 0.95, "fraction", 0.5, "higher"),
                      "embedding_rank": (2, 20, "rank", None, "higher")},
        "route": {"direction_error_deg": (90, 6, "deg", 90.0, "lower"),
                  "route_arrival_mm": (68, 7, "mm", 68.0, "lower"), "route_closure_mm": (10, 3, "mm", None,
                  "lower")},
        "position": {"position_error_mm": (45, 5, "mm", 45.0, "lower")},
    }  # fmt: skip
    for step in range(20, 2001, 20):
        done = 1 - np.exp(-step / 350)
        waiting = {
            "loss": {"value": 1.2 * np.exp(-step / 400) + 0.1, "unit": "1", "chance": None,
            "better": "lower"},
            "learning_rate": {
                "value": 2e-3 * min(step / 100, (1 + np.cos(np.pi * step / 2000)) / 2), "unit": "1",
                "chance": None,
                "better": "lower",
            },
            "data_wait_fraction": {"value": 0.02 + 0.02 * rng.random(), "unit": "fraction", "chance": None,
                                   "better": "lower"},
        }  # fmt: skip
        lines.append({"v": 1, "step": step, "phase": "train", "task": "training", "measures": waiting})
        for phase in ("train", "validation") if step % 200 == 0 else ("train",):
            for task in tasks:
                measures = {}
                for name, (start, end, unit, chance, better) in shapes[task].items():
                    jitter = 0.03 if phase == "train" else 0.008
                    value = start + (end - start) * done * (1 if phase == "train" else 0.97)
                    value = float(value * (1 + jitter * rng.standard_normal()))
                    measures[name] = {"value": value, "unit": unit, "chance": chance, "better": better}
                lines.append({"v": 1, "step": step, "phase": phase, "task": task, "measures": measures})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _write_evaluation(
    folder: Path, split: str, scans: int, seed: int, *, tasks: tuple[str, ...], noise: float, verdict: str,
    form: str,
    scan: str, uncertainty: bool, examples: int, views: int,
) -> dict[str, Any]:  # fmt: skip
    rng = np.random.default_rng(seed)
    samples = scans * 8
    (folder / "examples").mkdir(parents=True)
    extent = SHAPE * SPACING
    low = np.array([24.0, 24.0, 24.0])
    centres = rng.uniform(low + 20, extent - low - 20, size=(samples, views, 3))
    names = np.array([scan.format(n % scans) for n in range(samples)])
    rows: dict[str, list[dict[str, Any]]] = {task: [] for task in TASKS}
    for sample in range(samples):
        _add_rows(rows, sample, names[sample], centres[sample], rng, noise, form=form, uncertainty=uncertainty)
        if sample < examples:
            write_example(folder / "examples" / f"sample_{sample:03d}", sample, names[sample], centres[sample])
    measured: dict[str, Any] = {}
    makers = {
        "gap": gap_measures, "adjacency": adjacency_measures, "route": route_measures,
        "position": position_measures,
    }  # fmt: skip
    for task in tasks:
        table = {key: np.array([row[key] for row in rows[task]]) for key in rows[task][0]}
        parquet.write_table(pa.table(table), folder / f"{task}.parquet")
        measured[task] = {"measures": {name: vars(measure) for name, measure in makers[task](table).items()}}
    figures = figures_of(measured, noise, verdict)
    chance = figures["gap_chance_mm"] or 68.0
    probes = {
        name: {"gap_error_mm": chance * (1 - skill), "skill": skill}
        for name, skill in {
            "real": 1 - (figures["gap_error_mm"] or chance) / chance, "constant": 0.0, "shuffled": -0.03,
            "border": 0.9 if verdict == "cheating" else 0.31,
            "interior": 0.02 if verdict == "cheating" else 0.84,
            "chance": 0.0,
        }.items()
    }  # fmt: skip
    sentences = {
        "learning": "On people it never saw, the model places views far better than chance, and loses this skill "
        "when the anatomy is taken away.",
        "stuck": "On people it never saw, the model places views no better than chance.",
        "cheating": "The model places views well even where only the border of each view is left: it reads position "
        "from something that is not anatomy.",
    }
    evidence = [
        f"real scans: {probes['real']['gap_error_mm']:.1f} mm against {chance:.1f} mm by chance",
        f"voxels shuffled: {probes['shuffled']['gap_error_mm']:.1f} mm",
        f"only the border kept: {probes['border']['gap_error_mm']:.1f} mm",
    ]
    record = {
        "v": 1, "name": split, "split": split, "step": 1800, "samples": samples, "scans": scans,
        "persons": scans,
        "figures": figures, "probes": probes, "observations": measured,
        "verdict": {"label": verdict, "sentence": sentences[verdict], "evidence": evidence},
    }  # fmt: skip
    write_json(folder / "evaluation.json", record)
    return figures


def figures_of(measured: dict[str, Any], noise: float, verdict: str) -> dict[str, Any]:
    """The stable keys from the measures; null where a task was not trained."""
    flat = {name: measure for task in measured.values() for name, measure in task["measures"].items()}
    keys = (
        "gap_error_mm",
        "direction_error_deg",
        "route_arrival_mm",
        "route_closure_mm",
        "adjacency_accuracy",
    )
    figures = {key: flat[key]["value"] if key in flat else None for key in keys}
    gap = figures["gap_error_mm"]
    figures["gap_chance_mm"] = flat["gap_error_mm"]["chance"] if gap is not None else None
    figures["gap_error_interval_mm"] = None if gap is None else [gap - noise / 8, gap + noise / 8]
    figures["verdict"] = verdict
    return figures


def _add_rows(
    rows: dict[str, list[dict[str, Any]]], sample: int, scan: str, centres: np.ndarray,
    rng: np.random.Generator,
    noise: float, *, form: str, uncertainty: bool,
) -> None:  # fmt: skip
    views = len(centres)
    shared = {"sample": sample, "scan": scan}
    guess = centres + rng.laplace(0, noise * 0.7, size=centres.shape)
    steps = {}
    for i, j in permutations(range(views), 2):
        true = centres[j] - centres[i]
        pred = guess[j] - guess[i] if form == "difference" else true + rng.laplace(0, noise, 3)
        steps[i, j] = pred
        row = shared | {"view_i": i, "view_j": j} | _triple("true", true) | _triple("pred", pred)
        if uncertainty:
            row |= _triple("scale", np.full(3, noise))
        rows["gap"].append(row | _triple("place", np.clip((centres[i] - 24) / (SHAPE * SPACING - 48), 0, 1)))
        rows["route"].append(
            shared | {"kind": "step", "path": f"{i}-{j}"} | _triple("true", true) | _triple("pred", pred)
        )
        if i < j:
            four = chunk_pair(centres[i], centres[j], np.full(3, VIEW), np.full(3, CHUNK))
            near, far = float(four.adjacent_distance), float(four.distant_distance)
            similarity = [float(np.clip(1 - d / 90 + rng.normal(0, 0.12), -1, 1)) for d in (near, far)]
            rows["adjacency"].append(
                shared | {"view_i": i, "view_j": j, "adjacent_mm": near, "distant_mm": far,
                          "adjacent_similarity": similarity[0], "distant_similarity": similarity[1]}
            )  # fmt: skip
    for order in permutations(range(views)):
        for kind, path in (("route", order), ("tour", (*order, order[0]))):
            total = sum(steps[pair] for pair in pairwise(path))
            text = "-".join(str(view) for view in path)
            truth = centres[path[-1]] - centres[path[0]]
            rows["route"].append(
                shared | {"kind": kind, "path": text} | _triple("true", truth) | _triple("pred", total)
            )
    cells = rng.uniform(-60, 60, size=(12, 3))
    cells -= cells.mean(0)
    for view, cell in enumerate(cells):
        wrong = cell + rng.normal(0, noise, 3)
        rows["position"].append(shared | {"view": view % views} | _triple("true", cell) | _triple("pred", wrong))


def _triple(name: str, values: np.ndarray) -> dict[str, float]:
    return {f"{name}_{axis}": float(value) for axis, value in zip("ras", values, strict=True)}
