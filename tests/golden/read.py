"""What is on disk, as the golden record words it.

The one place to change where a key, a column or a file gets another name: the recorded names and values stay as they
are.

An array is recorded as ``[kind and shape, mean of its magnitudes, first 16 digits of its SHA-256]``; everything else
is a number, a word, or a table of them.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import blosc2
import nibabel
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from safetensors.numpy import load_file

from orienteer.store import Store

COLUMNS: dict[str, str] = {}
"""Columns of Parquet files that have another name by now: that name, and the recorded one."""
WINDOW = ("slope", "intercept", "low", "high")
CLOCK = ("train training.data_wait_fraction",)
"""Measures of the log that tell of the machine's speed."""


def read_all(folder: Path) -> dict[str, Any]:
    """Everything that :func:`tests.golden.plan.commands` left in a folder."""
    runs = sorted(path for path in (folder / "runs").iterdir() if path.is_dir())
    tuned = sorted(path for path in (folder / "tuned").iterdir() if path.is_dir())
    return {
        "stores": {name: read_store(folder / name) for name in ("store", "store-alone", "store-two")},
        "pretraining": {run.name: read_run(run) for run in runs},
        "finetuning": {out.name: read_tuning(out) for out in tuned},
        "comparison": {path.stem: read_rows(path) for path in sorted((folder / "compared").glob("*.parquet"))},
        "predictions": {path.name: read_predictions(path) for path in sorted((folder / "predicted").iterdir())},
    }


def read_store(store: Path) -> dict[str, Any]:
    """Facts of the manifest, and the arrays as they are decoded."""
    manifest = read_json(store / "manifest.json")
    return {
        "spacing_mm": manifest["spacing"],
        "channels": manifest["channels"],
        "content": manifest["content"][:16],
        "scans": {
            entry["id"]: {
                "subject": entry["person"],
                "split": entry["split"],
                "table": entry["table"],
                "window": [[channel[key] for key in WINDOW] for channel in entry["intensity"]],
                "body": [entry["foreground_low"], entry["foreground_high"]],
                "affine": array(np.array(entry["affine"])),
                **{
                    kind: array(blosc2.open(str(store / "arrays" / entry["content"][:20] / f"{kind}.b2nd"))[:])
                    for kind in sorted(entry["arrays"])
                },
            }
            for entry in Store.open(store).manifest.model_dump(mode="json")["scans"]
        },
    }


def read_run(run: Path) -> dict[str, Any]:
    """A pretraining: weights at the end, what was logged on the way, evaluations and probes of frozen features."""
    return {
        "best_step": read_json(run / "summary.json")["best_step"],
        "log": read_log(run),
        "weights": read_weights(run),
        "evaluations": {path.name: read_evaluation(path) for path in sorted((run / "evaluations").iterdir())},
        "probes": {
            path.name: {"means": read_json(path / "probe.json")["means"], "rows": read_rows(path / "cases.parquet")}
            for path in sorted(run.glob("probes/*"))
        },
    }


def read_evaluation(evaluation: Path) -> dict[str, Any]:
    """The figures of one evaluation: measures of every task, honesty probes, verdict; and the rows behind them."""
    record = read_json(evaluation / "evaluation.json")
    measures = {task["card"]["name"]: task["measures"] for task in record["tasks"]}
    return {
        "people": [record["split"], record["seen"], record["scans"], record["subjects"]],
        "step": record["step"],
        "verdict": record["verdict"]["label"],
        "figures": read_figures(measures),
        "probes": read_probes(record, measures),
        "measures": {
            task: {name: _measure(measure) for name, measure in found.items()} for task, found in measures.items()
        },
        "rows": {path.stem: read_rows(path) for path in sorted(evaluation.glob("*.parquet"))},
        "pictures": {path.stem: read_tensors(path) for path in sorted(evaluation.glob("*.safetensors"))},
    }


STABLE = {
    "gap_error_mm": ("gap", "gap_error_mm"),
    "direction_error_deg": ("route", "direction_error_deg"),
    "route_arrival_mm": ("route", "route_arrival_mm"),
    "route_closure_mm": ("route", "route_closure_mm"),
    "adjacency_accuracy": ("adjacency", "adjacency_accuracy"),
    "adjacency_rank": ("adjacency", "embedding_rank"),
    "position_error_mm": ("position", "position_error_mm"),
}
"""Figures that an evaluation once had beside its tasks' measures, null where the task was not trained."""


