"""A realistic run folder made with numpy: what training and evaluation write, without either of them.

The predictions are the truth plus noise of a known size, so the figures on the page can be checked. Records are
written by the typed records; the tasks are described by hand.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from orienteer.records.evaluation import EvaluationRecord, ProbeResult, TaskResult, Value
from orienteer.records.evidence import Paths
from orienteer.records.metric import Measure
from orienteer.records.rows import write_rows
from orienteer.records.run import Environment, NetworkRecord, RunRecord, TrainingData
from orienteer.records.verdict import Label, Verdict, VerdictRule

from .example_files import SHAPE, SPACING, VIEW, write_example, write_json
from .hand_made import OURS, PROBES, TASKS, HandMade

SCANS = {"train": 12, "val": 3, "test": 8}
LEFT = {"constant": 0.0, "shuffled": -0.03, "border": 0.31, "interior": 0.84}
"""Skill that an honest model keeps under each probe."""
LEFT_OF_CHEAT = LEFT | {"border": 0.9, "interior": 0.02}


def make_run(
    folder: Path,
    *,
    tasks: Sequence[str | HandMade] = OURS,
    splits: tuple[str, ...] = ("val", "test"),
    noise_mm: float = 3.0,
    verdict: Label = "learning",
    closes: bool = False,
    scan: str = "sub-{:02d}__T1w",
    simulated: bool = False,
    examples: int = 5,
    views: int = 3,
    per_scan: int = 8,
    cards: bool = True,
) -> Path:
    """Write the run and return its folder; without ``cards`` its run.json does not say what its tasks are."""
    folder.mkdir(parents=True)
    chosen = [_closing(TASKS[task] if isinstance(task, str) else task, closes) for task in tasks]
    names = [task.card.name for task in chosen]
    text = "\n".join(["seed: 0", "optimiser:", "  steps: 2000", "tasks:", *(f"  {name}: {{}}" for name in names)])
    (folder / "settings.yaml").write_text(text + "\n", encoding="utf-8")
    record = RunRecord(
        orienteer_version="0.1.0",
        environment=Environment(
            python="3.11.9", torch="2.9.0+cpu", monai="1.5.1", platform="Linux", processor="x86_64", device="CPU",
            precision="32-true", threads=2,
        ),
        data=TrainingData(
            spacing_mm=SPACING, channels=1, scans=SCANS, persons=SCANS | {"train": 9}, view_voxels=24, view_mm=VIEW,
            views_per_sample=views, simulated=simulated,
        ),
        network=NetworkRecord(name="residual-unet", size="small", parameters=1_214_432, dense=True),
        tasks=tuple(names), cards=tuple(task.card for task in chosen) if cards else (),
        started="2026-01-01T10:00:00Z", finished="2026-01-01T10:09:40Z", seconds=580.2, steps=2000,
    )  # fmt: skip
    record.write(folder)
    _write_observations(folder / "observations.jsonl", chosen)
    for number, split in enumerate(splits):
        place = folder / "evaluations" / split
        (place / "examples").mkdir(parents=True)
        _evaluate(
            place, split, np.random.default_rng(number), chosen,
            noise=noise_mm, verdict=verdict, scan=scan, examples=examples, views=views, per_scan=per_scan,
        ).write(place)  # fmt: skip
    write_json(
        folder / "summary.json", {"best_step": 1800, "steps": 2000, "seconds": 580.2, "data_wait_fraction": 0.031}
    )
    return folder


def edited(path: Path, **values: Any) -> None:
    """Set keys of a JSON document; ``None`` takes one out."""
    document = json.loads(path.read_text(encoding="utf-8")) | values
    write_json(path, {key: value for key, value in document.items() if value is not None})


def _closing(task: HandMade, closes: bool) -> HandMade:
    if not closes or not isinstance(task.card.evidence[0], Paths):
        return task
    return HandMade(task.card.model_copy(update={"evidence": (Paths(closes=True),)}), task.rows, task.measure)


def _write_observations(path: Path, tasks: Sequence[HandMade]) -> None:
    """Curves from chance, or from a bad start, to a good end."""
    rng = np.random.default_rng(7)
    lines = []
    for step in range(20, 2001, 20):
        done = 1 - np.exp(-step / 350)
        machine = {
            "loss": Measure(1.2 * np.exp(-step / 400) + 0.1, "1"),
            "learning_rate": Measure(2e-3 * min(step / 100, (1 + np.cos(np.pi * step / 2000)) / 2), "1"),
            "data_wait_fraction": Measure(0.02 + 0.02 * rng.random(), "fraction"),
        }
        lines.append(_line(step, "train", "training", machine))
        for phase in ("train", "validation") if step % 200 == 0 else ("train",):
            for task in tasks:
                measures = {}
                for metric in task.card.metrics:
                    chance, end = {"fraction": (0.5, 0.95), "deg": (90.0, 5.0), "rank": (None, 20.0)}.get(
                        metric.unit, (68.0, 5.0)
                    )
                    start = 2.0 if chance is None else chance
                    jitter = 1 + (0.03 if phase == "train" else 0.008) * rng.standard_normal()
                    value = (start + (end - start) * done) * jitter
                    measures[metric.name] = Measure(float(value), metric.unit, chance, metric.better)
                lines.append(_line(step, phase, task.card.name, measures))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def _line(step: int, phase: str, task: str, measures: dict[str, Measure]) -> dict[str, Any]:
    values = {name: Value.of(measure).model_dump(exclude={"interval"}) for name, measure in measures.items()}
    return {"v": 1, "step": step, "phase": phase, "task": task, "measures": values}


def _evaluate(
    folder: Path, split: str, rng: np.random.Generator, tasks: Sequence[HandMade], *, noise: float, verdict: Label,
    scan: str, examples: int, views: int, per_scan: int,
) -> EvaluationRecord:  # fmt: skip
    scans = SCANS[split]
    low = np.array([44.0, 44.0, 44.0])
    centres = rng.uniform(low, SHAPE * SPACING - low, size=(scans * per_scan, views, 3))
    names = [scan.format(n % scans) for n in range(len(centres))]
    for sample in range(examples):
        write_example(folder / "examples" / f"sample_{sample:03d}", sample, names[sample], centres[sample])
    results = []
    for task in tasks:
        rows = [
            {"sample": sample, "scan": name, **row}
            for sample, name in enumerate(names)
            for row in task.rows(centres[sample], rng, noise)
        ]
        table = {key: np.array([row[key] for row in rows]) for key in rows[0]}
        write_rows(folder / f"{task.card.name}.parquet", table)
        values = {name: Value.of(measure, _interval(measure)) for name, measure in task.measure(table).items()}
        results.append(TaskResult(card=task.card, measures=values))
    judged = next((result for result in results if result.card.spatial), results[0])
    metric = judged.card.judged
    real = judged.measures[metric.name]
    left = LEFT_OF_CHEAT if verdict == "cheating" else LEFT
    probes = [ProbeResult(card=probe, measured=_with_skill(real, left[probe.name])) for probe in PROBES]
    return EvaluationRecord(
        name=split, split=split, seen="all" if split == "train" else "none", step=1800,
        samples=len(centres), scans=scans, subjects=scans, tasks=tuple(results),
        probes=tuple(probes) if judged.card.spatial else (),
        verdict=Verdict(
            label=verdict, sentence=SENTENCES[verdict], evidence=("real views: good", "voxels shuffled: bad", "third"),
            rule=VerdictRule(), task=judged.card.name, metric=metric.name,
        ),
    )  # fmt: skip


SENTENCES: dict[Label, str] = {
    "learning": "On subjects it has not seen its error is small, where chance is large.",
    "stuck": "On subjects it has not seen its error is hardly better than chance.",
    "cheating": "With the border painted over it keeps little of its skill: it reads its position from the border.",
}


def _interval(measure: Measure) -> tuple[float, float] | None:
    return (measure.value - 0.4, measure.value + 0.4) if measure.unit == "mm" else None


def _with_skill(real: Value, skill: float) -> Value:
    chance = real.chance if real.chance is not None else 1.0
    best = 0.0 if real.better == "lower" else 1.0
    return Value(value=chance + skill * (best - chance), unit=real.unit, chance=chance, better=real.better)
