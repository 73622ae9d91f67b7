"""A benchmark's folder with plausible records, made with numpy: what the runner writes, without training anything.

A score is a curve over labels, plus what the arm adds, plus the person, the luck of the seed and their combination
(all shared by the arms but for a part of their own), plus the structure, plus noise. ``effects`` plants the truth.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from orienteer.comparison.benchmark import write_benchmark
from orienteer.comparison.records import write_cases, write_costs, write_learning, write_pretext

ARMS: tuple[tuple[str, str, str], ...] = (
    ("ours", "gap + adjacency + routes + position", "ours"),
    ("masked", "masked autoencoding", "baseline"),
    ("genesis", "Models Genesis", "baseline"),
    ("simclr", "SimCLR", "baseline"),
    ("scratch", "scratch", "scratch"),
    ("scratch-long", "scratch, three times as long", "scratch"),
    ("ours-no-route", "ours without routes", "ablation"),
)
EFFECTS = {"ours": 0.06, "masked": 0.04, "genesis": 0.02, "simclr": 0.01, "scratch-long": 0.01, "ours-no-route": 0.05}
ITEMS = ("brain stem", "caudate", "hippocampus", "left cerebellum", "left lateral ventricle", "putamen")
SEGMENTATION: dict[str, Any] = {
    "name": "oasis-segmentation", "kind": "segment", "metric": "dice", "better": "higher", "unit": "Dice",
    "words": "mean Dice of 6 structures",
}  # fmt: skip
AGE: dict[str, Any] = {
    "name": "oasis-age", "kind": "regress", "metric": "absolute_error", "better": "lower", "unit": "years",
    "words": "absolute error of the age",
}  # fmt: skip


def make_results(
    folder: Path,
    *,
    arms: Sequence[tuple[str, str, str]] = ARMS,
    effects: Mapping[str, float] = EFFECTS,
    tasks: Sequence[Mapping[str, Any]] = (SEGMENTATION, AGE),
    modes: Sequence[str] = ("finetuned", "frozen"),
    labels: Sequence[int] = (1, 3, 5, 10),
    seeds: int = 3,
    people: int = 8,
    scanned_twice: int = 2,
    spread: Mapping[str, float] | None = None,
    random: int = 0,
    extras: bool = True,
    pretrainings: int | None = None,
) -> Path:
    """Write ``benchmark.json`` and ``records/``.

    Args:
        folder: where; it need not exist.
        arms: name, label, role.
        effects: what an arm adds to its score, in the task's 0..1 scale (an error of years is 40 times (1 - score)).
        tasks: entries of ``benchmark.json``.
        modes: ``finetuned``, ``frozen`` or both.
        labels: label counts.
        seeds: how many.
        people: how many test people.
        scanned_twice: how many of them have two scans.
        spread: SD of ``person``, ``seed``, ``own_person``, ``own_seed``, ``noise``.
        random: another number makes other records.
        extras: also secondary metrics, costs and pretext figures.
        pretrainings: runs of each arm; one for each seed where None.
    """
    write_benchmark(folder, document(arms, tasks))
    rng = np.random.default_rng(random)
    sd = {"person": 0.04, "seed": 0.02, "own_person": 0.01, "own_seed": 0.008, "noise": 0.01} | dict(spread or {})
    rows: list[dict[str, Any]] = []
    for task in tasks:
        for mode in modes:
            rows += _cells(rng, sd, task, mode, arms, effects, labels, seeds, people, scanned_twice, extras)
    write_cases(folder, rows)
    if extras:
        write_costs(folder, _costs(arms, labels, seeds))
        write_pretext(folder, _pretext(arms, pretrainings or seeds))
        write_learning(folder, learning(arms, effects, tasks[0]["name"], labels, seeds))
    return folder


def document(
    arms: Sequence[tuple[str, str, str]] = ARMS, tasks: Sequence[Mapping[str, Any]] = (SEGMENTATION,)
) -> dict[str, Any]:
    """A ``benchmark.json`` as the runner writes it."""
    return {
        "name": "oasis-cpu",
        "title": "Brains with few labels, on two CPU cores",
        "environment": {"python": "3.11.9", "torch": "2.9.0", "processor": "x86_64", "device": "cpu", "threads": 1},
        "orienteer_version": "0.1.0",
        "credit": "simulated records, no scan was read",
        "tasks": [dict(task) for task in tasks],
        "arms": [dict(zip(("name", "label", "role"), arm, strict=True)) for arm in arms],
        "configuration": {"labels": [1, 3, 5, 10], "pretraining": {"steps": 1000}, "store": "store"},
        "commands": ["orienteer benchmark runs/oasis-benchmark.yaml results"],
    }


def case_row(**changes: Any) -> dict[str, Any]:
    """One row of ``cases.parquet``."""
    row = {
        "task": "oasis-segmentation", "arm": "ours", "mode": "finetuned", "labels": 1, "seed": 0, "case": "scan-00",
        "person": "person-00", "item": "", "metric": "dice", "value": 0.5,
    }  # fmt: skip
    return row | changes


def _cells(
    rng: np.random.Generator, sd: Mapping[str, float], task: Mapping[str, Any], mode: str,
    arms: Sequence[tuple[str, str, str]], effects: Mapping[str, float], labels: Sequence[int], seeds: int, people: int,
    scanned_twice: int, extras: bool,
) -> list[dict[str, Any]]:  # fmt: skip
    scans = [(person, scan) for person in range(people) for scan in range(2 if person < scanned_twice else 1)]
    segment = task["kind"] == "segment"
    items = ITEMS if segment else ("",)
    of_person = rng.normal(0, sd["person"], people)
    rows = []
    for count in labels:
        of_seed = rng.normal(0, sd["seed"] / np.sqrt(max(count, 1)), seeds)
        level = 0.45 + 0.1 * np.log2(max(count, 1)) - (0.08 if mode == "frozen" else 0.0)
        for arm, _, _ in arms:
            # What the arm adds shrinks with more labels.
            mean = level + effects.get(arm, 0.0) / (1 + 0.3 * np.log2(max(count, 1)))
            own_person, own_seed = rng.normal(0, sd["own_person"], people), rng.normal(0, sd["own_seed"], seeds)
            for seed in range(seeds):
                for person, scan in scans:
                    score = mean + of_person[person] + own_person[person] + of_seed[seed] + own_seed[seed]
                    score += rng.normal(0, sd["noise"])
                    for place, item in enumerate(items):
                        value = float(np.clip(score + 0.03 * (place - (len(items) - 1) / 2), 0.01, 0.99))
                        base = case_row(
                            task=task["name"], arm=arm, mode=mode, labels=int(count), seed=seed, item=item,
                            case=f"scan-{person:02d}-{scan}", person=f"person-{person:02d}",
                        )  # fmt: skip
                        rows.append(base | {"metric": task["metric"], "value": value if segment else 40 * (1 - value)})
                        if extras and segment:
                            empty = value < 0.3
                            rows.append(base | {"metric": "hd95_mm", "value": np.nan if empty else 20 * (1 - value)})
                            rows.append(base | {"metric": "surface_dice", "value": min(1.0, value + 0.1)})
    return rows


def _costs(arms: Sequence[tuple[str, str, str]], labels: Sequence[int], seeds: int) -> list[dict[str, Any]]:
    rows = []
    for place, (arm, _, role) in enumerate(arms):
        runs = [("finetune", count, 180.0) for count in labels] + [("frozen", count, 20.0) for count in labels]
        if role != "scratch":
            runs.insert(0, ("pretrain", None, 600.0))
        for stage, count, seconds in runs:
            rows += [
                {
                    "arm": arm, "stage": stage, "labels": count, "seed": seed,
                    "seconds": seconds * (1 + 0.05 * place) * (3 if arm == "scratch-long" else 1),
                    "cpu_seconds": None if stage == "frozen" else seconds * (0.9 + 0.05 * place),
                    "peak_memory_mb": 1400.0 + 50 * place, "energy_j": None, "device": "cpu",
                }
                for seed in range(seeds)
            ]  # fmt: skip
    return rows


def learning(
    arms: Sequence[tuple[str, str, str]], effects: Mapping[str, float], task: str, labels: Sequence[int], seeds: int
) -> list[dict[str, Any]]:
    """Scores that rise by what is left, to an arm's effect above 0.8; a seed ends 100 steps after the last."""
    return [
        {
            "task": task, "arm": arm, "labels": count, "seed": seed, "step": step,
            "value": 0.8 + effects.get(arm, 0.0) - 0.5 ** (1 + step / 100),
        }
        for arm, _, _ in arms
        for count in labels
        for seed in range(seeds)
        for step in range(0, 500 + 100 * seed, 100)
    ]  # fmt: skip


def _pretext(arms: Sequence[tuple[str, str, str]], seeds: int) -> list[dict[str, Any]]:
    measures = {
        "ours": [
            ("gap", "gap_error_mm", 5.8, "mm", 68.2, 0.91),
            ("adjacency", "adjacency_accuracy", 0.93, "fraction", 0.5, 0.86),
        ],
        "masked": [("masked", "reconstruction_error", 0.081, "1", 0.22, 0.63)],
        "genesis": [("genesis", "restoration_error", 0.07, "1", 0.31, 0.77)],
        "simclr": [("contrastive", "retrieval_accuracy", 0.62, "fraction", 0.02, 0.61)],
    }  # fmt: skip
    return [
        {
            "arm": arm, "seed": seed, "task": task, "measure": measure, "value": value * (1 + 0.03 * seed),
            "unit": unit, "chance": chance, "skill": skill, "verdict": "learning",
        }
        for arm, _, _ in arms
        for seed in range(seeds)
        for task, measure, value, unit, chance, skill in measures.get(arm, [])
    ]  # fmt: skip
