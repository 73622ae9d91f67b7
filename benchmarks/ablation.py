"""What does each part of the method buy? Arms x seeds on one store, validation people, one Markdown table.

    python benchmarks/ablation.py STORE OUT [--steps 400] [--arms all,difference] [--render]

Every arm is an ordinary pretraining run in a folder of its own; a killed benchmark resumes, and ``--render`` prints
the table again from the records alone. Only validation people are looked at.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from orienteer.runs.folder import RunFolder
from orienteer.runs.pretrain import pretrain
from orienteer.runs.run import Run
from orienteer.runs.settings import PretrainSettings

ARMS: dict[str, tuple[tuple[str, ...], int]] = {
    # arm: (settings, seeds)
    "all": ((), 2),
    "difference": (("tasks.gap.form=difference", "tasks.route.form=difference"), 2),
    "teacher": (("teacher.enabled=true",), 2),
    "five-views": (("views.count=5",), 2),
    "with-position": (("tasks.position={}",), 2),
    "gap-only": (("tasks={gap: {}}",), 1),
    "adjacency-only": (("tasks={adjacency: {}}",), 1),
    "route-only": (("tasks={route: {}}",), 1),
    "no-geometry": (("views.geometry.probability=0",), 1),
    "average-pooling": (("network.pooling=average",), 1),
    "cosine-adjacency": (("tasks.adjacency.loss=cosine",), 1),
    "uncertainty": (("tasks.gap.uncertainty=true",), 1),
}
COLUMNS = (
    ("gap_error_mm", "gap mm", 1),
    ("direction_error_deg", "direction °", 1),
    ("route_arrival_mm", "arrival mm", 1),
    ("route_closure_mm", "closure mm", 2),
    ("adjacency_accuracy", "adjacency", 3),
    ("adjacency_rank", "rank", 1),
    ("position_error_mm", "position mm", 1),
    ("seconds", "seconds", 0),
)


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--arms", default=",".join(ARMS))
    parser.add_argument("--render", action="store_true", help="only print the table")
    chosen = parser.parse_args()
    for arm in chosen.arms.split(","):
        assignments, seeds = ARMS[arm]
        for seed in range(seeds):
            run = chosen.out / f"{arm}-{seed}"
            if chosen.render or (run / "summary.json").exists():
                continue
            common = (
                f"seed={seed}",
                f"optimiser.steps={chosen.steps}",
                f"checkpoint.every={chosen.steps}",
                "evaluation.final_per_scan=64",
                f"devices={{accelerator: cpu, threads: {chosen.threads}, workers: 0}}",
            )
            settings = PretrainSettings.read({}, (*assignments, *common))
            pretrain(chosen.store, run, settings=settings, resume=RunFolder(run).is_claimed, progress=False)
            print(f"{arm} seed {seed}: {_row(_summary(run))}", flush=True)
    print(table(chosen.out, chosen.arms.split(",")))


def table(out: Path, arms: list[str]) -> str:
    """Markdown, one line per run that has finished."""
    lines = [
        "| arm | seed | " + " | ".join(words for _, words, _ in COLUMNS) + " | verdict |",
        "|" + "---|" * (len(COLUMNS) + 3),
    ]
    runs = [(arm, seed) for arm in arms for seed in range(ARMS[arm][1])]
    finished = [(arm, seed) for arm, seed in runs if (out / f"{arm}-{seed}" / "summary.json").exists()]
    lines += [f"| {arm} | {seed} | {_row(_summary(out / f'{arm}-{seed}'))} |" for arm, seed in finished]
    return "\n".join(lines)


def _summary(run: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    adjacency = Run.open(run).evaluations["val"].task("adjacency")
    return values | {"adjacency_rank": adjacency.measures["embedding_rank"].value if adjacency else None}


def _row(summary: dict[str, Any]) -> str:
    figures = ["–" if summary.get(key) is None else f"{summary[key]:.{digits}f}" for key, _, digits in COLUMNS]
    return " | ".join((*figures, summary["verdict"]))


if __name__ == "__main__":
    main()
