"""One tiny run, logged to all loggers at once, killed and resumed: each one's own reader finds the same figures."""

import csv
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from orienteer import api
from orienteer.cli import options
from orienteer.errors import ConfigError, OrienteerError
from orienteer.loggers.csv import CsvLogger
from orienteer.loggers.point import Point, points_of
from orienteer.loggers.registry import LOGGERS, require
from orienteer.records.log import read_log
from orienteer.runs.pretrain import pretrain
from orienteer.store import Store
from orienteer.training.log import RunLog
from orienteer.training.loop import StepResult
from tests.runs.conftest import store, tiny

__all__ = ["store"]
pytestmark = pytest.mark.filterwarnings("ignore::Warning")  # of the loggers' packages, which are not ours to mend
ALL = tuple(LOGGERS)
os.environ["TRACKIO_DIR"] = tempfile.mkdtemp()  # Trackio reads it once, when it is imported
MACHINE = "quentzels-machine"
Found = list[tuple[str, int, float]]


def killed_at(step: int, patch: pytest.MonkeyPatch) -> None:
    write = RunLog.training

    def training(self: RunLog, result: StepResult) -> None:
        write(self, result)
        if result.step == step:
            raise OSError("the power went")

    patch.setattr(RunLog, "training", training)


@pytest.fixture(scope="module")
def run(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Killed after steps 5 and 3, resumed each time: the steps of before the kill were logged already."""
    run = tmp_path_factory.mktemp("Quentzel") / "run"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "WANDB_MODE", "WANDB_API_KEY"):
            patch.delenv(name, raising=False)
        patch.setattr("socket.gethostname", lambda: MACHINE)
        patch.setenv("NETRC", str(run.parent / "no-netrc"))
        for resume, step in ((False, 5), (True, 5)):
            with pytest.MonkeyPatch.context() as kill, pytest.raises(OSError, match="power"):
                killed_at(step, kill)
                pretrain(store, run, settings=None if resume else tiny(), resume=resume, progress=False, loggers=ALL)
        pretrain(store, run, resume=True, progress=False, page=api.report)
    return run


def expected(run: Path) -> Found:
    trained = points_of(read_log(run / "observations.jsonl"))
    return sorted((key, point.step, value) for point in trained for key, value in point.values.items())


def from_csv(run: Path) -> Found:
    with (run / "metrics.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    points = [
        Point(int(r["step"]), r["phase"], r["task"], r["measure"], float(r["value"]), r["unit"],
              float(r["chance"]) if r["chance"] else None)
        for r in rows
    ]  # fmt: skip
    return [(key, point.step, value) for point in points for key, value in point.values.items()]


def from_tensorboard(run: Path) -> Found:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0}).Reload()
    return [(key, e.step, e.value) for key in events.Tags()["scalars"] for e in events.Scalars(key)]


def from_mlflow(run: Path) -> Found:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{run / 'mlflow' / 'mlflow.db'}")
    (found,) = client.search_runs([client.get_experiment_by_name("orienteer").experiment_id])
    histories = [m for key in found.data.metrics for m in client.get_metric_history(found.info.run_id, key)]
    return [(metric.key, metric.step, metric.value) for metric in histories]


def from_trackio(run: Path) -> Found:
    from trackio.sqlite_storage import SQLiteStorage

    name = json.loads((run / "loggers.json").read_text())["kept"]["trackio"]["name"]
    rows = SQLiteStorage.get_logs("orienteer", name)
    return [(key, row["step"], value) for row in rows for key, value in row.items() if "/" in key]


@pytest.mark.parametrize("read", [from_csv, from_tensorboard, from_mlflow, from_trackio])
def test_loggers__each_holds_every_figure_once(read, run: Path) -> None:
    found, wanted = read(run), expected(run)
    assert len(wanted) > 50 and any(key.endswith("_chance") for key, _, _ in wanted)
    trained = sorted((key, step) for key, step, _ in found if not key.startswith("summary/"))
    assert [name for name, times in Counter(trained).items() if times > 1] == []
    assert trained == [(key, step) for key, step, _ in wanted]
    values = {(key, step): value for key, step, value in found}
    exact = {(k, s): v for k, s, v in wanted if "/training/data_wait" not in k}  # wall time of another process
    assert {name: values[name] for name in exact} == pytest.approx(exact, rel=1e-5)
    assert any(key.startswith("summary/") for key, _, _ in found)


def test_mlflow__has_the_settings_the_verdict_and_the_report(run: Path) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{run / 'mlflow' / 'mlflow.db'}")
    (found,) = client.search_runs([client.get_experiment_by_name("orienteer").experiment_id])
    assert found.info.status == "FINISHED" and found.info.run_name == "run"
    assert found.data.params["optimiser.steps"] == "6" and found.data.params["views.size"] == "16"
    assert found.data.tags["verdict"] in ("learning", "stuck", "cheating")
    assert [file.path for file in client.list_artifacts(found.info.run_id)] == ["report.html"]


def test_trackio__has_the_settings_the_verdict_and_the_report(run: Path) -> None:
    from trackio.sqlite_storage import SQLiteStorage

    name = json.loads((run / "loggers.json").read_text())["kept"]["trackio"]["name"]
    assert SQLiteStorage.get_run_config("orienteer", name)["optimiser.steps"] == 6
    assert any(alert["title"].startswith("verdict: ") for alert in SQLiteStorage.get_alerts("orienteer"))
    assert any(f"report-{name}" in str(artifact) for artifact in SQLiteStorage.get_artifacts("orienteer"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A real MLflow server on the loopback address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--artifacts-destination", str(tmp_path / "files"),
    ]  # fmt: skip
    with (tmp_path / "server.log").open("w") as log:
        # The processes for jobs of its own, of which a run has none, would each import MLflow.
        less = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        running = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | less)
        try:
            for _ in range(600):
                assert running.poll() is None, (tmp_path / "server.log").read_text()
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(30)


@pytest.mark.slow
def test_mlflow__a_real_server_gets_it_all(
    server: str, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    settings = tiny("optimiser={steps: 2}")
    pretrain(store, tmp_path / "run", settings=settings, progress=False, loggers=["mlflow"], page=api.report)
    client = MlflowClient(tracking_uri=server)
    (found,) = client.search_runs([client.get_experiment_by_name("orienteer").experiment_id])
    wanted = {key for key, _, _ in expected(tmp_path / "run")}
    assert wanted <= set(found.data.metrics) and found.data.tags["verdict"]
    assert [file.path for file in client.list_artifacts(found.info.run_id)] == ["report.html"]
    assert not (tmp_path / "run" / "mlflow").exists()


def test_wandb__offline_is_one_session_with_the_whole_history(run: Path) -> None:
    (session,) = (run / "wandb").glob("offline-run-*")
    known = json.loads((run / "loggers.json").read_text())["kept"]["wandb"]["id"]
    data = (session / f"run-{known}.wandb").read_bytes()
    for key in {key for key, _, _ in expected(run)}:
        assert key.encode() in data, key


def test_loggers__write_nothing_of_scans_their_place_or_the_machine(run: Path, store: Path) -> None:
    scans = Store.open(store).ids()
    words = [word.encode() for word in (*scans, str(store), MACHINE, sys.executable)]
    written = [run / "metrics.csv", run / "loggers.json", run / "mlflow" / "mlflow.db"]
    written += [file for name in ("wandb", "tensorboard") for file in (run / name).rglob("*") if file.is_file()]
    # The report names pseudonyms; what is in it is told in docs/how-to/privacy.md.
    for file in written:
        if file.suffix != ".html":
            assert not [word for word in words if word in file.read_bytes()], file


def test_loggers__one_that_fails_is_named_and_the_run_goes_on(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(self: CsvLogger, points: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(CsvLogger, "write", full)
    settings = tiny("optimiser={steps: 2}")
    pretrain(store, tmp_path / "run", settings=settings, progress=False, loggers=["csv"])
    told = capsys.readouterr().err
    assert told.count("csv failed") == 2  # in training, and once more for the figures at the end
    assert "No space left" in told and "--resume --log csv" in told
    monkeypatch.undo()
    pretrain(store, tmp_path / "run", resume=True, progress=False, loggers=["csv"])
    found = {(key, step) for key, step, _ in from_csv(tmp_path / "run")}
    assert found >= {(key, step) for key, step, _ in expected(tmp_path / "run")}


def test_mlflow__a_server_that_is_away_ends_no_run(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    pretrain(store, tmp_path / "run", settings=tiny("optimiser={steps: 2}"), progress=False, loggers=["mlflow"])
    assert "mlflow failed" in capsys.readouterr().err and (tmp_path / "run" / "summary.json").is_file()


def test_require__names_what_is_unknown_or_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"tensorbored.*mlflow"):
        require(["tensorbored"])
    assert require(["none"]) == () and require(["csv", "csv"]) == ("csv",)
    monkeypatch.setattr(LOGGERS["mlflow"], "modules", ("no_such_package",))
    monkeypatch.setitem(sys.modules, "no_such_package", None)
    with pytest.raises(OrienteerError, match=r"orienteer\[mlflow\]"):
        require(["mlflow"])


def test_log__the_help_names_every_logger() -> None:
    told = options.Log.__metadata__[0].help
    assert all(name in told for name in LOGGERS)
