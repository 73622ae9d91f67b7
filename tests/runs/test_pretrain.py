"""A whole run: what it writes, what it refuses."""

import contextlib
import io
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from shlex import quote

import numpy as np
import pytest
from typer.testing import CliRunner

from orienteer.cli import app, commands  # noqa: F401
from orienteer.errors import ConfigError, RunError, Stopped, StoreError
from orienteer.evaluation import assess
from orienteer.frozen.probe import probe
from orienteer.records.evaluation import EvaluationRecord
from orienteer.records.log import read_log
from orienteer.records.rows import read_rows
from orienteer.report import report
from orienteer.runs.evaluate import evaluate
from orienteer.runs.folder import RunFolder
from orienteer.runs.pretrain import PretrainResult, _require_one_store, pretrain
from orienteer.runs.run import Run
from orienteer.sampling.variation import Variation
from orienteer.signals import Interruptible
from orienteer.store import Store
from orienteer.store.manifest_file import write_manifest
from orienteer.testing.phantom import phantom, phantom_store, store_of
from orienteer.training.keeper import Keeper
from tests.runs.conftest import tiny

STABLE = {
    "gap_error_mm", "gap_error_mm_chance", "direction_error_deg", "route_arrival_mm", "route_closure_mm",
    "adjacency_accuracy", "probes", "verdict", "steps", "seconds", "data_wait_fraction",
}  # fmt: skip


@pytest.fixture(scope="module")
def finished(store: Path, tmp_path_factory: pytest.TempPathFactory) -> PretrainResult:
    return pretrain(store, tmp_path_factory.mktemp("runs") / "run", settings=tiny(), progress=False)


