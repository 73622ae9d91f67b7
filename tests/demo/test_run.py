import io
import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from orienteer.demo.run import DemoResult, demo
from orienteer.errors import OrienteerError
from orienteer.runs.run import Run
from orienteer.runs.settings import PretrainSettings
from orienteer.store import Store

TINY = (
    "network.size=tiny",
    "views.size=16",
    "optimiser.steps=4",
    "optimiser.batch=2",
    "checkpoint.every=2",
    "evaluation.per_scan=2",
    "evaluation.final_per_scan=2",
    "evaluation.examples=1",
    "devices.accelerator=cpu",
    "devices.threads=1",
    "devices.workers=0",
)


def _demo(folder: Path) -> tuple[DemoResult, str]:
    told = io.StringIO()
    result = demo(
        folder, people=5, spacing_mm=5.0, assignments=TINY, console=Console(file=told, width=100, highlight=False)
    )
    return result, told.getvalue()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoResult, str]:
    folder = tmp_path_factory.mktemp("tryout") / "demo"
    return (folder, *_demo(folder))


def test_demo__ends_with_a_report_and_a_verdict(finished: tuple[Path, DemoResult, str]) -> None:
    _, result, told = finished
    assert result.label in {"learning", "stuck", "cheating"}
    assert result.sentence in " ".join(told.split())
    assert str(result.report.resolve()) in told  # on one line, so that it can be copied
    page = result.report.read_text(encoding="utf-8")
    assert "simulated" in page.lower()


def test_demo__announces_six_steps_in_order(finished: tuple[Path, DemoResult, str]) -> None:
    told = finished[2]
    places = [told.index(f"{number}/6  {what}") for number, what in enumerate(
        ("simulate", "check", "ingest", "pretrain", "evaluate", "report"), start=1
    )]  # fmt: skip
    assert places == sorted(places)


def test_demo__the_store_knows_the_split_and_the_labels(finished: tuple[Path, DemoResult, str]) -> None:
    store = Store.open(finished[0] / "store")
    assert [len(store.ids(split)) for split in ("train", "val", "test")] == [3, 1, 1]
    assert all(store.entry(one).labelled for one in store.ids())


def test_demo__the_records_say_simulated(finished: tuple[Path, DemoResult, str]) -> None:
    record = json.loads((finished[0] / "run" / "run.json").read_text())
    assert record["data"]["simulated"] is True
    evaluation = json.loads((finished[0] / "run" / "evaluations" / "test" / "evaluation.json").read_text())
    assert evaluation["split"] == "test"


def test_demo__trains_the_recommended_recipe(finished: tuple[Path, DemoResult, str]) -> None:
    trained = Run.open(finished[0] / "run").settings
    assert trained.tasks == PretrainSettings().tasks
    assert trained.checkpoint.every == 2 and trained.network.size == "tiny"
    assert "proposed: views" not in finished[2]  # their size was set


def test_demo__keeps_what_is_finished(finished: tuple[Path, DemoResult, str]) -> None:
    folder, first, _ = finished
    kept = [*(folder / "cohort").rglob("*"), *(folder / "run" / "checkpoints").rglob("*")]
    before = {path: path.stat().st_mtime_ns for path in kept}
    again, told = _demo(folder)
    assert told.count("already done; kept") == 2
    assert "5 of them from before" in " ".join(told.split())
    assert {path: path.stat().st_mtime_ns for path in kept} == before
    assert (again.label, again.sentence) == (first.label, first.sentence)


def test_demo__goes_on_where_it_stopped(
    finished: tuple[Path, DemoResult, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import orienteer.runs.pretrain as pretraining

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    shutil.copytree(finished[0] / "cohort", tmp_path / "cohort")
    with monkeypatch.context() as patch:
        patch.setattr(pretraining, "_finish", stop)  # trained, and stopped before the final figures
        with pytest.raises(KeyboardInterrupt):
            _demo(tmp_path)
    started = json.loads((tmp_path / "run" / "run.json").read_text())["started"]
    _, told = _demo(tmp_path)
    assert "resuming" in " ".join(told.split())  # a long path wraps the line
    assert json.loads((tmp_path / "run" / "run.json").read_text())["started"] == started
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["steps"] == 4


def test_demo__does_not_write_into_a_folder_of_others(tmp_path: Path) -> None:
    (tmp_path / "cohort").mkdir()
    (tmp_path / "cohort" / "patients.csv").write_text("")
    with pytest.raises(OrienteerError, match="holds other files"):
        _demo(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["cohort", "patients.csv"]
