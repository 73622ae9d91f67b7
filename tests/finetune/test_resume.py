"""A fine-tuning that was stopped or killed ends exactly where an undisturbed one does, and is never another one."""

import json
import os
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from orienteer.errors import RunError, Stopped
from orienteer.finetune import work as working
from orienteer.finetune.ensemble import Ensemble
from orienteer.finetune.folder import FinetuneFolder
from orienteer.finetune.predict import _about
from orienteer.finetune.run import finetune
from orienteer.finetune.score import ScoreRow
from orienteer.finetune.weights import Loaded, load_weights
from orienteer.hardware import has_bfloat16
from orienteer.ingest import IngestOptions, ingest
from orienteer.records.log import read_log
from orienteer.records.rows import read_rows
from orienteer.runs.run import Run
from orienteer.training.log import RunLog
from orienteer.training.loop import StepResult
from tests.finetune.cohort import PAIR, cohort, history, quick, untrained_run, weights
from tests.forked import start


def test_resume__of_a_finished_fine_tuning_changes_nothing(folder: Path, run: Path, undisturbed: Path) -> None:
    before = {path: path.read_bytes() for path in undisturbed.rglob("*") if path.is_file()}
    settings = quick(PAIR, "labelled_scans=2")
    finetune(folder / "store", undisturbed, source=run, settings=settings, seeds=(0, 1), resume=True, progress=False)
    assert {path: path.read_bytes() for path in undisturbed.rglob("*") if path.is_file()} == before


def test_resume__of_a_folder_with_the_devices_of_another_machine(
    folder: Path, run: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """Devices may change between calls, and folders from before hold resolved ones."""
    shutil.copytree(undisturbed, tmp_path / "out")
    for seed in (0, 1):
        file = tmp_path / "out" / f"seed_{seed}" / "settings.yaml"
        gpus = {"accelerator": "gpu", "devices": 4, "precision": "bf16-mixed", "threads": 64, "workers": 8}
        file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "devices": gpus}))
    again = quick(PAIR, "labelled_scans=2", "devices.threads=2")
    finetune(folder / "store", tmp_path / "out", source=run, settings=again, seeds=(0, 1), resume=True, progress=False)


