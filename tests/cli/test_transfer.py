"""``orienteer finetune``, ``predict`` and ``probe`` as a newcomer meets them, on phantoms."""

import json
import shutil
from pathlib import Path
from shlex import quote

import nibabel
import numpy as np
import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from orienteer.cli import app, commands, main  # noqa: F401
from orienteer.frozen import position
from tests.finetune.cohort import PAIR, QUICK, cohort, quick, untrained_run
from tests.scans.files import cut, patch


def run(*words: object, status: int = 0) -> str:
    result: Result = CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled store, and a pretraining run at its first checkpoint."""
    folder = tmp_path_factory.mktemp("ward")
    cohort(folder)
    untrained_run(folder / "run")
    (folder / "quick.yaml").write_text(yaml.safe_dump(quick(PAIR).model_dump(mode="json")))
    return folder


@pytest.fixture(scope="module")
def segmented(ward: Path) -> str:
    """What the command said; its folder is ``ward / "out"``."""
    return run(
        "finetune", "segment", ward / "store", ward / "out", "--from", ward / "run",
        "--labelled-scans", 2, "--seeds", 2,
        "--config", ward / "quick.yaml",
    )  # fmt: skip


def test_finetune__says_what_it_took_and_what_it_reached(segmented: str, ward: Path) -> None:
    summary = json.loads((ward / "out" / "summary.json").read_text())
    listed = json.loads((ward / "out" / "seed_1" / "weights.json").read_text())
    taken = f"seed 1: {len(listed['loaded'])} weights taken (step 7), {len(listed['missing'])} start afresh"
    told = " ".join(segmented.split())
    assert taken in told
    assert "scored on 2 test scans; pretrained, learned from 2 labelled scans" in told
    assert "HD95" in told and "Surface Dice" in told
    assert f"compared on the store's grid of {summary['spacing_mm']:g} mm" in told
    dice = summary["scores"]["dice"]
    for name, value in (*dice["items"].items(), ("mean of 2 seeds", dice["mean"]), ("seed 1", dice["seeds"][1])):
        (line,) = [line for line in segmented.splitlines() if name in line and "│" in line]
        assert f"{value:.3f}" in line
    assert told.endswith(f"next: orienteer predict {quote(str(ward / 'out'))} SCANS PREDICTIONS")


def test_finetune__resumes_and_never_overwrites(segmented: str, ward: Path, monkeypatch, capsys) -> None:
    words = [
        "finetune", "segment", ward / "store", ward / "out", "--from", ward / "run",
        "--labelled-scans", 2, "--seeds", 2,
        "--config", ward / "quick.yaml",
    ]  # fmt: skip
    assert "mean of 2 seeds" in run(*words, "--resume")
    monkeypatch.setattr("sys.argv", ["orienteer", *map(str, words)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"orienteer: {ward / 'out'} exists and is not empty"
    assert said[1].startswith("  fix: add --resume")


@pytest.mark.parametrize(("kind", "column"), [("classify", "ward"), ("regress", "age")])
def test_finetune__answers_from_scratch(kind: str, column: str, ward: Path, tmp_path: Path) -> None:
    sets = [word for value in QUICK for word in ("--set", value)]
    said = run("finetune", kind, ward / "store", tmp_path / "out", "--from", "scratch", "--column", column, *sets)
    assert "scored on 2 test scans; from scratch, learned from 4 labelled scans" in said
    assert {"classify": "ward: Accuracy", "regress": "age: Absolute error"}[kind] in said
    predicted = run("predict", tmp_path / "out", ward / "scans" / "person_03.nii", tmp_path / "answers")
    assert "1 predicted, 0 left out" in predicted
    record = json.loads((tmp_path / "answers" / "predictions.json").read_text())
    assert record["column"] == column
    answer = record["predictions"]["person_03"]
    if kind == "classify":
        assert answer["value"] in ("north", "south") and 0.5 <= answer["probability"] <= 1
    else:  # years, not standard deviations
        assert 20 < answer["value"] < 80


def test_predict__delivers_all_but_the_corrupt_one(segmented: str, ward: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    for name in ("person_03", "person_07"):
        (tmp_path / "new" / f"{name}.nii").write_bytes((ward / "scans" / f"{name}.nii").read_bytes())
    (tmp_path / "new" / "torn.nii").write_bytes((ward / "scans" / "person_01.nii").read_bytes())
    cut(tmp_path / "new" / "torn.nii", 0.4)
    patch(tmp_path / "new" / "person_07.nii", 252, "<2h", 0, 0)
    said = run("predict", ward / "out", tmp_path / "new", tmp_path / "said", status=1)
    assert "left out: torn: " in said and "[truncated]" in said and "  fix: " in said
    assert "look at: person_07: neither sform nor qform is set [orientation-missing]" in said
    assert f"2 predicted, 1 left out; see {tmp_path / 'said' / 'predictions.json'}" in said
    for name in ("person_03", "person_07"):
        assert nibabel.load(tmp_path / "said" / f"{name}.nii.gz").shape == (28, 32, 30)
    record = json.loads((tmp_path / "said" / "predictions.json").read_text())
    assert record["classes"] == {"1": "big", "2": "pair"} and record["networks"] == 2


def test_predict__ends_with_what_is_unlike_training(segmented: str, ward: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    for name in ("person_03", "person_07"):  # test subjects
        (tmp_path / "new" / f"{name}.nii").write_bytes((ward / "scans" / f"{name}.nii").read_bytes())
    said = run("predict", ward / "out", tmp_path / "new", tmp_path / "said")
    assert "unlike training" not in said and "note:" not in said
    image = nibabel.load(ward / "scans" / "person_03.nii")
    small = nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine @ np.diag([0.1, 0.1, 0.1, 1]))
    nibabel.save(small, tmp_path / "new" / "small.nii")
    nibabel.save(nibabel.Nifti1Image(image.get_fdata() * 1e4, image.affine), tmp_path / "new" / "unit.nii")
    said = run("predict", ward / "out", tmp_path / "new", tmp_path / "said")
    assert "2 predicted, 2 predicted before and kept, 0 left out; see " in said
    *_, first, second, full, fix = said.splitlines()
    assert first.startswith("unlike training: small: the body is ") and "[unfamiliar-extent]" in first
    assert second.startswith("unlike training: unit: its intensity window spans ") and fix.startswith("  fix: ")
    assert full == f"in full: {tmp_path / 'said' / 'predictions.json'}" and "also [unfamiliar-" in first
    warned = json.loads((tmp_path / "said" / "predictions.json").read_text())["warnings"]
    assert list(warned) == ["small", "unit"] and warned["unit"][0]["code"] == "unfamiliar-intensities"
    # A network of before says that it cannot say.
    shutil.copytree(ward / "out", tmp_path / "out")
    (tmp_path / "out" / "seed_1" / "trained_on.json").unlink()
    said = run("predict", tmp_path / "out", tmp_path / "new", tmp_path / "said", "--overwrite")
    assert "unlike training" not in said and said.splitlines()[-1].startswith(f"note: {tmp_path / 'out'} does not say")


def test_probe__prints_every_read_out(ward: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(position, "VIEWS_TRAIN", 8)
    monkeypatch.setattr(position, "VIEWS_TEST", 4)
    said = run(
        "probe", ward / "run", ward / "store", "--labelled-scans", 1, "--config", ward / "quick.yaml", "--name", "here"
    )
    for words in ("position of a view, linear", "left or right, nearest neighbours", "Dice"):
        assert words in said
    means = json.loads((ward / "run" / "probes" / "here" / "probe.json").read_text())["means"]
    (line,) = [line for line in said.splitlines() if "position of a view, linear" in line]
    assert f"{means['position_linear_mm']:.1f} mm" in line
