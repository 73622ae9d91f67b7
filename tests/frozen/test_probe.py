"""Frozen features read out, end to end on a tiny run; and that only runs that fit a store are read."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from orienteer.errors import ConfigError, RunError
from orienteer.finetune.score import ScoreRow, mean_by_metric
from orienteer.frozen import position
from orienteer.frozen import probe as probing
from orienteer.frozen.features import FrozenFeatures, random_features
from orienteer.frozen.probe import probe
from orienteer.networks.settings import NetworkSettings
from orienteer.records.rows import read_rows
from orienteer.runs.run import Run
from orienteer.store import Store
from orienteer.testing.phantom import phantom_store
from tests.finetune.cohort import PAIR, quick, untrained_run

PLACES = {"position_linear_mm", "position_knn_mm", "side_linear", "side_knn"}
STRUCTURES = {"dice", "hd95_mm", "surface_dice", "structure_linear", "structure_knn"}


@pytest.fixture(autouse=True)
def _few_views(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(position, "VIEWS_TRAIN", 12)
    monkeypatch.setattr(position, "VIEWS_TEST", 6)


def test_probe__with_labels(run: Path, folder: Path, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    result = probe(run, folder / "store", settings=quick(PAIR, "labelled_scans=2"))
    told = [line.split(": ")[-1] for line in capsys.readouterr().err.splitlines()]
    assert told == ["done", "reading 2 structures out of 2 labelled scans", "read", "fitted", "scored", "done"]
    assert set(result.means) == PLACES | STRUCTURES
    table = read_rows(result.folder / "cases.parquet")
    assert list(table) == ["case", "person", "item", "metric", "value"]
    assert set(table["case"]) == set(store.ids("test"))
    assert set(table["item"][np.isin(table["metric"], list(STRUCTURES))]) == {"big", "pair"}
    assert set(table["item"][np.isin(table["metric"], list(PLACES))]) == {""}
    record = json.loads((result.folder / "probe.json").read_text())
    assert record == {"v": 1, "split": "test", "labelled_scans": 2, "means": result.means}
    assert 0 < result.means["position_linear_mm"] < 200
    assert all(0 <= result.means[metric] <= 1 for metric in ("side_knn", "dice", "structure_knn"))


def test_probe__of_the_same_run_says_the_same_and_never_overwrites(run: Path, folder: Path) -> None:
    settings = quick(PAIR, "labelled_scans=1")
    first = probe(run, folder / "store", settings=settings, name="twice", progress=False)
    with pytest.raises(RunError, match="twice exists"):
        probe(run, folder / "store", settings=settings, name="twice", progress=False)
    again = probe(run, folder / "store", settings=settings, name="twice", overwrite=True, progress=False)
    assert again.means == first.means


def test_probe__without_labels_still_reads_places(tmp_path: Path) -> None:
    store = phantom_store(tmp_path, people=4, labels=False)
    run = untrained_run(tmp_path / "run")
    result = probe(run, store, split="val", progress=False)
    assert set(result.means) == PLACES
    assert json.loads((run / "probes" / "val" / "probe.json").read_text())["labelled_scans"] == 0


def test_probe__structures_that_are_not_there_are_an_error_not_a_gap(run: Path, folder: Path) -> None:
    with pytest.raises(ConfigError, match="no training scan holds nose"):
        probe(run, folder / "store", settings=quick("structures={nose: [88]}"), name="nose", progress=False)
    assert not (run / "probes" / "nose").exists()


@pytest.mark.parametrize("name", ["vit", "swin"])
def test_probe__an_encoder_of_one_size_names_the_size(
    name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything else is done."""
    run = untrained_run(tmp_path / "run", network={"name": name})
    monkeypatch.setattr(probing, "probe_position", lambda *given: pytest.fail("too late"))
    with pytest.raises(ConfigError, match="views of 16 voxels, and its encoder cannot take patches of 24") as caught:
        probe(run, folder / "store", settings=quick(PAIR, "labelled_scans=1", "patches.size=24"), progress=False)
    assert caught.value.cure == "add --set patches.size=16"
    learned = Run.open(run)
    probing.check_patch(FrozenFeatures(learned.backbone(), view=16), learned, 16, torch.device("cpu"))


def test_features__are_the_runs_and_are_not_trained(run: Path) -> None:
    features = FrozenFeatures(Run.open(run).backbone(), view=16)
    assert not any(parameter.requires_grad for parameter in features.parameters())
    assert not features.backbone.training
    images = torch.randn(2, 1, 16, 16, 16)
    maps = features.backbone.encoder(images)
    decoded = features.backbone.decoder(maps)
    dense = features.dense(images)
    assert dense.shape == (2, sum(m.shape[1] for m in maps) + decoded.shape[1], 16, 16, 16)
    assert torch.equal(dense[:, : maps[0].shape[1]], maps[0])
    views = features.views(images)
    assert views.shape == (2, sum(m.shape[1] for m in maps) + features.backbone.embedding)
    assert torch.allclose(views[:, : maps[0].shape[1]], maps[0].mean(dim=(2, 3, 4)))


def test_features__of_a_run_without_decoder_are_the_encoders(tmp_path: Path) -> None:
    features = FrozenFeatures(Run.open(untrained_run(tmp_path / "run", dense=False)).backbone(), view=16)
    images = torch.randn(1, 1, 16, 16, 16)
    assert features.dense(images).shape[1] == sum(m.shape[1] for m in features.backbone.encoder(images))


def test_features__random_ones_derive_from_the_seed_alone() -> None:
    network = NetworkSettings(size="tiny")
    images = torch.randn(1, 1, 16, 16, 16)
    first, again, other = (random_features(network, channels=1, view=16, seed=seed).views(images) for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_means__over_items_then_cases_leaving_out_what_is_not_defined() -> None:
    rows = [
        ScoreRow("a", "p", "x", "dice", 0.2), ScoreRow("a", "p", "y", "dice", 0.4),
        ScoreRow("b", "q", "x", "dice", 0.9), ScoreRow("b", "q", "y", "dice", float("nan")),
        ScoreRow("a", "p", "", "side", float("nan")),
    ]  # fmt: skip
    assert mean_by_metric(rows) == {"dice": pytest.approx(0.6), "side": None}