def test_resume__refuses_what_would_be_another_fine_tuning(
    folder: Path, run: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """Finished or not: else old figures would be shown as those of the new command."""
    settings, store = quick(PAIR, "labelled_scans=2"), folder / "store"
    again: dict[str, Any] = {"resume": True, "progress": False}
    with pytest.raises(RunError, match="other settings"):
        finetune(store, undisturbed, source=run, settings=quick(PAIR, "labelled_scans=1"), **again)
    with pytest.raises(RunError, match=r"started with \d+ weights taken"):
        finetune(store, undisturbed, source=None, settings=settings, **again)
    with pytest.raises(RunError, match="was scored on test, not val"):
        finetune(store, undisturbed, source=run, settings=settings, split="val", **again)
    other = cohort(tmp_path, people=12)
    with pytest.raises(RunError, match="another store"):
        finetune(other, undisturbed, source=run, settings=settings, **again)


def test_resume__refuses_answers_that_were_corrected_since(tmp_path: Path) -> None:
    """Half of a training on the old ones, half on the new ones, would be neither."""
    store, table = cohort(tmp_path), tmp_path / "table.tsv"
    again: dict[str, Any] = {"settings": quick("kind=classify", "column=ward"), "progress": False}
    finetune(store, tmp_path / "out", source=None, **again)
    finetune(store, tmp_path / "out", source=None, resume=True, **again)
    swapped = {"north": "south", "south": "north"}
    table.write_text(re.sub("north|south", lambda ward: swapped[ward[0]], table.read_text()))
    options = IngestOptions(spacing=3.0, table=table, labels=tmp_path / "labels", keep_names=True, progress=False)
    assert not ingest(tmp_path / "scans", store, options).updated
    with pytest.raises(RunError, match="the column ward had other values"):
        finetune(store, tmp_path / "out", source=None, resume=True, **again)


def test_resume__refuses_another_run_of_the_same_kind(folder: Path, tmp_path: Path) -> None:
    """The same names, shapes and step: only the values differ."""
    runs = [untrained_run(tmp_path / name, seed=seed) for name, seed in (("run", 5), ("other", 6))]
    settings, out = quick(PAIR, "labelled_scans=1", "validate_scans=false"), tmp_path / "out"
    again: dict[str, Any] = {"settings": settings, "progress": False}
    finetune(folder / "store", out, source=runs[0], **again)
    finetune(folder / "store", out, source=runs[0], resume=True, **again)
    with pytest.raises(RunError, match=r"other weights than those of .*other") as caught:
        finetune(folder / "store", out, source=runs[1], resume=True, **again)
    assert "--from" in caught.value.cure
    one = FinetuneFolder(out / "seed_0")
    assert len(one.record().loaded_sha256 or "") == 64
    record = json.loads(one.record_file.read_text())
    record.pop("loaded_sha256")
    one.record_file.write_text(json.dumps(record))  # as folders from before are
    finetune(folder / "store", out, source=runs[1], resume=True, **again)


def test_finetune__a_run_that_learns_on_in_between_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the seeds would start from different weights."""
    runs = [untrained_run(tmp_path / name, seed=seed) for name, seed in (("run", 5), ("other", 6))]
    calls: list[None] = []

    def load(network: Any, run: Run, **options: Any) -> Loaded:
        calls.append(None)
        return load_weights(network, Run.open(runs[len(calls) > changes]), **options)

    monkeypatch.setattr(working, "load_weights", load)
    settings = quick(PAIR, "labelled_scans=1", "validate_scans=false")
    # After the first of two seeds was prepared; and after both were.
    for changes, said in ((1, "is still learning"), (2, "have changed since this fine-tuning began")):
        calls.clear()
        with pytest.raises(RunError, match=said):
            finetune(
                folder / "store", tmp_path / f"out_{changes}", source=runs[0], settings=settings, seeds=(0, 1),
                progress=False,
            )  # fmt: skip


def test_resume__another_seed_must_be_of_the_same_fine_tuning(
    folder: Path, run: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """``predict`` takes the mean of all seeds in a folder."""
    shutil.copytree(undisturbed, tmp_path / "out")
    for settings, source, said in (
        (quick(PAIR, "labelled_scans=1"), run, "seed_0 was started with other settings: labelled_scans was 2, not 1"),
        (quick(PAIR, "labelled_scans=2"), None, "seed_0 was started with .* weights taken"),
    ):
        with pytest.raises(RunError, match=said):
            finetune(
                folder / "store", tmp_path / "out", source=source, settings=settings, seeds=(2,), resume=True,
                progress=False,
            )  # fmt: skip
    assert not (tmp_path / "out" / "seed_2").exists()
    more = quick(PAIR, "labelled_scans=2")
    finetune(folder / "store", tmp_path / "out", source=run, settings=more, seeds=(2,), resume=True, progress=False)
    assert len(Ensemble.load(tmp_path / "out").networks) == 3


def test_ensemble__networks_that_cannot_answer_together_are_refused_and_unfinished_ones_named(
    undisturbed: Path, tmp_path: Path
) -> None:
    for file, before, after, differ in (
        ("settings.yaml", "size: 16", "size: 24", "the size of patches"),
        ("finetune.json", '"spacing": 3.0', '"spacing": 1.5', "how scans are prepared"),
        ("finetune.json", '"channels": 1', '"channels": 2', "channels"),
    ):
        out = tmp_path / differ
        shutil.copytree(undisturbed, out)
        text = (out / "seed_1" / file).read_text()
        assert before in text
        (out / "seed_1" / file).write_text(text.replace(before, after, 1))
        with pytest.raises(RunError, match=f"seed_1 and .*seed_0 differ in {differ} "):
            Ensemble.load(out)
    shutil.copytree(undisturbed, tmp_path / "killed")
    (tmp_path / "killed" / "seed_1" / "cases.parquet").unlink()
    one = Ensemble.load(tmp_path / "killed")
    assert one.unfinished == ("seed_1",) and len(one.networks) == 1
    assert _about(one) == ("not finished, and not used: seed_1; 1 network answered",)
    assert Ensemble.load(undisturbed).unfinished == () == _about(Ensemble.load(undisturbed))


def test_validate__the_score_that_is_watched_is_the_mean_of_the_summary(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mean over scans of the mean over the structures that each has."""
    parts = {"a": [0.9], "b": [0.5, 0.5, 0.5], "c": [float("nan")]}
    rows = [ScoreRow(scan, "p", str(n), "dice", value) for scan, of in parts.items() for n, value in enumerate(of)]
    monkeypatch.setattr(working, "score_scans", lambda *args, **kwargs: rows)
    finetune(folder / "store", tmp_path / "out", source=None, settings=quick(PAIR, "optimiser.steps=1"), progress=False)
    (*_, line) = (each for each in read_log(tmp_path / "out" / "seed_0" / "observations.jsonl")
                  if each["phase"] == "validation")  # fmt: skip
    assert line["measures"]["dice"]["value"] == pytest.approx(0.7)


@pytest.mark.parametrize("step", [1, 3])
def test_resume__after_a_crash_is_exact(
    step: int, folder: Path, run: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = RunLog.training

    def training(self: RunLog, result: StepResult) -> None:
        if result.step == step:
            raise OSError("the power went")
        write(self, result)

    monkeypatch.setattr(RunLog, "training", training)
    settings = quick(PAIR, "labelled_scans=2")
    with pytest.raises(OSError, match="power"):
        finetune(folder / "store", tmp_path / "out", source=run, settings=settings, progress=False)
    monkeypatch.undo()
    # On a machine that would have begun it in another precision.
    monkeypatch.setattr("orienteer.training.devices.has_bfloat16", lambda: not has_bfloat16())
    finetune(folder / "store", tmp_path / "out", source=run, settings=settings, resume=True, progress=False)
    assert weights(tmp_path / "out" / "seed_0") == weights(undisturbed / "seed_0")
    assert history(tmp_path / "out" / "seed_0") == history(undisturbed / "seed_0")
    ended, whole = (FinetuneFolder(out / "seed_0") for out in (tmp_path / "out", undisturbed))
    assert ended.record().environment.precision == whole.record().environment.precision
    assert read_rows(ended.scores)["value"].tobytes() == read_rows(whole.scores)["value"].tobytes()


def test_resume__of_one_that_ends_by_itself_is_exact(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off within a window of its losses, and in the decay."""
    until = "plateau={window: 3, fall: 0.9, patience: 1, decay: 0.5}"
    settings = quick(PAIR, "labelled_scans=1", "optimiser.steps=40", "validate_scans=false", until)
    again: dict[str, Any] = {"source": None, "settings": settings, "progress": False}
    finetune(folder / "store", tmp_path / "whole", **again)
    whole = tmp_path / "whole" / "seed_0"
    assert FinetuneFolder(whole).record().steps == 18
    peak, rates = settings.optimiser.learning_rate, learning_rates(whole)
    assert len(rates) == 18 and rates[4:13] == [peak] * 9 and peak > rates[13] > rates[17]
    write, broken = RunLog.training, [11, 15]

    def training(self: RunLog, result: StepResult) -> None:
        if broken and result.step == broken[0]:
            broken.pop(0)
            raise OSError("the power went")
        write(self, result)

    monkeypatch.setattr(RunLog, "training", training)
    for begun in (False, True):
        with pytest.raises(OSError, match="power"):
            finetune(folder / "store", tmp_path / "out", resume=begun, **again)
    finetune(folder / "store", tmp_path / "out", resume=True, **again)
    last = "checkpoints/step_00000018/model.safetensors"
    assert (tmp_path / "out" / "seed_0" / last).read_bytes() == (whole / last).read_bytes()
    assert history(tmp_path / "out" / "seed_0") == history(whole)
    assert learning_rates(tmp_path / "out" / "seed_0") == rates


def test_resume__of_one_whose_losses_are_read_late_is_exact(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a GPU: what was not read when a signal came is read before it is saved."""
    monkeypatch.setattr("orienteer.training.loop.reading_is_free", lambda device: False)
    until = "plateau={window: 6, fall: 0.4, patience: 1, decay: 0.5}"
    settings = quick(
        PAIR, "labelled_scans=1", "optimiser={steps: 60, learning_rate: 1.0e-7}", "validate_scans=false",
        "checkpoint={every: 50, log_every: 4}", until,
    )  # fmt: skip
    again: dict[str, Any] = {"source": None, "settings": settings, "progress": False}
    finetune(folder / "store", tmp_path / "whole", **again)
    steps: list[None] = []

    def follow(self: working.Finetuning, model: Any) -> Any:
        def counted() -> None:
            steps.append(None)
            if len(steps) == 15:  # half of a window; without it that window would seem to fall
                os.kill(os.getpid(), signal.SIGINT)

        return counted

    monkeypatch.setattr(working.Finetuning, "follow", follow)
    with pytest.raises(Stopped, match="after step 15"):
        finetune(folder / "store", tmp_path / "out", **again)
    finetune(folder / "store", tmp_path / "out", resume=True, **again)
    whole, out = (tmp_path / name / "seed_0" for name in ("whole", "out"))
    assert FinetuneFolder(out).record().steps == FinetuneFolder(whole).record().steps == 27
    last = "checkpoints/step_00000027/model.safetensors"
    assert (out / last).read_bytes() == (whole / last).read_bytes()


def learning_rates(folder: Path) -> list[float]:
    """Of every step."""
    lines = read_log(folder / "observations.jsonl")
    return [line["measures"]["learning_rate"]["value"] for line in lines if line["task"] == "training"]


def test_resume__when_killed_before_its_record(folder: Path, run: Path, undisturbed: Path, tmp_path: Path) -> None:
    settings = yaml.safe_load((undisturbed / "seed_0" / "settings.yaml").read_text())
    (tmp_path / "out" / "seed_0").mkdir(parents=True)
    (tmp_path / "out" / "seed_0" / "settings.yaml").write_text(yaml.safe_dump(settings))
    finetune(
        folder / "store",
        tmp_path / "out",
        source=run,
        settings=quick(PAIR, "labelled_scans=2"),
        resume=True,
        progress=False,
    )
    assert weights(tmp_path / "out" / "seed_0") == weights(undisturbed / "seed_0")


@pytest.mark.slow
def test_cli__sigkill_and_resume_is_exact(folder: Path, run: Path, undisturbed: Path, tmp_path: Path) -> None:
    config, out = tmp_path / "quick.yaml", tmp_path / "out"
    config.write_text(yaml.safe_dump(quick(PAIR).model_dump(mode="json")))
    command = ("finetune", "segment", folder / "store", out, "--from", run, "--labelled-scans", 2, "--config", config)
    process = start(*command)
    first = out / "seed_0" / "checkpoints" / "step_00000002"
    for _ in range(2400):
        if first.exists():
            break
        assert process.exitcode is None, "it ended before it could be disturbed"
        time.sleep(0.02)
    process.kill()
    process.join()
    assert not (out / "summary.json").exists()
    again = start(*command, "--resume")
    again.join()
    assert again.exitcode == 0
    assert weights(out / "seed_0") == weights(undisturbed / "seed_0")
    scored, expected = (read_rows(each / "seed_0" / "cases.parquet") for each in (out, undisturbed))
    assert all(np.array_equal(scored[name], expected[name], equal_nan=name == "value") for name in expected)


def test_finetune__logs_each_seed_with_its_scores(tmp_path: Path) -> None:
    finetune(
        cohort(tmp_path),
        tmp_path / "out",
        source=None,
        settings=quick(PAIR),
        split="val",
        progress=False,
        loggers=["csv"],
    )
    rows = (tmp_path / "out" / "seed_0" / "metrics.csv").read_text().splitlines()
    assert rows[0].startswith("step,phase,task") and any(",train,training,loss," in row for row in rows)
    assert any(",summary,segment,dice," in row for row in rows)
