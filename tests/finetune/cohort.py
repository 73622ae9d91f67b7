"""Phantoms as a hospital would hand them over: scans, organs and a table of answers, ingested for real."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from orienteer.finetune.settings import FinetuneSettings
from orienteer.ingest import IngestOptions, ingest
from orienteer.records.log import read_log
from orienteer.records.run import RunRecord, TrainingData
from orienteer.runs.build import build_model
from orienteer.runs.folder import RunFolder
from orienteer.runs.settings import PretrainSettings
from orienteer.testing.phantom import phantom, store_of
from orienteer.training.checkpoint import Checkpoint, save_checkpoint

SPLITS = ("train", "val", "train", "test")
SPACING = 3.0
AFFINE = np.diag([SPACING, SPACING, SPACING, 1.0])

QUICK = (
    "network={size: tiny, dense_stride: 1}",
    "patches={size: 16}",
    "optimiser={steps: 4, batch: 2}",
    "checkpoint={every: 2, log_every: 1}",
    "inference={overlap: 0}",
    "devices={accelerator: cpu, threads: 1, workers: 0}",
)
"""A fine-tuning that takes a second or two."""

LAST = "checkpoints/step_00000004/model.safetensors"
"""The last weights of a quick fine-tuning."""
PAIR = "structures={big: [1], pair: [2, 3]}"


def quick(*assignments: str) -> FinetuneSettings:
    """Settings of a fine-tuning that takes a second or two."""
    return FinetuneSettings.read({}, (*QUICK, *assignments))


def cohort(folder: Path, people: int = 8, *, visits: int = 1) -> Path:
    """A labelled store with the columns ``age`` (a number) and ``ward`` (a category)."""
    scans, labels, rows = {}, {}, {}
    for person in range(people):
        for visit in range(visits):
            name = f"person_{person:02d}" + (f"_visit_{visit}" if visit else "")
            volume, labels[name] = phantom(person, visit=visit)
            scans[name] = volume.array[0]
            ward, age = ("north", "south")[person // 2 % 2], f"{30 + 5 * person}"
            rows[name] = {
                "person": f"p{person}",
                "split": SPLITS[person % 4],
                "age": age,
                "ward": ward,
            }
    return ingested(folder, scans, labels, rows)


LEVELS = (900, 1100)
WAVE = (30, 26, 28)


def layered(folder: Path) -> Path:
    """One scan, ``wave``, whose labels 0, 1, 2 follow from its intensities: smooth waves of 600 to 1400, cut twice."""
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in WAVE), indexing="ij")).astype(float)
    wave = np.rint(1000 + 400 * np.cos(grid[0] / 5) * np.cos(grid[1] / 6 + 0.3) * np.cos(grid[2] / 7 - 0.5))
    return store_of(
        folder, {"wave": wave.astype(np.int16)}, labels={"wave": np.digitize(wave, LEVELS).astype(np.uint8)}
    )


def ingested(
    folder: Path,
    scans: Mapping[str, NDArray],
    labels: Mapping[str, NDArray] | None,
    rows: Mapping[str, Mapping[str, str]],
) -> Path:
    """Write scans, labels and the table, and ingest them at 3 mm; returns the store."""
    for kind, arrays in (("scans", scans), ("labels", labels or {})):
        (folder / kind).mkdir(parents=True)
        for name, array in arrays.items():
            nibabel.save(nibabel.Nifti1Image(array, AFFINE), folder / kind / f"{name}.nii")
    header = ("id", *next(iter(rows.values())))
    lines = ["\t".join(header), *("\t".join((name, *row.values())) for name, row in rows.items())]
    (folder / "table.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    ingest(
        folder / "scans", folder / "store", IngestOptions(spacing=SPACING, table=folder / "table.tsv",
        labels=folder / "labels" if labels else None, workers=1, keep_names=True, progress=False),
    )  # fmt: skip
    return folder / "store"


def untrained_run(
    folder: Path,
    *,
    channels: int = 1,
    dense: bool = True,
    network: Mapping[str, object] | None = None,
    checkpoint: bool = True,
    seed: int = 5,
) -> Path:
    """A run folder as pretraining leaves it, with a first checkpoint only."""
    tasks = {"gap": {}, "position": {}} if dense else {"gap": {}}
    values = {"network": {"size": "tiny", **(network or {})}, "views": {"size": 16}, "tasks": tasks, "seed": seed}
    settings = PretrainSettings.build(values)
    run = RunFolder(folder)
    run.create(settings)
    RunRecord(data=TrainingData(channels=channels, spacing_mm=SPACING)).write(folder)
    if checkpoint:
        model = build_model(settings, channels=channels, spacing=SPACING)
        save_checkpoint(run.checkpoints, Checkpoint(7, model.state_dict(), {}, {"best_step": 7}))
    return folder


def weights(folder: Path) -> dict[str, bytes]:
    """The last weights of a quick fine-tuning, to the bit."""
    return {key: value.tobytes() for key, value in load_file(folder / LAST).items()}


def history(folder: Path) -> list[dict[str, Any]]:
    """What was observed, but for what depends on the clock."""
    return [record for record in read_log(folder / "observations.jsonl") if record["task"] != "training"]
