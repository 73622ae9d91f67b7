"""Does the verdict tell the truth? Runs whose truth is known, judged by the tool.

    python -m benchmarks.verdicts STORE OUT [CASE ...] [--steps 150]

Each case trains a small network on a store of real scans, or on one with a planted fault
(``orienteer.testing.plants``), and says what the verdict has to be and what else has to be said. Finished cases are
kept in OUT, so an interrupted command resumes. Exits with 1 unless all are judged right.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orienteer.records.evaluation import EvaluationRecord
from orienteer.runs.settings import PretrainSettings
from orienteer.store import Store
from orienteer.testing.plants import (
    LeakingStore,
    MisplacedStore,
    PlantedStore,
    ShadedStore,
    ShuffledStore,
    ThinlyPlantedStore,
)
from orienteer.testing.verdicts import verdict_on

Said = Callable[[EvaluationRecord], bool]
COMMON = (
    "views={size: 16, geometry: {probability: 0}}",  # turned views would smear a planted code
    "network={size: tiny}",
    "evaluation={per_scan: 4, final_per_scan: 16}",
    "devices={accelerator: cpu, threads: 1, workers: 0}",
)
PAPER = "tasks={gap: {}, adjacency: {}, route: {}}"
ALL = "tasks={gap: {}, adjacency: {}, route: {}, position: {}, masked: {views: 1}}"
VOCO = (
    "network={size: small}",
    "views={count: 10, placement: grid, size: 16, geometry: {probability: 0}}",
    "teacher={enabled: true, momentum: 0.9}",
    "optimiser={name: adamw, batch: 2, learning_rate: 0.001, steps: 400}",
    "checkpoint.every=400",
)


def _always(record: EvaluationRecord) -> bool:
    return True


def _collapsed(record: EvaluationRecord) -> bool:
    """Its embeddings lie on a line."""
    return any((task.measures["embedding_rank"].value or 0) < 2 for task in record.tasks)


def _names(title: str) -> Said:
    return lambda record: title in record.at_chance and "Gap matrix" not in record.at_chance


def _leaked(record: EvaluationRecord) -> bool:
    """Every measured scan is found to be of somebody who was learned from."""
    return record.seen == "all" and len(record.twins) == record.scans


@dataclass(frozen=True)
class Case:
    """One run: the store it learns from, its settings, its true verdict, and what has to be said beside it."""

    label: str
    assign: tuple[str, ...] = ("tasks={gap: {}}",)
    store: type[Store] = Store
    said: Said = _always


CASES = {
    "gap": Case("learning"),
    "difference": Case("learning", ("tasks={gap: {form: difference}}",)),
    "paper": Case("learning", (PAPER,)),
    "all": Case("learning", (ALL,)),
    "position": Case("learning", ("tasks={position: {}}",)),
    # A smooth interpolation reaches a skill of 0.2, so 150 steps are truly hardly better than chance.
    "masked": Case("learning", ("tasks={masked: {}}", "optimiser.steps=600", "checkpoint.every=600")),
    "rpr": Case("learning", ("tasks={rpr: {}}",)),
    "voco": Case("learning", (*VOCO, "views.size=24", "optimiser.steps=300", "tasks={voco: {random: 2}}")),
    "shuffled": Case("stuck", store=ShuffledStore),
    "shuffled-all": Case("stuck", (ALL,), ShuffledStore),
    "misplaced": Case("stuck", store=MisplacedStore),
    "misplaced-paper": Case("stuck", (PAPER,), MisplacedStore),
    "asleep": Case("stuck", ("tasks={gap: {}}", "optimiser.learning_rate=1e-9")),
    "voco-flat": Case(
        "stuck",
        (*VOCO, "tasks={flat_voco: {class: 'benchmarks.flat_voco:FlatVocoTask', random: 2}}"),
        said=_collapsed,
    ),
    "planted": Case("cheating", store=PlantedStore),
    "planted-paper": Case("cheating", (PAPER,), PlantedStore),
    "planted-rpr": Case("cheating", ("tasks={rpr: {}}",), PlantedStore),
    "planted-voco": Case(
        "cheating",
        (*VOCO, "views.size=24", "optimiser.steps=300", "tasks={voco: {random: 2}}"),
        PlantedStore,
    ),
    "planted-thinly": Case("cheating", store=ThinlyPlantedStore),
    "shaded": Case("cheating", ("tasks={gap: {}}", "optimiser.steps=300", "checkpoint.every=300"), ShadedStore),
    "half-position": Case("learning", ("tasks={gap: {}, position: {weight: 0}}",), said=_names("Position field")),
    "half-route": Case("learning", ("tasks={gap: {}, route: {weight: 0}}",), said=_names("Directions and routes")),
    "leaked": Case("learning", store=LeakingStore, said=_leaked),
}


def judged(name: str, store: Path, out: Path, *, steps: int, assign: list[str]) -> EvaluationRecord:
    """Train and judge one case, or read what was found of it."""
    case, folder = CASES[name], out / name
    if (folder / "evaluations" / "val" / "evaluation.json").exists():
        return EvaluationRecord.read(folder / "evaluations" / "val")
    lengths = (f"optimiser.steps={steps}", f"checkpoint.every={steps}")
    settings = PretrainSettings.read({}, (*COMMON, *lengths, *case.assign, *assign))
    return verdict_on(case.store.open(store), folder, settings).record


def main() -> None:
    """Train, judge, and hold each against what is true."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"some of {', '.join(CASES)}; default all")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--set", action="append", default=[], dest="assign")
    chosen = parser.parse_args()
    if unknown := sorted(set(chosen.cases) - set(CASES)):
        parser.error(f"no case is called {', '.join(unknown)}")
    names = chosen.cases or list(CASES)
    right = 0
    for name in names:
        case, record = CASES[name], judged(name, chosen.store, chosen.out, steps=chosen.steps, assign=chosen.assign)
        label, said = record.verdict.label, case.said(record)
        right += label == case.label and said
        mark = "right" if label == case.label and said else "WRONG"
        told = "" if said else " (but it did not say what it should)"
        print(f"{mark}  {name}: {label}, true is {case.label}{told}. {record.verdict.sentence} {record.at_chance}")
        print("\n".join(f"       {line}" for line in record.verdict.evidence), flush=True)
    print(f"\n{right} of {len(names)} judged right")
    sys.exit(0 if right == len(names) else 1)


if __name__ == "__main__":
    main()