def test_pretrain__varied_on_the_device_learns_from_the_same_views(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without noise, whose numbers are the device's own, the losses are equal to rounding, which training amplifies."""
    losses, varied = {}, []
    vary = Variation.__call__
    monkeypatch.setattr(Variation, "__call__", lambda self, plain: varied.append(len(plain)) or vary(self, plain))
    for where in ("false", "true"):
        asked = f"views.appearance={{noise: 0, on_device: {where}}}"
        pretrain(store, tmp_path / where, settings=tiny(asked, "checkpoint.log_every=1"), progress=False)
        lines = read_log(tmp_path / where / "observations.jsonl")
        losses[where] = [line["measures"]["loss"]["value"] for line in lines if line["task"] == "training"]
        assert bool(varied) == (where == "true")
    assert losses["true"][0] == pytest.approx(losses["false"][0], rel=1e-4)
    assert len(losses["false"]) > 2 and losses["true"] == pytest.approx(losses["false"], rel=0.03)
    with pytest.raises(RunError, match="on_device"):
        again = tiny("views.appearance={noise: 0, on_device: true}", "checkpoint.log_every=1")
        pretrain(store, tmp_path / "false", settings=again, resume=True, progress=False)


def test_pretrain__summary_has_the_stable_keys(finished: PretrainResult) -> None:
    summary = json.loads((finished.run / "summary.json").read_text())
    assert summary.keys() >= STABLE
    assert summary["steps"] == 6
    assert 0 <= summary["data_wait_fraction"] <= 1
    assert summary["gap_error_mm_chance"] > 10
    assert set(summary["probes"]) == {"constant", "shuffled", "border", "interior"}
    assert summary["verdict"] in {"learning", "stuck", "cheating"}


def test_pretrain__logs_training_and_validation_in_units(finished: PretrainResult) -> None:
    records = list(read_log(finished.run / "observations.jsonl"))
    validated = [(r["step"], r["task"]) for r in records if r["phase"] == "validation"]
    assert validated == [(step, task) for step in (0, 2, 4, 6) for task in ("gap", "adjacency", "route")]
    trained = {r["step"] for r in records if r["phase"] == "train" and r["task"] == "gap"}
    assert trained == {1, 2, 3, 4, 5, 6}
    gap = next(r for r in records if r["task"] == "gap")
    assert gap["measures"]["gap_error_mm"]["unit"] == "mm"
    assert gap["measures"]["gap_error_mm"]["chance"] > 0


def test_pretrain__keeps_the_last_checkpoints_and_the_best(finished: PretrainResult) -> None:
    kept = sorted(path.name for path in (finished.run / "checkpoints").iterdir())
    best = f"step_{finished.summary['best_step']:08d}"
    assert kept == sorted({"step_00000004", "step_00000006", best})


def test_pretrain__evaluates_validation_people_only(finished: PretrainResult, store: Path) -> None:
    rows = read_rows(finished.run / "evaluations" / "val" / "gap.parquet")
    assert set(Store.open(store).column("split", [str(scan) for scan in rows["scan"]])) == {"val"}


def test_pretrain__validates_early_and_often_at_first(store: Path, tmp_path: Path) -> None:
    """After 25 and 50 steps too, each with a verdict so far, which goes when the run has ended."""
    said = io.StringIO()
    settings = tiny(
        "optimiser={steps: 60, batch: 2}",
        "checkpoint={every: 60, log_every: 30}",
        "tasks={gap: {}}",
        "devices.precision=32-true",
    )
    with contextlib.redirect_stderr(said):
        pretrain(store, tmp_path / "run", settings=settings)
    steps = [r["step"] for r in read_log(tmp_path / "run" / "observations.jsonl") if r["phase"] == "validation"]
    assert steps == [0, 25, 50, 60]
    told = " ".join(said.getvalue().split())
    assert told.count("so far: ") == 3 and "(provisional)" in told
    assert "3 views of 16 voxels (48 mm) a scan, 2 scans a step; tasks: gap" in told
    assert "float32 on 1 CPU thread 60 steps" in told
    assert [path.name for path in (tmp_path / "run" / "evaluations").iterdir()] == ["val"]


def test_pretrain__a_run_that_was_stopped_has_a_verdict_so_far(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Keeper.settle

    def stop(keeper: Keeper, step: int) -> None:
        honest(keeper, step)
        if step == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Keeper, "settle", stop)
    with pytest.raises(Stopped), Interruptible():
        pretrain(store, tmp_path / "run", settings=tiny(), progress=False)
    record = EvaluationRecord.read(tmp_path / "run" / "evaluations" / "so-far")
    assert record.step == 4
    page = report(tmp_path / "run").read_text(encoding="utf-8")
    assert "as of step 4" in page and 'id="next"' not in page, "it still trains"
    assert "orienteer pretrain STORE run --resume" in page
    monkeypatch.undo()
    pretrain(store, tmp_path / "run", resume=True, progress=False)
    assert [path.name for path in (tmp_path / "run" / "evaluations").iterdir()] == ["val"]
    page = report(tmp_path / "run").read_text(encoding="utf-8")
    assert "What next" in page and str(tmp_path) not in page


def test_pretrain__by_itself_takes_what_is_proposed(store: Path, tmp_path: Path) -> None:
    given = ["network.size=tiny", "optimiser.steps=2", "evaluation.per_scan=1", "evaluation.final_per_scan=1"]
    words = ["pretrain", str(store), str(tmp_path / "run"), *(word for each in given for word in ("--set", each))]
    done = CliRunner().invoke(app, [*words, "--set", "devices.workers=0"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    settings = Run.open(tmp_path / "run").settings
    assert (settings.views.size, settings.optimiser.batch, settings.network.size) == (16, 8, "tiny")
    assert "proposed: views of 16 voxels: 48 mm" in done.output and "the small network" not in done.output
    assert done.output.count("orienteer pretrain") == 1 and "orienteer report" in done.output, "what to do next"


@pytest.mark.parametrize("beside", [["--resume"], ["--config", "some.yaml"]])
def test_pretrain__a_budget_is_for_a_new_run_that_is_proposed(beside: list[str], store: Path, tmp_path: Path) -> None:
    (tmp_path / "some.yaml").write_text("seed: 1\n")
    words = [str(tmp_path / word) if word.endswith("yaml") else word for word in beside]
    with pytest.raises(ConfigError, match="--budget beside"):
        CliRunner().invoke(
            app, ["pretrain", str(store), str(tmp_path / "run"), "--budget", "10min", *words], catch_exceptions=False
        )


def test_pretrain__writes_no_path_of_the_machine(finished: PretrainResult) -> None:
    for file in ("run.json", "settings.yaml", "summary.json", "observations.jsonl"):
        assert str(finished.run.parent) not in (finished.run / file).read_text()


def test_pretrain__refuses_a_folder_that_is_in_use(store: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(RunError, match="exists and is not empty, and holds nothing of `orienteer") as error:
            pretrain(store, tmp_path, settings=tiny(), resume=resume, progress=False)
        assert "--resume" not in error.value.cure
    with pytest.raises(RunError, match=r"notes\.txt is a file"):
        pretrain(store, tmp_path / "notes.txt", settings=tiny(), progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_pretrain__a_run_in_the_way_can_be_resumed(finished: PretrainResult, store: Path) -> None:
    with pytest.raises(RunError, match=r"exists and is not empty — add --resume"):
        pretrain(store, finished.run, settings=tiny(), progress=False)


def test_pretrain__mistakes_leave_no_folder_behind(store: Path, tmp_path: Path) -> None:
    for settings, error in (
        (tiny("views.size=200"), ConfigError),
        (tiny("network.name=nonsense"), ConfigError),
        (tiny("tasks={nonsense: {}}"), ConfigError),
        (tiny("tasks={gap: {lenght_mm: 3}}"), ConfigError),
        (tiny("optimiser.batch=3", "devices.devices=2"), ConfigError),
    ):
        with pytest.raises(error):
            pretrain(store, tmp_path / "run", settings=settings, progress=False)
        assert not (tmp_path / "run").exists()
    with pytest.raises(StoreError):
        pretrain(tmp_path / "nowhere", tmp_path / "run", settings=tiny(), progress=False)


def test_evaluate__is_the_same_again_and_never_overwrites(finished: PretrainResult, store: Path) -> None:
    first = evaluate(finished.run, store, split="test", progress=False)
    with pytest.raises(RunError, match="--overwrite"):
        evaluate(finished.run, store, split="test", progress=False)
    second = evaluate(finished.run, store, split="test", overwrite=True, progress=False)
    assert first.record == second.record
    assert json.loads((first.folder / "evaluation.json").read_text())["split"] == "test"


def test_evaluate__knows_the_store_it_learned_from(finished: PretrainResult, store: Path, tmp_path: Path) -> None:
    others = phantom_store(tmp_path, people=4, seed=9)
    for shown, split, seen in ((store, "train", "all"), (store, "test", "none"), (others, "test", "unknown")):
        found = evaluate(finished.run, shown, split=split, name=f"seen-{seen}", progress=False)
        assert found.record.seen == seen
    assert finished.summary["seen"] == "none"


def test_evaluate__names_scans_unlike_those_of_training(finished: PretrainResult, store: Path, tmp_path: Path) -> None:
    assert evaluate(finished.run, store, split="test", name="like", progress=False).record.unfamiliar == {}
    volume, _ = phantom(20)
    bright = (volume.array[0].max() - volume.array[0]).astype(np.int16)
    large = bright.repeat(2, 0).repeat(2, 1).repeat(2, 2)  # odd in two ways, so all is told in full somewhere
    odd = store_of(tmp_path, {"plain": volume.array[0], "turned": large})
    said = CliRunner().invoke(app, ["evaluate", str(finished.run), str(odd), "--split", "all", "--name", "odd"])
    *_, line, full, fix, _, following = said.output.splitlines()
    assert following == f"next: orienteer report {quote(str(finished.run))}"
    assert line.startswith("unlike training: turned: ") and "[unfamiliar-intensities]" in line and "fix:" in fix
    assert full.startswith("in full: ") and full.endswith("evaluation.json")
    found = Run.open(finished.run).evaluations["odd"].unfamiliar
    assert found is not None and list(found) == ["turned"]
    (finished.run / "trained_on.json").rename(tmp_path / "kept.json")
    told = evaluate(finished.run, odd, split=None, name="blind", progress=False)
    (tmp_path / "kept.json").rename(finished.run / "trained_on.json")
    assert told.record.unfamiliar is None


def test_evaluate__shifts_are_printed_written_and_on_the_page(
    finished: PretrainResult, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assess, "PER_SCAN", 3)
    figures = tmp_path / "figures.json"
    words = ["evaluate", str(finished.run), str(store), "--split", "train", "--shifts"]
    said = CliRunner().invoke(app, [*words, "--json", str(figures)])
    assert said.exit_code == 0, said.output
    inverted = json.loads(figures.read_text())["shifts"]["inverted"]
    assert inverted["withstood"] in said.output.split("contrast inverted")[1].splitlines()[0]
    assert inverted["measured"]["chance"] == inverted["as_is"]["chance"] > 0
    page = report(finished.run, tmp_path / "page.html").read_text()
    assert "How far can it be trusted elsewhere?" in page and "The same subjects (train-shifts: " in page
    assert said.output.endswith(f"next: orienteer report {quote(str(finished.run))}\n")
    again = CliRunner().invoke(app, [*words, "--overwrite", "--json", str(tmp_path / "again.json")])
    assert json.loads((tmp_path / "again.json").read_text())["shifts"] == json.loads(figures.read_text())["shifts"]
    assert again.exit_code == 0


def test_evaluate__unknown_split_names_the_ones_there_are(finished: PretrainResult, store: Path) -> None:
    with pytest.raises(StoreError, match=r"'nobody'.*train.*--split all"):
        evaluate(finished.run, store, split="nobody", progress=False)


@pytest.mark.parametrize("name", ["../checkpoints", "..", "a/b", "a\\b"])
def test_evaluate__a_name_leads_nowhere_else(name: str, finished: PretrainResult, store: Path) -> None:
    before = sorted(finished.run.rglob("*"))
    with pytest.raises(RunError, match="is a path, not a name"):
        evaluate(finished.run, store, split="val", name=name, progress=False)
    with pytest.raises(RunError, match="is a path, not a name"):
        probe(finished.run, store, split="val", name=name, progress=False)
    assert sorted(finished.run.rglob("*")) == before


def test_evaluate__refuses_what_is_no_run(store: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"run\.json"):
        evaluate(tmp_path, store, progress=False)


def test_pretrain__one_scan_too_small_for_the_views_never_stops_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor does it stop an evaluation, which takes ``val`` where there is no ``test``."""
    store = phantom_store(tmp_path, people=7)
    manifest = Store.open(store).manifest
    small = next(entry for entry in manifest.scans if entry.split == "train")
    scans = [
        entry.model_copy(update={"shape": (9, *entry.shape[1:])}) if entry.id == small.id else entry
        for entry in manifest.scans
        if entry.split != "test"
    ]
    write_manifest(store, manifest.model_copy(update={"scans": tuple(scans)}))
    settings = tiny("optimiser.steps=2")
    done = pretrain(store, tmp_path / "run", settings=settings)
    said = capsys.readouterr().err
    assert f"left out of training: scan {small.id} is 9x" in said and "--min-extent 48" in said
    record = Run.open(done.run).record
    assert record.left_out == (small.id,) and sum(record.data.scans.values()) == len(Store.open(store).scans) - 1
    again = evaluate(done.run, store)
    assert "no scans in split test, so val is measured" in capsys.readouterr().err
    assert again.record.split == "val" and again.record.tasks == done.evaluation.record.tasks


def test_pretrain__the_untrained_model_is_never_the_best(store: Path, tmp_path: Path) -> None:
    """It is measured before the first step, however well it does, and has no checkpoint."""
    spoiled = tiny("optimiser.learning_rate=0.05", "tasks={gap: {}}")
    best = pretrain(store, tmp_path / "run", settings=spoiled, progress=False).summary["best_step"]
    figures = {
        record["step"]: record["measures"]["gap_error_mm"]["value"]
        for record in read_log(tmp_path / "run" / "observations.jsonl")
        if record["task"] == "gap" and record["phase"] == "validation"
    }
    assert best == min((step for step in figures if step), key=figures.__getitem__)


def test_pretrain__another_version_on_a_node_is_named(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_older(work: Callable[[], tuple[str, str]]) -> tuple[str, str]:
        return "0.0.9", work()[1]

    monkeypatch.setattr("orienteer.runs.pretrain.by_first", of_older)
    monkeypatch.setattr("orienteer.runs.pretrain.everywhere", lambda check: check())
    with pytest.raises(RunError, match=r"is installed, and the first process has 0\.0\.9"):
        _require_one_store(store, RunFolder(tmp_path / "run"))
