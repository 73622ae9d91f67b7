"""What is run, as words of the command line: every pretext task and baseline, and what a run is used for afterwards."""

import shutil
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGS = REPOSITORY / "configs" / "pretrain"
RESULTS = REPOSITORY / "docs" / "results" / "oasis-cpu-long"
"""The quickest of the published records; the tables of all are compared by tests/comparison/test_published.py."""

DEVICES = "devices={accelerator: cpu, precision: 32-true, threads: 1, workers: 0}"
THIN = "network={size: tiny, options: {features: [4, 8, 16]}}"
SHORT = (
    "optimiser.steps=5",
    "optimiser.batch=2",
    "checkpoint={every: 3, log_every: 1}",
    "evaluation={per_scan: 2, final_per_scan: 4, examples: 1}",
    "views.size=16",
    DEVICES,
)
"""A pretraining of a second or two."""

CHANGES: dict[str, tuple[str, ...]] = {
    "oasis-cpu": ("network.size=tiny",),
    # Three times three views side by side must fit into a scan of 36 voxels.
    "patch_location": (
        THIN,
        "views.size=8",
        "views.neighbours={gap: 1, jitter: 1}",
        "network.options={features: [4, 8]}",
    ),
}
"""What a configuration needs besides, where it is not a thin network."""

OURS: dict[str, tuple[str, ...]] = {
    "default": (THIN,),
    "difference": (
        "tasks={gap: {form: difference, uncertainty: true}, route: {form: difference}, adjacency: {loss: cosine}, "
        "position: {}, masked: {loss: l1}}",
        THIN,
        "network.name=unet",
        "network.pooling=average",
        "views.geometry={flip: true, probability: 1.0}",
        "seed=3",
    ),
    "vit": ("tasks={gap: {}, route: {}}", "network={name: vit, size: tiny}"),
    "swin": ("tasks={gap: {}, adjacency: {}}", "network={name: swin, size: tiny, options: {depths: [1, 1, 1, 1]}}"),
}
"""Runs of our own tasks: the recipe that ``pretrain`` takes by itself, then the other forms, losses and networks."""

TUNED = (
    THIN,
    "network.dense_stride=1",
    "patches={size: 24}",
    "optimiser={steps: 4, batch: 2}",
    "checkpoint={every: 4, log_every: 1}",
    "inference={overlap: 0.25}",
    DEVICES,
)
"""A fine-tuning of a second or two."""
STRUCTURES = "structures={big: [1], pair: [2, 3]}"

TUNINGS: dict[str, tuple[str, ...]] = {
    "segment": ("segment", "--from", "default", "--labelled-scans", "2", "--seeds", "2", "--set", STRUCTURES),
    "segment-scratch": ("segment", "--from", "scratch", "--labelled-scans", "2", "--set", STRUCTURES),
    "segment-decoder": (
        "segment", "--from", "default", "--set", "transfer={decoder: true, freeze: encoder, head_first: 0.5}",
        "--set", "network.dense_stride=2",
    ),
    "classify": ("classify", "--from", "masked", "--column", "ward"),
    "regress": ("regress", "--from", "scratch", "--column", "age"),
}  # fmt: skip
"""Fine-tunings; ``--from`` names a run."""
PROBED = ("default",)
PREDICTING = ("segment", "classify", "regress")
PREDICTED = ("subject-2", "subject-3")
"""Fine-tuned networks that predict scans, and which scans."""


def pretrainings() -> dict[str, tuple[str, ...]]:
    """Name of a run: its words after ``orienteer pretrain STORE RUN``."""
    configs = {path.stem: path for path in sorted((CONFIGS / "baselines").glob("*.yaml"))}
    configs["oasis-cpu"] = CONFIGS / "oasis-cpu.yaml"
    ours = {name: _sets((*SHORT, *values)) for name, values in OURS.items()}
    return ours | {
        name: ("--config", str(path), *_sets((*SHORT, *CHANGES.get(name, (THIN,))))) for name, path in configs.items()
    }


def commands(folder: Path) -> Iterator[tuple[object, ...]]:
    """Every command, in order."""
    store, runs, tuned = folder / "store", folder / "runs", folder / "tuned"
    scans, labels = folder / "scans", ("--labels", folder / "labels")
    table = ("--table", folder / "table.tsv")
    yield "ingest", scans, store, "--spacing", 3, *table, *labels, "--workers", 1, "--keep-names"
    yield "ingest", scans, folder / "store-alone", "--spacing", 4, "--workers", 1, "--keep-names"
    yield "ingest", folder / "scans-two", folder / "store-two", "--spacing", 3, *table, "--workers", 1, "--keep-names"
    for name, words in pretrainings().items():
        yield "pretrain", store, runs / name, *words
    yield "pretrain", folder / "store-two", runs / "two-channels", *_sets((*SHORT, THIN, "tasks={gap: {}, masked: {}}"))
    yield "evaluate", runs / "default", store, "--split", "test"
    for name in PROBED:
        yield "probe", runs / name, store, "--labelled-scans", 2, *_sets((*TUNED, STRUCTURES))
    (folder / "new").mkdir()
    for name in PREDICTED:
        (folder / "new" / f"{name}.nii.gz").write_bytes((scans / f"{name}.nii.gz").read_bytes())
    for name, (kind, _, source, *words) in TUNINGS.items():
        start = source if source == "scratch" else runs / source
        yield "finetune", kind, store, tuned / name, "--from", start, *_sets(TUNED), *words
    shutil.copytree(RESULTS, folder / "compared")
    yield "compare", folder / "compared"
    for name in PREDICTING:
        yield "predict", tuned / name, folder / "new", folder / "predicted" / name


def _sets(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for value in values for word in ("--set", value))
