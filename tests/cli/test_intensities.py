"""A convention of intensity from the scans to another program: what the network saw is what all of them see."""

import json
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from typer.testing import CliRunner

from orienteer.cli import app, commands
from orienteer.errors import OrienteerError
from orienteer.finetune.ensemble import Ensemble
from orienteer.runs.run import Run
from orienteer.runs.transforms import PrepareScan
from orienteer.store import Store
from tests.finetune.cohort import PAIR, cohort, quick
from tests.runs.conftest import tiny

assert commands

ASKED = ("zscore", "0,2000")
PREPARE = """
from orienteer.runs.transforms import PrepareScan

def preprocess(path):
    prepare = PrepareScan(spacing=3.0, intensities={asked!r})
    return prepare.parameters.convention.to_network(prepare(path))
"""


def orienteer(*words: object, status: int = 0) -> str:
    done = CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
    assert done.exit_code == status, done.output
    return done.output


@pytest.fixture(scope="module", params=ASKED)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort, its store by percentiles, and one of another convention with a run and its exported encoder."""
    folder = tmp_path_factory.mktemp("convention")
    cohort(folder, people=4)
    told = orienteer(
        "ingest", folder / "scans", folder / "other", f"--intensities={request.param}", "--spacing", 3, "--keep-names",
        "--labels", folder / "labels", "--table", folder / "table.tsv",
    )  # fmt: skip
    assert f"intensities: {request.param}: a network sees" in told
    (folder / "tiny.yaml").write_text(
        yaml.safe_dump(tiny("network={size: tiny}", "optimiser.steps=2").model_dump(mode="json"))
    )
    orienteer("pretrain", folder / "other", folder / "run", "--config", folder / "tiny.yaml")
    orienteer("export", folder / "run", folder / "encoder", "--to", "torch", "--licence", "CC0", "--anyway")
    return folder


def test_run__a_raw_scan_has_the_features_of_the_store(folder: Path) -> None:
    run, store = Run.open(folder / "run"), Store.open(folder / "other")
    name = store.ids("val")[0]
    raw = folder / "scans" / f"{name}.nii"
    np.testing.assert_array_equal(run.features(raw).array, run.features(name, store).array)
    np.testing.assert_array_equal(PrepareScan.like(store)(raw).numpy(), run.read(raw).array)
    assert not np.array_equal(run.read(raw).array, PrepareScan(spacing=3.0)(raw).numpy())
    orienteer("report", folder / "run")
    assert run.record.data.parameters.convention.words in unescape((folder / "run" / "report.html").read_text())


def test_run__its_network_is_shown_the_units_of_its_convention(folder: Path) -> None:
    run = Run.open(folder / "run")
    encoder, scan = run.backbone().encoder, run.read(folder / "scans" / "person_01.nii").array[:, :16, :16, :16]
    shown = run.record.data.parameters.convention.to_network(scan)
    with torch.no_grad():
        wrapped, bare = encoder(torch.from_numpy(scan)[None]), encoder.network(torch.from_numpy(shown)[None])
        untold = encoder.network(torch.from_numpy(scan)[None])
    assert all(torch.equal(one, other) for one, other in zip(wrapped, bare, strict=True))
    assert not torch.equal(wrapped[-1], untold[-1])


def test_run__a_store_of_another_convention_is_refused_by_all(folder: Path) -> None:
    run, store, asked = folder / "run", folder / "store", Run.open(folder / "run").record.data.parameters.convention
    for words in (
        ("evaluate", run, store),
        ("probe", run, store),
        ("finetune", "segment", store, folder / "refused", "--from", run),
    ):
        with pytest.raises(OrienteerError, match="learned from intensities") as caught:
            orienteer(*words)
        assert f"--intensities={asked}" in caught.value.cure
    with pytest.raises(OrienteerError, match="is not the one"):
        orienteer("pretrain", store, run, "--resume")


def test_finetune__predicts_a_raw_scan_as_it_scored_the_stored_one(folder: Path) -> None:
    (folder / "quick.yaml").write_text(yaml.safe_dump(quick(PAIR).model_dump(mode="json")))
    orienteer(
        "finetune", "segment", folder / "other", folder / "tuned", "--from", folder / "run",
        "--labelled-scans", 2, "--seeds", 1, "--config", folder / "quick.yaml",
    )  # fmt: skip
    ensemble, store = Ensemble.load(folder / "tuned"), Store.open(folder / "other")
    assert ensemble.parameters == store.manifest.parameters
    assert ensemble.networks[0][0].encoder.convention == store.manifest.convention
    orienteer("predict", folder / "tuned", folder / "scans", folder / "predicted")


def test_export__says_what_the_network_saw_and_tests_it(folder: Path) -> None:
    encoder, run = folder / "encoder", Run.open(folder / "run")
    said = json.loads((encoder / "contract.json").read_text())["intensities"]
    convention = run.record.data.parameters.convention
    assert said["rule"] == convention.name and convention.words in (encoder / "README.md").read_text()
    if convention.name == "zscore":
        assert (said["deviations"], said["low"], said["high"], said["padding"]) == (2.5, -2.5, 2.5, -2.5)
        assert said["limits"] == [-3.75, 3.75] and said["percentiles"] is None
    else:
        assert (said["range"], said["low"], said["high"], said["padding"]) == ([0.0, 2000.0], 0.0, 1.0, 0.0)
        assert said["limits"] == [0.0, 1.0]
    test = load_file(encoder / "selftest.safetensors")
    read = run.read(encoder / "phantom.nii.gz").array
    np.testing.assert_allclose(convention.to_network(read), test["prepared"].numpy(), rtol=0, atol=1e-5)
    assert len(np.unique(test["view"])) > 100  # not all of it is cut off
    low = [(n - 16) // 2 for n in read.shape[1:]]
    view = torch.from_numpy(read[(slice(None), *(slice(n, n + 16) for n in low))].copy())[None]
    with torch.no_grad():
        for number, each in enumerate(run.backbone().encoder(view)):
            torch.testing.assert_close(test[f"map_{number}"], each[0], rtol=0, atol=2e-5)


def test_verify__judges_a_preparation_by_the_convention(folder: Path, tmp_path: Path) -> None:
    asked = Run.open(folder / "run").record.data.parameters.convention
    (tmp_path / "mine.py").write_text(PREPARE.format(asked=str(asked)))
    assert "files: as exported" in orienteer("verify", folder / "encoder", "--with", tmp_path / "mine.py")
    (tmp_path / "mine.py").write_text(PREPARE.format(asked="window"))
    told = orienteer("verify", folder / "encoder", "--with", tmp_path / "mine.py", status=1)
    assert asked.words in " ".join(told.split())
