"""What is killed: ingest, pretrain, fine-tune and benchmark on a few simulated people, and what must then be true."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import yaml

CLOCK = {"seconds", "data_wait_fraction", "started", "finished", "peak_memory_mb", "energy_j"}
"""Figures that depend on the clock or the machine, not on the work."""

PEOPLE = 8
PRETRAIN = {
    "network": {"size": "tiny"},
    "views": {"count": 3, "size": 16},
    "tasks": {"gap": {}, "position": {}},
    "optimiser": {"steps": 8, "batch": 2},
    "checkpoint": {"every": 2, "log_every": 1, "keep": 2},
    "evaluation": {"per_scan": 1, "final_per_scan": 2, "examples": 1},
    "devices": {"accelerator": "cpu", "threads": 1, "workers": 0},
}
FINETUNE = {
    "patches": {"size": 16},
    "structures": {"first": [1], "pair": [2, 3]},
    "optimiser": {"steps": 6, "batch": 2},
    "checkpoint": {"every": 2, "log_every": 1},
    "inference": {"overlap": 0},
    "devices": {"accelerator": "cpu", "threads": 1, "workers": 0},
}
BENCHMARK = {
    "name": "toy",
    "title": "Toy",
    "credit": "simulated",
    "data": {"scans": "scans", "labels": "labels", "table": "people.tsv", "spacing": 3.0, "keep_names": True},
    "seeds": [0],
    "parallel": 1,
    "pretrain": {key: value for key, value in PRETRAIN.items() if key != "tasks"} | {"checkpoint": {"every": 4}},
    "finetune": {**FINETUNE, "network": {"size": "tiny", "dense_stride": 1}, "validate_scans": False},
    "arms": {
        "scratch": {"label": "from scratch", "role": "scratch"},
        "ours": {"label": "gap", "role": "ours", "pretrain": {"tasks": {"gap": {}}}},
    },
    "tasks": {"organs": {"kind": "segment", "words": "Dice", "labelled_scans": [2], "modes": ["finetuned"]}},
}
BENCHMARK["finetune"].pop("structures")  # type: ignore[attr-defined]
BENCHMARK["tasks"]["organs"]["settings"] = {"structures": {"first": [1]}}  # type: ignore[index]


@dataclass(frozen=True)
class Stage:
    """One command and its rules.

    Attributes:
        name: of the stage.
        command: its arguments, given the folder it writes to.
        prepare: puts a folder into the state the command starts from.
        sound: what is wrong with a folder at any moment, even right after a blow; one line each.
        alike: what differs between an undisturbed folder and one that was killed and finished; one line each.
    """

    name: str
    command: Callable[[Path], list[str]]
    prepare: Callable[[Path], None]
    sound: Callable[[Path], list[str]]
    alike: Callable[[Path, Path], list[str]]


KEY = "5eed" * 16


def nothing(folder: Path) -> None:
    """A stage that starts without a folder."""


def a_key(folder: Path) -> None:
    """A store that has its secret key only: pseudonyms are then the same in every store that is compared."""
    from orienteer.store.private import Private, write_private

    folder.mkdir()
    write_private(folder, Private(names="pseudonyms", key=KEY))


def make_cohort(folder: Path) -> None:
    """Scans, labels, a table and settings; ``later`` is the cohort with a scan changed, one gone and one new."""
    from orienteer.testing.phantom import phantom

    for cohort, people in (("cohort", range(PEOPLE)), ("later", range(1, PEOPLE + 1))):
        lines = ["id\tperson\tsplit"]
        for person in people:
            name, split = f"person_{person:03d}", ("train", "val", "train", "test")[person % 4]
            volume, labels = phantom(person, seed=7 if cohort == "later" and person == 3 else 0)
            for kind, array in (("scans", volume.array[0]), ("labels", labels.astype(np.uint8))):
                place = folder / cohort / kind / f"{name}.nii.gz"
                place.parent.mkdir(parents=True, exist_ok=True)
                nibabel.save(nibabel.Nifti1Image(array, volume.affine), place)
            lines.append(f"{name}\t{name}\t{split}")
        (folder / cohort / "people.tsv").write_text("\n".join(lines) + "\n")
    for name, values in (("pretrain", PRETRAIN), ("finetune", FINETUNE), ("cohort/toy", BENCHMARK)):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(values, sort_keys=False))


def stages(base: Path) -> dict[str, Stage]:
    """All stages; ``base`` holds the cohort, and once made the undisturbed ``store`` and ``run``."""

    def ingest(cohort: str, workers: int) -> Callable[[Path], list[str]]:
        scans = base / cohort
        options = ["--spacing", "3", "--labels", str(scans / "labels"), "--table", str(scans / "people.tsv"), "--prune"]
        return lambda out: ["ingest", str(scans / "scans"), str(out), *options, "--workers", str(workers)]

    def pretrain(out: Path) -> list[str]:
        start = ["pretrain", str(base / "store"), str(out), "--config", str(base / "pretrain.yaml")]
        return [*start, *(["--resume"] if (out / "settings.yaml").is_file() else [])]

    def finetune(out: Path) -> list[str]:
        start = ["finetune", "segment", str(base / "store"), str(out), "--from", str(base / "run")]
        resume = ["--resume"] if any(out.glob("seed_*")) else []
        return [*start, "--labelled-scans", "2", "--seeds", "2", "--config", str(base / "finetune.yaml"), *resume]

    def older(out: Path) -> None:
        shutil.copytree(base / "store", out)

    return {
        "ingest": Stage("ingest", ingest("cohort", 1), a_key, sound_store, alike_stores),
        "update": Stage("update", ingest("later", 1), older, sound_store, alike_stores),
        "workers": Stage("workers", ingest("cohort", 2), a_key, sound_store, alike_stores),
        "pretrain": Stage("pretrain", pretrain, nothing, sound_training, alike_runs),
        "finetune": Stage("finetune", finetune, nothing, sound_training, alike_finetunings),
        "benchmark": Stage(
            "benchmark", lambda out: ["benchmark", str(base / "cohort" / "toy.yaml"), str(out)], nothing,
            sound_benchmark, alike_benchmarks,
        ),
    }  # fmt: skip


def sound_store(store: Path) -> list[str]:
    """A store is as it was or as it will be, and every voxel it names is there."""
    from orienteer.errors import StoreError
    from orienteer.store import Store

    if not (store / "manifest.json").exists():
        return []
    try:
        opened = Store.open(store)
    except StoreError as error:
        return [str(error)]
    lost = PEOPLE - len(opened.ids())
    return [*opened.verify(), *([f"{lost} scans lost"] if lost > 0 else [])]


def sound_training(folder: Path) -> list[str]:
    """Every checkpoint that can be seen is whole, every JSON file can be read."""
    from orienteer.errors import RunError
    from orienteer.training.checkpoint import load_checkpoint

    problems = []
    for path in sorted(folder.rglob("step_*")):
        try:
            load_checkpoint(path)
        except RunError as error:
            problems.append(str(error))
    for path in sorted(folder.rglob("*.json")):
        if ".part" not in str(path):
            try:
                json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                problems.append(f"{path}: {error}")
    return problems


def sound_benchmark(out: Path) -> list[str]:
    """The store and every job."""
    return [*sound_store(out / "store"), *sound_training(out)]


def alike_stores(peace: Path, war: Path) -> list[str]:
    """Every file equal to the byte."""
    one, two = ({str(p.relative_to(root)): p for p in root.rglob("*") if p.is_file()} for root in (peace, war))
    problems = [f"only in one: {name}" for name in sorted(one.keys() ^ two.keys())]
    return problems + [f"{n} differs" for n in sorted(one.keys() & two.keys()) if differ(one[n], two[n])]


def alike_runs(peace: Path, war: Path) -> list[str]:
    """Last weights and optimiser, observations, summary and every evaluation."""
    tables = sorted(path.relative_to(peace) for path in (peace / "evaluations").rglob("*") if path.is_file())
    problems = [f"{name} is missing" for name in tables if not (war / name).is_file()]
    problems += [f"{name} differs" for name in tables if (war / name).is_file() and differ(peace / name, war / name)]
    problems += [*_same_training(peace, war), *_same_json(peace / "summary.json", war / "summary.json")]
    return [*problems, *_leftovers(war)]


def alike_finetunings(peace: Path, war: Path) -> list[str]:
    """Both seeds: weights, observations, scores per case; and the summary."""
    problems = _same_json(peace / "summary.json", war / "summary.json")
    for seed in ("seed_0", "seed_1"):
        problems += _same_training(peace / seed, war / seed)
        if differ(peace / seed / "cases.parquet", war / seed / "cases.parquet"):
            problems.append(f"{seed}/cases.parquet differs")
    return [*problems, *_leftovers(war)]


def alike_benchmarks(peace: Path, war: Path) -> list[str]:
    """Store, records of every case and pretext, and every network."""
    problems = alike_stores(peace / "store", war / "store")
    for name in ("cases.parquet", "pretext.parquet"):
        place = Path("results") / "records" / name
        if differ(peace / place, war / place):
            problems.append(f"{name} differs")
    for path in sorted(peace.rglob("model.safetensors")):
        if differ(path, war / path.relative_to(peace)):
            problems.append(f"{path.relative_to(peace)} differs")
    return [*problems, *_leftovers(war)]


def differ(one: Path, two: Path) -> bool:
    """Whether two files hold other bytes, or one is missing."""
    return not (one.is_file() and two.is_file()) or one.read_bytes() != two.read_bytes()


def _same_training(peace: Path, war: Path) -> list[str]:
    problems = []
    last = sorted((peace / "checkpoints").glob("step_*"))[-1].name
    for part in ("model", "optimiser"):
        name = Path("checkpoints") / last / f"{part}.safetensors"
        if differ(peace / name, war / name):
            problems.append(f"{peace.name}/{name} differs")
    histories = []
    for run in (peace, war):
        lines = (run / "observations.jsonl").read_text().splitlines()
        histories.append([line for line in lines if json.loads(line)["task"] != "training"])
    return [*problems, *([f"{peace.name}/observations.jsonl differs"] if histories[0] != histories[1] else [])]


def _same_json(peace: Path, war: Path) -> list[str]:
    one, two = (_timeless(json.loads(path.read_text())) for path in (peace, war))
    return [] if one == two else [f"{peace.name} differs"]


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in CLOCK}
    return value


def _leftovers(folder: Path) -> list[str]:
    return [f"left behind: {path.relative_to(folder)}" for path in sorted(folder.rglob("*.part"))]