def read_figures(measures: dict[str, Any]) -> dict[str, Any]:
    """Those figures, found where they are now: among the measures of their tasks."""
    figures = {key: measures.get(task, {}).get(name, {}).get("value") for key, (task, name) in STABLE.items()}
    gap = measures.get("gap", {}).get("gap_error_mm", {})
    return figures | {"gap_chance_mm": gap.get("chance"), "gap_error_interval_mm": gap.get("interval")}


def read_probes(record: dict[str, Any], measures: dict[str, Any]) -> dict[str, Any]:
    """The judged figure on real views, under each probe, and chance; its skill beside it."""
    name = record["verdict"]["metric"]
    real = measures[record["verdict"]["task"]][name]
    asked = {"real": real} | {probe["card"]["name"]: probe["measured"] for probe in record["probes"]}
    shown = {
        probe: {name: one["value"], "chance": one["chance"] or 0.0, "skill": _skill(one)}
        for probe, one in asked.items()
    }
    return shown | {"chance": {name: real["chance"] or 0.0, "chance": real["chance"] or 0.0, "skill": 0.0}}


def _skill(measure: dict[str, Any]) -> float:
    value, chance = measure["value"], measure["chance"]
    if value is None or chance is None:
        return 0.0
    span = -chance if measure["better"] == "lower" else 1.0 - chance
    return (value - chance) / span if span else 0.0


def read_tuning(out: Path) -> dict[str, Any]:
    """A fine-tuning: weights of every seed, scores, and the rows behind them."""
    seeds = sorted(out.glob("seed_*"))
    return {
        "scores": read_json(out / "summary.json")["scores"],
        "seeds": {
            seed.name: {
                "taken": read_taken(seed),
                "log": read_log(seed),
                "weights": read_weights(seed),
                "rows": read_rows(seed / "cases.parquet"),
            }
            for seed in seeds
        },
    }


def read_taken(seed: Path) -> dict[str, int]:
    """How many weights of the pretraining were loaded, missing in it, and unexpected in it; none from scratch."""
    path = seed / "weights.json"
    return (
        {name: len(names) for name, names in read_json(path).items() if isinstance(names, list)}
        if path.exists()
        else {}
    )


def read_predictions(folder: Path) -> dict[str, Any]:
    """Label maps on the scans' own grids, or answers."""
    answers = read_json(folder / "predictions.json")["predictions"]
    maps = {path.name: array(np.asanyarray(nibabel.load(path).dataobj)) for path in sorted(folder.glob("*.nii.gz"))}
    return {"answers": answers, "maps": maps}


def read_weights(folder: Path) -> dict[str, Any]:
    """The last checkpoint's tensors by name."""
    last = max((folder / "checkpoints").glob("step_*"))
    return {"checkpoint": last.name, **read_tensors(last / "model.safetensors")}


def read_log(folder: Path) -> dict[str, Any]:
    """What was logged while training: the loss of every step, and every other measure as an array over the steps."""
    lines = [json.loads(line) for line in (folder / "observations.jsonl").read_text(encoding="utf-8").splitlines()]
    found: dict[str, list[float]] = {}
    for line in lines:
        for name, measure in line["measures"].items():
            value = measure["value"]
            found.setdefault(f"{line['phase']} {line['task']}.{name}", []).append(np.nan if value is None else value)
    losses = found.pop("train training.loss")
    return {"loss": losses} | {name: array(np.array(values)) for name, values in found.items() if name not in CLOCK}


def read_tensors(path: Path) -> dict[str, list[Any]]:
    """The tensors of a safetensors file by name."""
    return {name: array(tensor) for name, tensor in sorted(load_file(path).items())}


def read_rows(path: Path) -> dict[str, list[Any]]:
    """The columns of a Parquet file by name, in order."""
    table = pq.read_table(path)
    return {COLUMNS.get(name, name): array(table.column(name).to_numpy()) for name in table.column_names}


def read_json(path: Path) -> Any:
    """A JSON document."""
    return json.loads(path.read_text(encoding="utf-8"))


def array(values: NDArray) -> list[Any]:
    """An array as it is recorded."""
    if values.dtype.kind == "O":  # text
        content, kind, size = json.dumps(values.tolist()).encode(), "text", None
    else:
        content, kind = np.ascontiguousarray(values).tobytes(), values.dtype.name
        known = np.abs(values[np.isfinite(values)].astype(np.float64))
        size = float(f"{known.mean():.6g}") if known.size else None
    return [f"{kind} {'x'.join(map(str, values.shape))}", size, hashlib.sha256(content).hexdigest()[:16]]


def _measure(measure: dict[str, Any]) -> list[Any]:
    return [measure["value"], measure["unit"], measure["chance"], measure["better"]]
