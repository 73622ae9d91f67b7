"""A run that was stopped, killed or damaged ends exactly where an undisturbed one does."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightning_fabric import Fabric
from safetensors.numpy import load_file

from orienteer.errors import RunError, Stopped
from orienteer.records.log import read_log
from orienteer.runs.folder import RunFolder
from orienteer.runs.pretrain import pretrain
from orienteer.runs.run import Run
from orienteer.runs.work import Pretraining
from orienteer.training import session
from orienteer.training.course import learning_rate
from orienteer.training.log import RunLog
from orienteer.training.loop import StepResult
from orienteer.training.session import Session
from tests.runs.conftest import tiny

LAST = "checkpoints/step_00000006/model.safetensors"


@pytest.fixture(scope="module")
def undisturbed(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("peace") / "run"
    pretrain(store, run, settings=tiny(), progress=False)
    return run


def weights(run: Path) -> dict[str, bytes]:
    return {key: value.tobytes() for key, value in load_file(run / LAST).items()}


def history(run: Path) -> list[dict[str, Any]]:
    return [record for record in read_log(run / "observations.jsonl") if record["task"] != "training"]


@pytest.fixture
def crash_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def arm(step: int) -> None:
        write = RunLog.training

        def training(self: RunLog, result: StepResult) -> None:
            if result.step == step:
                raise OSError("the power went")
            write(self, result)

        monkeypatch.setattr(RunLog, "training", training)

    return arm


@pytest.mark.parametrize("step", [1, 3, 4])
def test_resume__after_a_crash_is_exact(
    step: int, store: Path, undisturbed: Path, tmp_path: Path,
    crash_at: Callable[[int], None], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    crash_at(step)
    with pytest.raises(OSError, match="power"):
        pretrain(store, tmp_path / "run", settings=tiny(), progress=False)
    monkeypatch.undo()
    pretrain(store, tmp_path / "run", settings=tiny(), resume=True, progress=False)
    assert weights(tmp_path / "run") == weights(undisturbed)
    assert history(tmp_path / "run") == history(undisturbed)


def test_resume__in_float16_goes_on_with_the_scale_of_the_gradients(
    store: Path, tmp_path: Path, crash_at: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first steps overflow: the scale is halved until they do not, and a fresh scaler would skip steps again.
    settings = tiny(
        "devices={accelerator: cpu, threads: 1, workers: 0, precision: 16-mixed}",
        "network={size: tiny, options: {features: [4, 8]}}",  # a CPU is slow in float16
        "tasks={gap: {weight: 300}}",  # so that the first steps overflow
        "views.size=8",
        "evaluation={per_scan: 1, final_per_scan: 1, examples: 0}",
    )
    pretrain(store, tmp_path / "peace", settings=settings, progress=False)
    crash_at(4)
    with pytest.raises(OSError, match="power"):
        pretrain(store, tmp_path / "run", settings=settings, progress=False)
    monkeypatch.undo()
    state = json.loads((tmp_path / "run/checkpoints/step_00000002/state.json").read_text())
    assert 0 < state["state"]["scaler"]["scale"] < 65536
    pretrain(store, tmp_path / "run", settings=settings, resume=True, progress=False)
    assert weights(tmp_path / "run") == weights(tmp_path / "peace")


def test_resume__a_truncated_checkpoint_falls_back(
    store: Path, undisturbed: Path, tmp_path: Path, crash_at: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    crash_at(5)
    with pytest.raises(OSError, match="power"):
        pretrain(store, tmp_path / "run", settings=tiny(), progress=False)
    monkeypatch.undo()
    newest = tmp_path / "run" / "checkpoints" / "step_00000004" / "model.safetensors"
    newest.write_bytes(newest.read_bytes()[:1000])
    pretrain(store, tmp_path / "run", settings=tiny(), resume=True, progress=False)
    assert "step_00000004" in capsys.readouterr().err
    assert weights(tmp_path / "run") == weights(undisturbed)


def test_resume__with_no_whole_checkpoint_stops_and_deletes_nothing(
    store: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """Never from step 0 in silence: hours of training may be behind it."""
    run = tmp_path / "run"
    shutil.copytree(undisturbed, run)
    files = sorted((run / "checkpoints").glob("*/model.safetensors"))
    for file in files:
        file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(RunError, match=r"no checkpoint of .* is whole") as caught:
        pretrain(store, run, resume=True, progress=False)
    assert "nothing was deleted" in caught.value.cure and all(file.is_file() for file in files)


def test_resume__of_a_finished_run_changes_nothing(
    store: Path, undisturbed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = weights(undisturbed)
    files = {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*") if path.is_file()}
    capsys.readouterr()
    again = pretrain(store, undisturbed, settings=tiny(), resume=True)
    assert "is finished with 6 steps, and nothing was done" in capsys.readouterr().err
    assert weights(undisturbed) == before
    assert {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*") if path.is_file()} == files
    assert again.summary["steps"] == 6 and again.evaluation.record.step == again.summary["best_step"]


def test_resume__of_a_folder_that_is_not_there_starts_nothing(store: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for run in (tmp_path / "rnu", tmp_path / "empty"):
        with pytest.raises(RunError, match=r"no run at .* to resume, and nothing was started"):
            pretrain(store, run, settings=tiny(), resume=True, progress=False)
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]


def test_resume__gives_a_finished_run_more_steps_and_records_it(
    store: Path, undisturbed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(undisturbed, run)
    longer = tiny("optimiser.steps=8")
    assert pretrain(store, run, settings=longer, resume=True).summary["steps"] == 8
    assert "extended at step 6: 8 steps, before 6" in capsys.readouterr().err
    record = Run.open(run).record
    (extension,) = record.extensions
    assert (extension.at_step, extension.steps_before, extension.steps) == (6, 6, 8)
    assert extension.learning_rate == learning_rate(6, longer.optimiser) > extension.learning_rate_before
    assert record.finished and record.steps == 8
    assert Run.open(run).settings == longer
    assert [line for line in history(run) if line["step"] <= 6] == history(undisturbed)
    pretrain(store, run, settings=longer, resume=True, progress=False)
    assert Run.open(run).record == record
    with pytest.raises(RunError, match="steps was 8, not 6"):
        pretrain(store, run, settings=tiny(), resume=True, progress=False)


def test_resume__refuses_other_settings_and_another_store(store: Path, undisturbed: Path, tmp_path: Path) -> None:
    other = tiny("seed=1", "views.size=8", "tasks.position={}", "optimiser.steps=5")
    with pytest.raises(RunError, match="other settings") as caught:
        pretrain(store, undisturbed, settings=other, resume=True, progress=False)
    for named in ("seed was 0, not 1", "views.size was 16, not 8", "tasks.position was None", "steps was 6, not 5"):
        assert named in caught.value.message
    from orienteer.testing.phantom import phantom_store

    other = phantom_store(tmp_path, people=6)
    with pytest.raises(RunError, match="trained on — resume with"):
        pretrain(other, undisturbed, resume=True, progress=False)
    coarse = phantom_store(tmp_path / "coarse", people=4, shape=(12, 12, 12), spacing=6.0)  # all below a view
    with pytest.raises(RunError, match="trained on: that one is at 3 mm, this one at 6 mm"):
        pretrain(coarse, undisturbed, resume=True, progress=False)


def test_signals__sigterm_in_a_step_saves_that_step(
    store: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal_at(monkeypatch, 3, signal.SIGTERM, signal.SIGTERM)
    with pytest.raises(Stopped, match="after step 3, which is saved") as stopped:
        pretrain(store, tmp_path / "run", settings=tiny(), progress=False)
    assert stopped.value.number == signal.SIGTERM and "--resume" in stopped.value.cure
    assert (tmp_path / "run/checkpoints/step_00000003").is_dir()
    monkeypatch.undo()
    pretrain(store, tmp_path / "run", settings=tiny(), resume=True, progress=False)
    assert weights(tmp_path / "run") == weights(undisturbed)
    assert history(tmp_path / "run") == history(undisturbed)


def test_signals__sigterm_in_a_validation_saves_at_once_and_resuming_makes_it(
    store: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    validate, calls = Pretraining.validate, []

    def validation(self: Pretraining, *args: Any) -> Any:
        calls.append(None)
        if len(calls) in (3, 5):  # those of steps 4 and 6
            os.kill(os.getpid(), signal.SIGTERM)
        return validate(self, *args)

    monkeypatch.setattr(Pretraining, "validate", validation)
    for resume, step in ((False, 4), (True, 6)):
        with pytest.raises(Stopped, match=f"after step {step}, which is saved"):
            pretrain(store, tmp_path / "run", settings=tiny(), resume=resume, progress=False)
        state = json.loads((tmp_path / f"run/checkpoints/step_0000000{step}/state.json").read_text())
        assert state["state"]["validate"]
    pretrain(store, tmp_path / "run", settings=tiny(), resume=True, progress=False)
    assert weights(tmp_path / "run") == weights(undisturbed)
    assert history(tmp_path / "run") == history(undisturbed)


def test_signals__sigusr1_saves_and_goes_on(
    store: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = signal_at(monkeypatch, 3, signal.SIGUSR1)
    pretrain(store, tmp_path / "run", settings=tiny(), progress=False)
    assert seen[3] == ["step_00000002"] and seen[4] == ["step_00000002", "step_00000003"]
    assert weights(tmp_path / "run") == weights(undisturbed)


def signal_at(monkeypatch: pytest.MonkeyPatch, step: int, *numbers: signal.Signals) -> dict[int, list[str]]:
    """Send signals at the end of a step; collects the checkpoints that are there at the end of each."""
    write, seen = RunLog.training, {}

    def training(self: RunLog, result: StepResult) -> None:
        seen[result.step] = sorted(path.name for path in (self.lines.path.parent / "checkpoints").glob("step_*"))
        for number in numbers if result.step == step else ():
            os.kill(os.getpid(), number)
        write(self, result)

    monkeypatch.setattr(RunLog, "training", training)
    return seen


@pytest.mark.parametrize("workers", [1, 2])
def test_pretrain__workers_never_change_a_result(workers: int, store: Path, undisturbed: Path, tmp_path: Path) -> None:
    pretrain(store, tmp_path / "run", settings=tiny(f"devices.workers={workers}"), progress=False)
    assert weights(tmp_path / "run") == weights(undisturbed)


def test_signals__sigterm_while_waiting_for_a_batch_that_never_comes(
    store: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = Pretraining.batches

    def batches(self: Pretraining, start: int, **share: int) -> Any:
        yield from itertools.islice(load(self, start, **share), 3)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)

    monkeypatch.setattr(Pretraining, "batches", batches)
    monkeypatch.setattr(session, "PATIENCE", 0.2)
    with pytest.raises(Stopped, match="after step 3, which is saved"):
        pretrain(store, tmp_path / "run", settings=tiny(), progress=False)
    monkeypatch.undo()
    pretrain(store, tmp_path / "run", settings=tiny(), resume=True, progress=False)
    assert weights(tmp_path / "run") == weights(undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "send", "workers"), [(signal.SIGINT, os.kill, 0), (signal.SIGTERM, os.killpg, 1)])
def test_cli__a_signal_keeps_a_checkpoint_and_says_how_to_go_on(
    number: signal.Signals, send: Callable[[int, int], None], workers: int, store: Path, tmp_path: Path
) -> None:
    """Ctrl-C, and a scheduler's SIGTERM to the whole group, loaders and all."""
    config, run = tmp_path / "tiny.yaml", tmp_path / "run"
    config.write_text(
        yaml.safe_dump(tiny("optimiser.steps=2000", f"devices.workers={workers}").model_dump(mode="json"))
    )
    command = [sys.executable, "-m", "orienteer", "pretrain", str(store), str(run), "--config", str(config)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    _wait_for(run / "checkpoints" / "step_00000002", process)
    send(process.pid, number)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "to go on: orienteer pretrain" in told and "--resume" in told
    assert "Traceback" not in told


def _wait_for(path: Path, process: subprocess.Popen[Any]) -> None:
    for _ in range(1200):
        if path.exists():
            return
        assert process.poll() is None, "the run ended before it could be disturbed"
        time.sleep(0.05)
    raise AssertionError(f"{path} never came")


@pytest.mark.parametrize("begun", ["32-true", "bf16-mixed"])
def test_resume__goes_on_in_the_precision_that_the_run_has(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: str
) -> None:
    """Whatever ``auto`` means on the machine, or in the version, that resumes it."""
    settings = tiny("optimiser.steps=2", "devices={accelerator: cpu, threads: 1, workers: 0}")
    monkeypatch.setattr("orienteer.training.devices.has_bfloat16", lambda: begun == "bf16-mixed")
    pretrain(store, tmp_path / "run", settings=settings, progress=False)
    monkeypatch.setattr("orienteer.training.devices.has_bfloat16", lambda: begun != "bf16-mixed")
    trained: list[str] = []
    honest = Session.__call__

    def noted(session: Session, fabric: Fabric) -> None:
        trained.append(session.settings.devices.precision)
        honest(session, fabric)

    monkeypatch.setattr(Session, "__call__", noted)
    longer = settings.model_copy(update={"optimiser": settings.optimiser.model_copy(update={"steps": 4})})
    pretrain(store, tmp_path / "run", settings=longer, resume=True, progress=False)
    assert trained == [begun] and Run.open(tmp_path / "run").record.environment.precision == begun
    assert RunFolder(tmp_path / "run").settings().devices.precision == "auto"
