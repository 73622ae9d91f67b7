"""An atlas carries labels where it can be trusted, says nothing elsewhere, and is kept whole beside its network."""

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner

from orienteer.cli import app, commands  # noqa: F401
from orienteer.errors import ConfigError, RunError, ScanError
from orienteer.finetune import atlas as atlases
from orienteer.finetune import run as running
from orienteer.finetune.atlas import SCANS, Atlas
from orienteer.finetune.ensemble import Ensemble
from orienteer.finetune.folder import FinetuneFolder
from orienteer.finetune.goal import Goal, goal_of
from orienteer.finetune.originals import Originals
from orienteer.finetune.run import finetune
from orienteer.finetune.score import score_scans
from orienteer.finetune.settings import AtlasSettings
from orienteer.finetune.structures import IGNORE
from orienteer.geometry import Volume
from orienteer.records.evaluation import EvaluationRecord
from orienteer.records.rows import read_rows
from orienteer.records.verdict import Verdict, VerdictRule
from orienteer.runs.ready import digest_of
from orienteer.runs.run import Run
from orienteer.runs.scan import stored
from orienteer.store import Store
from tests.finetune.cohort import PAIR, cohort, quick, untrained_run, weights

ON = "atlas={finer: false}"


@pytest.fixture(scope="module")
def goal(store: Store) -> Goal:
    return goal_of(store, quick(PAIR, "labelled_scans=2"))


@pytest.fixture(scope="module")
def atlas(run: Path, store: Store, goal: Goal) -> Atlas:
    return Atlas.of(Run.open(run), store, goal, AtlasSettings(scans=1, finer=False))


