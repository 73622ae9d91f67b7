"""Every mistake that can be found before training is found before anything is written."""

import json
import shutil
from pathlib import Path

import pytest

from orienteer.errors import ConfigError, OrienteerError, RunError
from orienteer.finetune.agree import fits_run, seeds_agree
from orienteer.finetune.folder import FinetuneFolder
from orienteer.finetune.goal import Goal
from orienteer.finetune.labelled import Answers
from orienteer.finetune.run import finetune
from orienteer.finetune.work import Finetuning
from orienteer.runs.run import Run
from orienteer.store import Store
from orienteer.testing.phantom import phantom
from tests.finetune.cohort import PAIR, ingested, quick, untrained_run

MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "overlap": (("structures={a: [1, 2], b: [2]}",), "label value 2 is in structures a and b"),
    "background": (("structures={a: [0]}",), "0 is background"),
    "too large a value": (("structures={a: [40000]}",), "values end at 32767"),
    "absent class": (("structures={a: [1], b: [99]}",), "no training scan holds b"),
    "too many labels": (("labelled_scans=5",), "5 labelled training scans are asked for"),
    "no column": (("kind=regress",), "regress needs a column"),
    "absent column": (("kind=regress", "column=height"), "no train scan"),
    "not a number": (("kind=regress", "column=ward"), "is not a number"),
    "one category": (("kind=classify", "column=ward", "labelled_scans=1"), "all 1 training scans are ward"),
    "category unseen in training": (("kind=classify", "column=age"), "which no training scan is"),
    "patches that cannot be divided": (("patches.size=9",), "9"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_finetune__mistakes_are_found_before_anything_is_written(name: str, folder: Path, tmp_path: Path) -> None:
    assignments, said = MISTAKES[name]
    with pytest.raises(OrienteerError, match=said) as caught:
        finetune(folder / "store", tmp_path / "out", source=None, settings=quick(*assignments), progress=False)
    assert caught.value.cure
    assert not (tmp_path / "out").exists()


def test_finetune__a_run_of_another_encoder_or_none_is_found_first(folder: Path, tmp_path: Path) -> None:
    two = untrained_run(tmp_path / "two", channels=2)
    bare = untrained_run(tmp_path / "bare", checkpoint=False)
    for source, said in (
        (two, "two reads 2 channels"),
        (bare, "no checkpoint"),
        (tmp_path / "no", "is not a run: nothing is there"),
    ):
        with pytest.raises(RunError, match=said):
            finetune(folder / "store", tmp_path / "out", source=source, settings=quick(PAIR), progress=False)
    assert not (tmp_path / "out").exists()


def answered(folder: Path, wards: dict[str, str]) -> Path:
    """Small scans, one a person and a ward each; the name says the split."""
    scans = {name: phantom(number, (18, 20, 19))[0].array[0] for number, name in enumerate(wards)}
    rows = {n: {"person": n, "split": n.split("_")[0], "ward": ward} for n, ward in wards.items()}
    return ingested(folder, scans, None, rows)


@pytest.mark.parametrize("who", ["test_a", "val_a"])
def test_finetune__an_unknown_answer_of_anybody_scored_is_found_first(who: str, tmp_path: Path) -> None:
    wards = {"train_a": "north", "train_b": "south", "val_a": "north", "test_a": "south", who: "east"}
    store = answered(tmp_path, wards)
    settings = quick("kind=classify", "column=ward")
    with pytest.raises(ConfigError, match=f"{who} is 'east', which no training scan is"):
        finetune(store, tmp_path / "out", source=None, settings=settings, progress=False)
    assert not (tmp_path / "out").exists()


def test_finetune__categories_are_counted_in_subjects_by_split(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wards = {f"train_{n}": "north" for n in range(4)} | {"train_4": "nroth", "train_5": "south", "val_0": "north"}
    store = answered(tmp_path, {**wards, "val_1": "n/a", "test_0": "south", "test_1": "north", "site-b_0": "east"})
    settings = quick("kind=classify", "column=ward", "optimiser.steps=1")
    finetune(store, tmp_path / "out", source=None, settings=settings)
    told = capsys.readouterr().err
    assert "ward of subjects in train: north 4, nroth 1, south 1\n" in told and "val: north 1\n" in told
    counts = {"train": {"north": 4, "nroth": 1, "south": 1}, "val": {"north": 1}, "test": {"north": 1, "south": 1}}
    assert FinetuneFolder(tmp_path / "out" / "seed_0").record().categories == {**counts, "site-b": {"east": 1}}


@pytest.mark.parametrize(("ward", "near"), [("NORTH", "north"), ("nroth", "north"), ("sou th", "south")])
def test_finetune__a_category_only_of_others_is_refused_with_the_nearest(tmp_path: Path, ward: str, near: str) -> None:
    store = answered(tmp_path, {"train_a": "north", "train_b": "south", "val_a": ward, "test_a": "south"})
    with pytest.raises(ConfigError, match=f"val_a is '{ward}', which no training scan is; '{near}' is close") as caught:
        finetune(store, tmp_path / "out", source=None, settings=quick("kind=classify", "column=ward"), progress=False)
    assert "correct the table" in caught.value.cure and "north, south" in caught.value.cure


def test_finetune__seeds_that_would_learn_different_things_are_found_first(tmp_path: Path) -> None:
    """Each draws a scan of its own: labels 0 to 6 in some, 0 and 1 in others."""
    shape, names = (18, 20, 19), [f"{split}_{n}" for split in ("train", "test", "val") for n in range(6)]
    scans, labels = {}, {}
    for number, name in enumerate(names):
        volume, organs = phantom(number, shape)
        scans[name], labels[name] = volume.array[0], organs if number % 2 else (organs == 1).astype(organs.dtype)
    wards = ("north", "south", "east")
    rows = {n: {"person": n, "split": n[:-2], "ward": wards[k % 3]} for k, n in enumerate(names)}
    store = ingested(tmp_path, scans, labels, rows)
    every = {"source": None, "seeds": range(6), "progress": False}
    with pytest.raises(ConfigError, match=r"seeds 0 and \d would learn different structures: structure 1") as caught:
        finetune(store, tmp_path / "out", settings=quick("labelled_scans=1"), **every)
    assert "name them in `structures`" in caught.value.cure and "--labelled-scans" in caught.value.cure
    assert not (tmp_path / "out").exists()
    with pytest.raises(ConfigError, match=r"seeds 0 and \d would learn different categories: ") as caught:
        seeds_agree([work(Goal(("x",), None, Answers(names)), n) for n, names in enumerate((wards, wards[:2]))])
    assert caught.value.cure == "use more --labelled-scans"


def work(goal: Goal, seed: int) -> Finetuning:
    settings = quick(f"seed={seed}")
    return Finetuning(settings, None, goal, None, settings.devices)  # type: ignore[arg-type]


def test_finetune__refuses_a_folder_in_the_way(folder: Path, undisturbed: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for out, said, cure in (
        (undisturbed, "exists and is not empty", "add --resume"),
        (tmp_path / "file", "is a file", "choose another folder"),
        (tmp_path, "holds nothing of `orienteer finetune`", "choose another folder"),
    ):
        with pytest.raises(RunError, match=said) as caught:
            finetune(folder / "store", out, source=None, settings=quick(PAIR), progress=False)
        assert caught.value.cure.startswith(cure)
    # What somebody else keeps there does not become a fine-tuning by resuming it.
    with pytest.raises(RunError, match="holds nothing of"):
        finetune(folder / "store", tmp_path, source=None, settings=quick(PAIR), resume=True, progress=False)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "mine")]


def test_finetune__the_network_is_the_runs_and_asking_for_another_is_refused(
    folder: Path, run: Path, tmp_path: Path
) -> None:
    own = quick(PAIR, "network={name: resunet, size: tiny, dense_stride: 1}")
    assert fits_run(Run.open(run), Store.open(folder / "store"), own) == ""
    for asked, said in (("size=base", r"network\.size is 'base', but .* 'tiny'"), ("name=unet", "name is 'unet'")):
        with pytest.raises(ConfigError, match=said) as caught:
            finetune(
                folder / "store", tmp_path / "out", source=run, settings=quick(PAIR, f"network.{asked}"), progress=False
            )
        assert "--from scratch" in caught.value.cure
    assert not (tmp_path / "out").exists()


def test_finetune__another_spacing_than_the_runs_is_said(folder: Path, run: Path, tmp_path: Path) -> None:
    far = tmp_path / "far"
    shutil.copytree(run, far)
    record = json.loads((far / "run.json").read_text())
    record["data"]["spacing_mm"] = 1.0
    (far / "run.json").write_text(json.dumps(record))
    note = fits_run(Run.open(far), Store.open(folder / "store"), quick(PAIR))
    assert "the run learned at 1 mm, the store is at 3 mm" in note and "--spacing 1" in note
