"""Fine-tuning from end to end on phantoms: what it records, what it takes, and that it learns."""

import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.numpy import load_file

from orienteer.errors import RunError
from orienteer.finetune.ensemble import Ensemble
from orienteer.finetune.folder import FinetuneFolder
from orienteer.finetune.run import finetune, finetune_one
from orienteer.hardware import has_bfloat16
from orienteer.records.rows import read_rows
from orienteer.runs.run import Run
from orienteer.store import Store
from tests.finetune.cohort import LAST, PAIR, history, quick, untrained_run, weights

ON_CPU = "bf16-mixed" if has_bfloat16() else "32-true"
"""The precision that a run takes by itself."""

COLUMNS = ["case", "person", "item", "metric", "value"]


def test_finetune__records(undisturbed: Path, store: Store) -> None:
    summary = json.loads((undisturbed / "summary.json").read_text())
    assert {key: summary[key] for key in ("kind", "split", "labelled_scans", "cases", "pretrained")} == {
        "kind": "segment", "split": "test", "labelled_scans": 2, "cases": 2, "pretrained": True,
    }  # fmt: skip
    assert list(summary["scores"]) == ["dice", "hd95_mm", "surface_dice"]
    tables = [read_rows(undisturbed / f"seed_{seed}" / "cases.parquet") for seed in (0, 1)]
    for table in tables:
        assert list(table) == COLUMNS
        keys = list(zip(table["case"], table["item"], table["metric"], strict=True))
        assert sorted(keys) == sorted(itertools.product(store.ids("test"), ("big", "pair"), summary["scores"]))
        assert [store.entry(case).person for case in table["case"]] == table["person"].tolist()
    dice = [table["value"][table["metric"] == "dice"] for table in tables]
    assert summary["scores"]["dice"]["mean"] == pytest.approx(np.mean(dice))
    assert summary["scores"]["dice"]["seeds"] == pytest.approx([values.mean() for values in dice])
    record = FinetuneFolder(undisturbed / "seed_0").record()
    assert record.split == "test" and record.steps == 4 and record.spacing_mm == 3.0
    assert record.seconds and record.peak_memory_mb and record.seconds > 0 and record.peak_memory_mb > 100
    assert len(record.goal.scans) == 2 and set(record.goal.scans) <= set(store.ids("train"))


def test_finetune__lists_the_weights_it_took(undisturbed: Path, run: Path) -> None:
    listed = json.loads((undisturbed / "seed_0" / "weights.json").read_text())
    names = set(load_file(undisturbed / "seed_0" / LAST))
    assert set(listed["loaded"]) | set(listed["missing"]) == names
    assert {name.split(".")[0] for name in listed["loaded"]} == {"encoder"}
    assert listed["step"] == 2
    settings = yaml.safe_load((undisturbed / "seed_0" / "settings.yaml").read_text())
    assert settings["network"]["size"] == "tiny" and settings["network"]["dense_stride"] == 1


def test_finetune__seeds_are_networks_of_their_own(undisturbed: Path) -> None:
    assert weights(undisturbed / "seed_0") != weights(undisturbed / "seed_1")
    assert [yaml.safe_load((undisturbed / f"seed_{n}" / "settings.yaml").read_text())["seed"] for n in (0, 1)] == [0, 1]


def test_finetune__validation_people_are_watched(undisturbed: Path) -> None:
    watched = [r for r in history(undisturbed / "seed_0") if r["phase"] == "validation"]
    assert [r["step"] for r in watched] == [0, 2, 4]
    assert all(0 <= r["measures"]["dice"]["value"] <= 1 for r in watched)


def test_finetune__ensembles_its_seeds(undisturbed: Path) -> None:
    both, one = Ensemble.load(undisturbed), Ensemble.load(undisturbed / "seed_1")
    assert len(both.networks) == 2 and len(one.networks) == 1 and both.digest != one.digest
    assert both.goal.structures is not None and both.goal.structures.names == ("big", "pair")
    assert not any(network.training for network, _ in both.networks)


def test_finetune__settings_are_as_asked_and_the_record_tells_what_was_resolved(undisturbed: Path) -> None:
    seed = FinetuneFolder(undisturbed / "seed_0")
    assert seed.settings().devices == quick().devices and seed.settings().devices.precision == "auto"
    environment = seed.record().environment
    assert (environment.devices, environment.precision, environment.threads) == (1, ON_CPU, 1) and environment.device