@pytest.fixture(scope="module")
def out(folder: Path, run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fine-tuning with an atlas, of two labelled scans."""
    out = tmp_path_factory.mktemp("atlas") / "out"
    settings = quick(PAIR, "labelled_scans=2", ON)
    finetune(folder / "store", out, source=run, settings=settings, progress=False)
    return out


def even(volume: Volume, classes: int = 3) -> torch.Tensor:
    """A network that knows nothing."""
    return torch.full((classes, *volume.shape), 1 / classes)


def test_weigh__gives_a_labelled_scan_its_own_labels(atlas: Atlas, store: Store, goal: Goal) -> None:
    volume, own = stored(store, goal.scans[0]), atlas.classes[0].array[0]
    likely = even(volume)
    replace(atlas, how=AtlasSettings(blur_mm=0)).weigh(likely, volume)
    torch.testing.assert_close(likely.sum(0), torch.ones(volume.shape))
    found = likely.argmax(0).numpy()
    for structure in (1, 2):
        overlap = 2 * ((found == structure) & (own == structure)).sum()
        assert overlap / ((found == structure).sum() + (own == structure).sum()) > 0.9


def test_weigh__a_sure_network_is_not_overruled(atlas: Atlas, store: Store, goal: Goal) -> None:
    """One part in a thousand, to the power of the weight, is the most that the labels may say against it."""
    volume, own = stored(store, goal.scans[0]), torch.from_numpy(atlas.classes[0].array[0]).long()
    little = atlases.LEAST**atlas.how.weight / 2
    sure = torch.full((3, *volume.shape), little)
    sure.scatter_(0, ((own + 1) % 3)[None], 1 - 2 * little)
    before = sure.argmax(0)
    atlas.weigh(sure, volume)
    assert torch.equal(sure.argmax(0), before)


def test_weigh__says_nothing_where_the_labelled_scan_ends_or_was_not_looked_at(
    atlas: Atlas, store: Store, goal: Goal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atlases, "both_ways", lambda *_: (lambda world: world, lambda world: world))
    volume = stored(store, goal.scans[0])
    far = volume.affine.copy()
    far[0, 3] -= 3.0 * 12
    wider = Volume(np.pad(volume.array, ((0, 0), (12, 0), (0, 0), (0, 0)), constant_values=-1.0), far)
    likely = even(wider)
    atlas.weigh(likely, wider)
    torch.testing.assert_close(likely[:, :12], even(wider)[:, :12])
    assert likely[0, 13].min() > 0.9, "the body begins later"
    unseen = replace(atlas, classes=(Volume(np.full_like(atlas.classes[0].array, IGNORE), volume.affine),))
    likely = even(volume)
    unseen.weigh(likely, volume)
    torch.testing.assert_close(likely, even(volume))


def test_weigh__leaves_a_scan_too_thin_to_be_compared(atlas: Atlas, store: Store, goal: Goal) -> None:
    volume = stored(store, goal.scans[0])
    thin = Volume(volume.array[:, :2], volume.affine)
    likely = even(thin)
    atlas.weigh(likely, thin, name="thin")
    assert torch.equal(likely, even(thin)) and atlas.without == {"thin"}
    atlas.without.clear()


def test_of__names_a_labelled_scan_that_is_too_thin(
    run: Path, store: Store, goal: Goal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def thin(store: Store, scan: str) -> Volume:
        volume = stored(store, scan)
        return Volume(volume.array[:, :2], volume.affine)

    monkeypatch.setattr(atlases, "stored", thin)
    with pytest.raises(ScanError, match=f"^{goal.scans[0]} is too thin") as caught:
        Atlas.of(Run.open(run), store, goal, AtlasSettings())
    assert "atlas" in caught.value.cure


def test_weigh__does_not_erase_what_no_labelled_scan_shows(atlas: Atlas, store: Store, goal: Goal) -> None:
    """A structure that only another scan has may lie anywhere in the background of this one."""
    volume = stored(store, goal.scans[0])
    likely = even(volume, classes=4)
    likely[3] += 0.05
    likely /= likely.sum(0)
    replace(atlas, how=AtlasSettings(blur_mm=0)).weigh(likely, volume)
    background = torch.from_numpy(atlas.classes[0].array[0] == 0)
    found = likely.argmax(0)
    assert (found[background] == 3).float().mean() > 0.95 and (found[~background] == 3).float().mean() < 0.1


def test_weigh__remembers_scans_within_bounds(
    atlas: Atlas, store: Store, goal: Goal, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = stored(store, goal.scans[0])
    fresh = replace(atlas, _known={})
    first, again = even(volume), even(volume)
    fresh.weigh(first, volume, name="one")
    monkeypatch.setattr(Atlas, "_carried", None)
    fresh.weigh(again, volume, name="one")
    assert torch.equal(first, again) and set(fresh._known) == {"one"}
    monkeypatch.undo()
    monkeypatch.setattr(atlases, "KEPT", 1000)
    fresh.weigh(even(volume), volume, name="two")
    assert set(fresh._known) == {"one"}


def test_read__is_what_was_written(atlas: Atlas, store: Store, goal: Goal, tmp_path: Path) -> None:
    atlas.write(tmp_path / "atlas")
    again = Atlas.read(tmp_path / "atlas", atlas.how)
    volume = stored(store, store.ids("test")[0])
    first, second = even(volume), even(volume)
    atlas.weigh(first, volume)
    again.weigh(second, volume)
    assert torch.equal(first, second) and not torch.equal(first, even(volume))
    told = (tmp_path / "atlas" / "atlas.json").read_text()
    assert not any(scan in told for scan in store.ids()), "no scan is named"
    (tmp_path / "atlas" / SCANS).write_bytes(b"torn")
    with pytest.raises(RunError, match=r"atlas is damaged"):
        Atlas.read(tmp_path / "atlas", atlas.how)


def test_atlas__of_the_scans_own_files_looks_at_half_the_spacing(
    run: Path, store: Store, goal: Goal, tmp_path: Path
) -> None:
    fine = Atlas.of(Run.open(run), store, goal, AtlasSettings(scans=1, blur_mm=0))
    assert fine.finer[0] is not None and fine.finer[0].spacing.tolist() == [1.5] * 3
    assert [len(each.levels) for each in fine.scans] == [2]
    volume, scan = stored(store, goal.scans[0]), goal.scans[0]
    fine.write(tmp_path / "atlas")
    found = []
    for each in (fine, Atlas.read(tmp_path / "atlas", fine.how)):
        likely = even(volume)
        each.weigh(likely, volume, partial(Originals(store).finer, scan))
        found.append(likely)
    assert torch.equal(*found)
    own, classes = fine.classes[0].array[0], found[0].argmax(0).numpy()
    for structure in (1, 2):
        assert 2 * ((classes == structure) & (own == structure)).sum() > 0.9 * (
            (classes == structure).sum() + (own == structure).sum()
        )


def test_atlas__is_given_the_same_finer_scan_by_scoring_and_by_predict(
    out: Path, folder: Path, store: Store, goal: Goal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = list[Volume]()
    monkeypatch.setattr(Atlas, "weigh", lambda self, likely, volume, finer, **_: given.append(finer()))
    ensemble = Ensemble.load(out)
    (network, _), (atlas,) = ensemble.networks[0], ensemble.atlases
    score_scans(network, store, ["person_03"], goal, ensemble.settings, torch.device("cpu"), atlas=atlas)
    told = CliRunner().invoke(app, ["predict", str(out), str(folder / "scans" / "person_03.nii"), str(tmp_path / "p")])
    assert told.exit_code == 0, told.output
    scored, predicted = given
    assert scored.spacing.tolist() == [1.5] * 3
    np.testing.assert_array_equal(scored.array, predicted.array)


@pytest.mark.parametrize(("version", "told"), [(1, "of an earlier Orienteer"), (3, "by a newer Orienteer")])
def test_atlas__of_another_version_is_refused(version: int, told: str, out: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(out / "seed_0" / "atlas", tmp_path / "atlas"))
    record = json.loads((folder / "atlas.json").read_text())
    (folder / "atlas.json").write_text(json.dumps(record | {"v": version}))
    with pytest.raises(RunError, match=told):
        Atlas.read(folder, AtlasSettings())


def test_finetune__says_where_the_scans_own_files_are_gone(
    folder: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folder / "store", tmp_path / "store")
    (tmp_path / "store" / "private.json").unlink()
    settings = quick(PAIR, "labelled_scans=1", "validate_scans=false", "optimiser.steps=1", "atlas={}")
    finetune(tmp_path / "store", tmp_path / "out", source=run, settings=settings)
    told = " ".join(capsys.readouterr().err.split())
    assert "image and labels on the store's grid only" in told
    assert "the atlas has seen 2 scans of test on the store's grid only" in told
    atlas = Ensemble.load(tmp_path / "out").atlases[0]
    assert atlas is not None and atlas.finer == (None,)


def test_finetune__says_where_only_the_label_file_has_changed(
    folder: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Originals, "classes", lambda *_: None)
    settings = quick(PAIR, "labelled_scans=1", "validate_scans=false", "optimiser.steps=1", "atlas={}")
    finetune(folder / "store", tmp_path / "out", source=run, settings=settings)
    told = " ".join(capsys.readouterr().err.split())
    assert ": labels on the store's grid only" in told


def test_finetune__scores_and_predicts_with_its_atlas(out: Path, folder: Path, run: Path, tmp_path: Path) -> None:
    finetune(folder / "store", tmp_path / "plain", source=run, settings=quick(PAIR, "labelled_scans=2"), progress=False)
    with_, without = Ensemble.load(out), Ensemble.load(tmp_path / "plain")
    assert with_.atlases[0] is not None and len(with_.atlases[0].scans) == 2 and without.atlases == (None,)
    assert with_.digest != without.digest
    changed = FinetuneFolder(shutil.copytree(out, tmp_path / "changed") / "seed_0").settings_file
    changed.write_text(changed.read_text().replace("weight: 2.0", "weight: 0.5"))
    assert Ensemble.load(tmp_path / "changed").digest not in (with_.digest, without.digest)
    keen = replace(with_, atlases=(replace(with_.atlases[0], how=AtlasSettings()),))
    for shape, code in (((3, 40, 40), ["too-small"]), ((40, 40, 40), []), ((260, 260, 260), ["too-large"])):
        scan = cast("Any", SimpleNamespace(grid=SimpleNamespace(shape=shape)))
        upright = Volume(np.empty((1, *shape), dtype=np.bool_), np.diag([3.0, 3.0, 3.0, 1.0]))
        assert [each.code for each in keen.about_atlas(scan, upright)] == code
        assert without.about_atlas(scan, upright) == ()
    plain, scored = (json.loads((each / "summary.json").read_text())["scores"] for each in (tmp_path / "plain", out))
    assert scored["dice"]["mean"] > plain["dice"]["mean"] + 0.2, "four steps teach nothing, and the atlas knows"
    predictions = tmp_path / "predictions"
    told = CliRunner().invoke(app, ["predict", str(out), str(folder / "scans" / "person_03.nii"), str(predictions)])
    assert told.exit_code == 0, told.output
    record = json.loads((predictions / "predictions.json").read_text())
    assert record["predictions"] == {"person_03": "person_03.nii.gz"}


def test_cli__switches_the_atlas_on_and_keeps_what_a_file_says_of_it(folder: Path, run: Path, tmp_path: Path) -> None:
    for name, how in (("plain", None), ("own", {"weight": 0.5})):
        values = quick(PAIR, "labelled_scans=1", "validate_scans=false").model_dump(mode="json")
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(values | {"atlas": how}))
        command = ["finetune", "segment", folder / "store", tmp_path / name, "--from", run, "--atlas", "--config"]
        told = CliRunner().invoke(app, [*map(str, command), str(tmp_path / f"{name}.yaml"), "--set", "atlas.scans=2"])
        assert told.exit_code == 0, told.output
    weights = [FinetuneFolder(tmp_path / name / "seed_0").settings().atlas for name in ("plain", "own")]
    assert weights == [AtlasSettings(scans=2), AtlasSettings(weight=0.5, scans=2)]


def test_finetune__goes_on_with_the_atlas_it_made(
    out: Path, folder: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off once the atlas was made; and an atlas that was not finished is made anew."""
    settings: dict[str, Any] = {"settings": quick(PAIR, "labelled_scans=2", ON), "progress": False}

    def broken(*_: object, **__: object) -> None:
        raise OSError("the power went")

    monkeypatch.setattr(running, "train", broken)
    with pytest.raises(OSError, match="power"):
        finetune(folder / "store", tmp_path / "out", source=run, **settings)
    monkeypatch.undo()
    made = FinetuneFolder(tmp_path / "out" / "seed_0").atlas
    (made / "atlas.json").unlink()
    (made / f".{SCANS}.4f2a.part").write_bytes(b"half of a scan")
    finetune(folder / "store", tmp_path / "out", source=run, resume=True, **settings)
    for name in ("atlas.json", "model.safetensors", SCANS):
        assert (made / name).read_bytes() == (out / "seed_0" / "atlas" / name).read_bytes()
    assert {path.name for path in made.iterdir()} == {"atlas.json", "model.safetensors", SCANS}
    scores = [(each / "seed_0" / "cases.parquet").read_bytes() for each in (out, tmp_path / "out")]
    assert scores[0] == scores[1]
    shutil.rmtree(made)
    with pytest.raises(RunError, match="atlas is damaged"):
        Ensemble.load(tmp_path / "out")


def test_finetune__offers_an_atlas_where_few_scans_are_labelled_and_one_can_be_had(
    folder: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unjudged = untrained_run(tmp_path / "unjudged")
    for name, source, asked, told in (
        ("few", unjudged, "labelled_scans=1", True),
        ("all", unjudged, "labelled_scans=4", False),
        ("stuck", run, "labelled_scans=1", False),
        ("with", run, ON, False),
        ("scratch", None, "labelled_scans=1", False),
        ("gap", untrained_run(tmp_path / "gap-run", dense=False), "labelled_scans=1", False),
    ):
        settings = quick(PAIR, asked, "validate_scans=false", "optimiser.steps=1")
        finetune(folder / "store", tmp_path / name, source=source, settings=settings)
        assert ("few labelled scans: --atlas" in capsys.readouterr().err) == told, name


def test_resume__an_atlas_of_another_run_is_refused(folder: Path, run: Path, tmp_path: Path) -> None:
    """Fresh weights tell nothing of the run that the atlas is of."""
    settings = quick(
        PAIR, ON, "labelled_scans=1", "transfer.encoder=false", "validate_scans=false", "optimiser.steps=1"
    )
    again: dict[str, Any] = {"settings": settings, "progress": False}
    finetune(folder / "store", tmp_path / "out", source=run, **again)
    assert FinetuneFolder(tmp_path / "out" / "seed_0").record().atlas_sha256 == digest_of(Run.open(run).model())
    other = untrained_run(tmp_path / "other", seed=6)
    for seeds in ((0,), (0, 1), (1,)):
        with pytest.raises(RunError, match="seed_0 was started with the atlas of another run"):
            finetune(folder / "store", tmp_path / "out", source=other, seeds=seeds, resume=True, **again)
    assert not (tmp_path / "out" / "seed_1").exists()


@pytest.mark.parametrize("part", ["finer", "classes"])
def test_finetune__what_the_atlas_could_not_see_is_recorded(
    part: str, folder: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of scored scans, whose labels the atlas does not see, only the image can be missing."""
    monkeypatch.setattr(Originals, part, lambda *given: None)
    settings = quick(PAIR, "atlas={}", "labelled_scans=1", "validate_scans=false", "optimiser.steps=1")
    finetune(folder / "store", tmp_path / "out", source=run, settings=settings, progress=False)
    record = FinetuneFolder(tmp_path / "out" / "seed_0").record()
    scored = set(read_rows(tmp_path / "out" / "seed_0" / "cases.parquet")["case"])
    assert record.atlas_coarse == 1 + (len(scored) if part == "finer" else 0) and record.atlas_without == 0


def test_finetune__an_atlas_of_a_run_that_did_not_learn_is_doubted_and_not_offered(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stuck = untrained_run(tmp_path / "stuck")
    said = "It has learned hardly anything."
    EvaluationRecord(
        name="val", split="val", seen="none", step=7, samples=8, scans=2, subjects=2, tasks=(),
        verdict=Verdict(label="stuck", sentence=said, evidence=(), rule=VerdictRule()),
    ).write(stuck / "evaluations" / "val")  # fmt: skip
    for name, asked, told in (("with", ON, True), ("few", "labelled_scans=1", False)):
        settings = quick(PAIR, asked, "validate_scans=false", "optimiser.steps=1")
        finetune(folder / "store", tmp_path / name, source=stuck, settings=settings)
        err = " ".join(capsys.readouterr().err.split())
        assert (f"stuck is stuck: {said} What it finds means little." in err) == told, name
        assert "few labelled scans: --atlas" not in err, name


def test_finetune__fresh_weights_may_have_an_atlas_of_a_run(folder: Path, run: Path, tmp_path: Path) -> None:
    """The weights are those of scratch, the prior is the run's."""
    few = ("labelled_scans=1", "validate_scans=false")
    finetune(folder / "store", tmp_path / "scratch", source=None, settings=quick(PAIR, *few), progress=False)
    settings = quick(PAIR, *few, ON, "transfer.encoder=false")
    found = finetune(folder / "store", tmp_path / "fresh", source=run, settings=settings, progress=False)
    assert weights(tmp_path / "fresh" / "seed_0") == weights(tmp_path / "scratch" / "seed_0")
    assert (
        found.summary.atlas
        and not found.summary.pretrained
        and FinetuneFolder(tmp_path / "fresh" / "seed_0").record().loaded is None
    )
    assert Ensemble.load(tmp_path / "fresh").atlases[0] is not None
    finetune(folder / "store", tmp_path / "fresh", source=run, settings=settings, resume=True, progress=False)
    for more in ("transfer={encoder: false, decoder: true}", "transfer={encoder: false, freeze: encoder}"):
        with pytest.raises(ConfigError, match="takes nothing of the run"):
            quick(more)


def test_finetune__an_atlas_that_cannot_be_made_is_refused_at_once(folder: Path, run: Path, tmp_path: Path) -> None:
    store, out = folder / "store", tmp_path / "out"
    with pytest.raises(ConfigError, match="needs a pretraining run") as caught:
        finetune(store, out, source=None, settings=quick(PAIR, ON), progress=False)
    assert "--from RUN" in caught.value.cure
    gap = untrained_run(tmp_path / "gap", dense=False)
    with pytest.raises(ConfigError, match=r"no task of .*gap does"):
        finetune(store, out, source=gap, settings=quick(PAIR, ON), progress=False)
    with pytest.raises(ConfigError, match="not for `regress`"):
        finetune(store, out, source=run, settings=quick("kind=regress", "column=age", ON), progress=False)
    fine = cohort(tmp_path / "fine", people=4)
    record = json.loads((run / "run.json").read_text())
    shutil.copytree(run, tmp_path / "coarse")
    record["data"]["spacing_mm"] = 4.0
    (tmp_path / "coarse" / "run.json").write_text(json.dumps(record))
    with pytest.raises(ConfigError, match=r"learned at 4 mm, the store is at 3 mm"):
        finetune(fine, out, source=tmp_path / "coarse", settings=quick(PAIR, ON), progress=False)
    assert not out.exists()
