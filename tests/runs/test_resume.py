"""A run that was stopped, killed or damaged ends exactly where an undisturbed one does."""

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
from safetensors.numpy import load_file

from orienteer.errors import RunError
from orienteer.records.log import read_log
from orienteer.runs.pretrain import pretrain
from orienteer.training.log import RunLog
from orienteer.training.loop import StepResult
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


def test_resume__of_a_finished_run_changes_nothing(store: Path, undisturbed: Path) -> None:
    before = weights(undisturbed)
    again = pretrain(store, undisturbed, resume=True, progress=False)
    assert weights(undisturbed) == before
    assert again.summary["steps"] == 6


def test_resume__refuses_other_settings_and_another_store(store: Path, undisturbed: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="other settings"):
        pretrain(store, undisturbed, settings=tiny("seed=1"), resume=True, progress=False)
    from orienteer.testing.phantom import phantom_store

    other = phantom_store(tmp_path, people=6)
    with pytest.raises(RunError, match="not the one"):
        pretrain(other, undisturbed, resume=True, progress=False)


@pytest.mark.parametrize("workers", [1, 2])
def test_pretrain__workers_never_change_a_result(workers: int, store: Path, undisturbed: Path, tmp_path: Path) -> None:
    pretrain(store, tmp_path / "run", settings=tiny(f"devices.workers={workers}"), progress=False)
    assert weights(tmp_path / "run") == weights(undisturbed)


@pytest.mark.slow
def test_cli__ctrl_c_keeps_a_checkpoint_and_says_how_to_go_on(store: Path, tmp_path: Path) -> None:
    config, run = tmp_path / "tiny.yaml", tmp_path / "run"
    config.write_text(yaml.safe_dump(tiny("optimiser.steps=2000").model_dump(mode="json")))
    command = [sys.executable, "-m", "orienteer", "pretrain", str(store), str(run), "--config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _wait_for(run / "checkpoints" / "step_00000002", process)
    os.kill(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "to go on: orienteer pretrain" in told and "--resume" in told
    assert "Traceback" not in told


def _wait_for(path: Path, process: subprocess.Popen[Any]) -> None:
    for _ in range(1200):
        if path.exists():
            return
        assert process.poll() is None, "the run ended before it could be disturbed"
        time.sleep(0.05)
    raise AssertionError(f"{path} never came")