@pytest.mark.parametrize(("trained", "said"), [("bf16-mixed", ON_CPU), ("32-true", "32-true")])
def test_ensemble__needs_no_gpu_that_it_was_trained_on(
    trained: str, said: str, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders from before hold resolved devices."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    shutil.copytree(undisturbed, tmp_path / "out")
    for file in (tmp_path / "out").glob("seed_*/settings.yaml"):
        gpus = {"accelerator": "gpu", "devices": 4, "precision": trained, "threads": 64, "workers": 8}
        file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "devices": gpus}))
    loaded = Ensemble.load(tmp_path / "out")
    assert loaded.device.type == "cpu" and len(loaded.networks) == 2
    assert (loaded.settings.devices.devices, loaded.settings.devices.precision) == (1, said)


def test_ensemble__needs_a_finished_fine_tuning(run: Path, tmp_path: Path) -> None:
    for folder, told in ((run, "is a run, not a fine-tuning"), (tmp_path, "is not a fine-tuning")):
        with pytest.raises(RunError, match=told):
            Ensemble.load(folder)


def test_finetune__a_frozen_encoder_stays(folder: Path, run: Path, tmp_path: Path) -> None:
    settings = quick(
        PAIR, "labelled_scans=1", "transfer.freeze=encoder", "transfer.decoder=true", "validate_scans=false"
    )
    one = finetune_one(
        Store.open(folder / "store"), tmp_path / "a", source=Run.open(run), settings=settings, split="test"
    )
    taken = json.loads((one.path / "weights.json").read_text())["loaded"]
    source = load_file(run / "checkpoints" / "step_00000002" / "model.safetensors")
    after = load_file(one.path / LAST)
    same = {name for name in taken if np.array_equal(after[name], source[f"backbone.{name}"])}
    assert {name for name in taken if name.startswith("encoder.")} <= same
    assert any(name.startswith("decoder.") and name not in same for name in taken)


@pytest.mark.parametrize("kind", [PAIR, "kind=regress,column=age"])
def test_finetune__a_frozen_encoders_statistics_stay(kind: str, folder: Path, tmp_path: Path) -> None:
    """Batch normalisation moves them in training mode, whether or not a gradient flows."""
    source = untrained_run(tmp_path / "run", network={"name": "tests.networks.own:Normed"})
    more = (kind,) if kind == PAIR else kind.split(",")
    settings = quick(*more, "labelled_scans=2", "transfer.freeze=encoder", "validate_scans=false")
    one = finetune_one(
        Store.open(folder / "store"), tmp_path / "out", source=Run.open(source), settings=settings, split="test"
    )
    before = load_file(source / "checkpoints" / "step_00000007" / "model.safetensors")
    after = load_file(one.path / LAST)
    names = [name for name in after if name.startswith("encoder.")]
    assert "encoder.network.body.1.running_mean" in names
    assert all(np.array_equal(after[name], before[f"backbone.{name}"]) for name in names)


@pytest.mark.parametrize("tasks", ["kind=classify,column=ward", "kind=regress,column=age"])
def test_finetune__one_answer_per_scan(tasks: str, folder: Path, run: Path, tmp_path: Path) -> None:
    settings = quick(*tasks.split(","))
    result = finetune(folder / "store", tmp_path / "out", source=run, settings=settings, progress=False)
    metric = {"classify": "correct", "regress": "absolute_error"}[settings.kind]
    table = read_rows(tmp_path / "out" / "seed_0" / "cases.parquet")
    assert list(table) == COLUMNS and set(table["metric"]) == {metric} and set(table["item"]) == {""}
    assert result.summary.scores[metric].mean == pytest.approx(table["value"].mean())
    assert result.summary.labelled_scans == 4 and result.summary.cases == 2
    if settings.kind == "regress":  # in years: a network that says next to nothing is off by years, not by deviations
        assert table["value"].mean() > 2
    else:
        assert set(table["value"]) <= {0.0, 1.0}


def test_finetune__from_scratch_takes_nothing(folder: Path, tmp_path: Path) -> None:
    result = finetune(
        folder / "store", tmp_path / "out", source=None, settings=quick(PAIR, "labelled_scans=1"), progress=False
    )
    assert result.summary.pretrained is False
    assert not (tmp_path / "out" / "seed_0" / "weights.json").exists()
    assert FinetuneFolder(tmp_path / "out" / "seed_0").record().loaded is None


def test_finetune__learns(folder: Path, tmp_path: Path) -> None:
    """A bright organ in sixty small steps: far from perfect, and far from nothing."""
    optimiser = "optimiser={steps: 60, batch: 2, learning_rate: 0.01}"
    settings = quick("structures={big: [1]}", optimiser, "checkpoint.every=60", "validate_scans=false")
    result = finetune(folder / "store", tmp_path / "out", source=None, settings=settings, progress=False)
    assert result.summary.scores["dice"].mean > 0.35
