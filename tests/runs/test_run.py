"""Opening a run: what it holds, which of its networks, which stores it reads, and what is said of what is no run."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from orienteer.cli import _note
from orienteer.config import load_yaml
from orienteer.errors import OrienteerWarning, RunError
from orienteer.finetune.weights import load_weights
from orienteer.records.run import RunRecord
from orienteer.runs.ask import look
from orienteer.runs.load import best_checkpoint
from orienteer.runs.pretrain import pretrain
from orienteer.runs.run import Run
from orienteer.store import Store
from orienteer.testing.phantom import phantom_store
from tests.finetune.cohort import untrained_run
from tests.runs.conftest import tiny


@pytest.fixture(scope="module")
def trained(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "run"
    pretrain(store, folder, settings=tiny("optimiser.steps=4", "evaluation.examples=0"), progress=False)
    return Run.open(folder)


def test_open__knows_record_settings_steps_and_evaluations(trained: Run, store: Path) -> None:
    data, opened = trained.record.data, Store.open(store)
    assert (data.spacing_mm, data.channels, data.view_voxels, data.simulated) == (3.0, 1, 16, False)
    assert data.scans == {split: len(opened.ids(split)) for split in ("test", "train", "val")}
    assert trained.record.tasks == ("gap", "adjacency", "route") and trained.record.steps == 4
    assert trained.settings == tiny("optimiser.steps=4", "evaluation.examples=0")
    assert trained.steps == (0, 2, 4)
    assert list(trained.evaluations) == ["val"] and len(trained.evaluations) == 1
    assert trained.evaluations["val"].split == "val" and trained.evaluations["val"].step in trained.steps
    with pytest.raises(KeyError):
        _ = trained.evaluations["test"]
    assert trained.learned_from(opened)


def test_open__needs_no_torch(trained: Run, store: Path) -> None:
    code = (
        "import sys; from orienteer.runs.run import Run; from orienteer.store import Store;"
        f"run = Run.open({str(trained.path)!r}); run.check_store(Store.open({str(store)!r})); run.evaluations;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_best__one_that_is_damaged_is_said_wherever_another_stands_in(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained.path, tmp_path / "run")
    run = Run.open(tmp_path / "run")
    best, newest = best_checkpoint(run.folder)[0].step, max(run.steps)
    other = next(step for step in run.steps if 0 < step != newest)
    stands_in = other if best == newest else newest
    run.backbone()  # nothing to say
    (run.folder.checkpoints / f"step_{best:08d}" / "model.safetensors").write_bytes(b"cut")
    with pytest.warns(OrienteerWarning, match=f"step_{best:08d}.*; step {stands_in} of .* is used"):
        run.backbone()
    with pytest.warns(OrienteerWarning, match=f"; step {stands_in} of "):
        load_weights(run.backbone(stands_in), run)
    _note(OrienteerWarning("it is so"), OrienteerWarning)
    assert capsys.readouterr().err == "note: it is so\n"


def test_record__is_written_as_it_was(trained: Run, tmp_path: Path) -> None:
    trained.record.write(tmp_path)
    assert (tmp_path / "run.json").read_bytes() == trained.folder.record_file.read_bytes()


def test_record__of_the_least_that_a_network_needs_is_enough(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"data": {"spacing_mm": 3.0, "channels": 1, "of_a_later_version": 1}}')
    assert RunRecord.read(tmp_path).data.channel_names == ()


def test_record__without_it_is_refused_and_says_how_to_make_it_anew(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"schema_version": 1, "data": {"channels": 1}}')
    with pytest.raises(RunError, match=r"too old: data\.spacing_mm: Field required") as caught:
        RunRecord.read(tmp_path)
    assert caught.value.cure.startswith("repeat it with this version: orienteer pretrain ... --config")


@pytest.mark.parametrize("step", [0, 2, 4, "best"])
def test_model__of_a_step(trained: Run, step: int) -> None:
    model, backbone = trained.model(step), trained.backbone(step)
    assert not model.training
    own = backbone.state_dict()
    assert all(torch.equal(value, own[name]) for name, value in model.backbone.state_dict().items() if name in own)
    if step in (0, 2):
        assert not torch.equal(backbone.pool[-2].weight, trained.backbone(4).pool[-2].weight)


def test_model__of_a_step_that_is_not_kept(trained: Run) -> None:
    with pytest.raises(RunError, match="step_00000003"):
        trained.model(3)


def test_model__weights_of_another_network_are_an_error(tmp_path: Path) -> None:
    path = untrained_run(tmp_path / "run")
    settings = load_yaml(path / "settings.yaml")
    settings["network"]["size"] = "small"
    (path / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    for network in (Run.open(path).model, Run.open(path).backbone):
        with pytest.raises(RunError, match="not those of the network"):
            network()


def test_check_store__spacing_and_channels(trained: Run, store: Path, tmp_path: Path) -> None:
    trained.check_store(Store.open(store))
    coarse = Store.open(phantom_store(tmp_path, people=4, spacing=4.0))
    with pytest.raises(RunError, match=r"run learned at 3 mm, the store .* is at 4 mm") as caught:
        trained.check_store(coarse)
    assert "--spacing 3" in caught.value.cure
    trained.check_store(coarse, any_spacing=True)
    for ask in (
        lambda: look(trained.path, coarse.path, coarse.ids()[0], [[30, 30, 30], [40, 40, 40]]),
        lambda: trained.locate(coarse.ids()[0], coarse.ids()[1], coarse, at=[(0.0, 0.0, 0.0)]),
    ):
        with pytest.raises(RunError, match="learned at 3 mm"):
            ask()
    two = Run.open(untrained_run(tmp_path / "two", channels=2))
    with pytest.raises(RunError, match="two reads 2 channels, the store holds 1 channel"):
        two.check_store(coarse, any_spacing=True)


def test_open__says_what_lies_there_instead(trained: Run, store: Path, tmp_path: Path) -> None:
    fine_tuning = tmp_path / "out"
    (fine_tuning / "seed_0").mkdir(parents=True)
    (fine_tuning / "seed_0" / "finetune.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "demo").mkdir()
    shutil.copytree(trained.path, tmp_path / "demo" / "run")
    (tmp_path / "empty").mkdir()
    for path, what, cure in (
        (tmp_path / "nowhere", "is not a run: nothing is there", "orienteer pretrain"),
        (tmp_path / "notes.txt", "is not a run: it is a file", "orienteer pretrain"),
        (store, "is a store, not a run", f"orienteer pretrain {store} RUN"),
        (fine_tuning, "is a fine-tuning, not a run", "the run it started from"),
        (tmp_path / "demo", r"is not a run: it holds no run\.json", f"give {tmp_path / 'demo' / 'run'}"),
        (
            trained.path / "checkpoints" / "step_00000004",
            f"is not a run: it lies in {trained.path}, which is a run",
            f"give {trained.path}",
        ),
        (tmp_path / "empty", r"is not a run: it holds no run\.json", "orienteer pretrain"),
    ):
        with pytest.raises(RunError, match=what) as caught:
            Run.open(path)
        assert cure in caught.value.cure


def test_open__a_seed_of_a_fine_tuning_is_told_apart(tmp_path: Path) -> None:
    """It has settings.yaml as a run has."""
    (tmp_path / "settings.yaml").write_text("kind: segment")
    (tmp_path / "finetune.json").write_text("{}")
    with pytest.raises(RunError, match="is one seed of a fine-tuning, not a run"):
        Run.open(tmp_path)


def test_evaluations__a_damaged_one_is_named(trained: Run, tmp_path: Path) -> None:
    shutil.copytree(trained.path, tmp_path / "run")
    file = tmp_path / "run" / "evaluations" / "val" / "evaluation.json"
    file.write_text(json.dumps(json.loads(file.read_text()))[:50])
    with pytest.raises(RunError, match=r"val/evaluation\.json is damaged"):
        _ = Run.open(tmp_path / "run").evaluations["val"]
