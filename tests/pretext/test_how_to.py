"""docs/how-to/add-a-pretext-task.md, followed to the letter: one file, one line of settings, one test class."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from orienteer.cli import app, commands
from orienteer.evaluation.probes import PROBES
from orienteer.records.evaluation import EvaluationRecord
from orienteer.records.rows import read_rows
from orienteer.runs.settings import PretrainSettings
from orienteer.testing.phantom import phantom_store
from orienteer.testing.task_contract import TaskContract
from tests.forked import python, suite
from tests.pages import REPOSITORY
from tests.pretext.outside_task import FILE, PAGE, TEST, DistanceTask

assert commands

SMALL = (
    "network.size=tiny", "views.size=16", "optimiser.steps=4", "optimiser.batch=2", "checkpoint.every=2",
    "evaluation.per_scan=1", "evaluation.final_per_scan=4", "evaluation.examples=1", "devices.accelerator=cpu",
    "devices.workers=0", "devices.threads=1",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which the page has been followed, with nothing else in it."""
    assert list(PAGE.files) == [FILE, TEST]
    for name, text in PAGE.files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def orienteer(folder: Path, command: str, *more: str) -> str:
    """A command of the page, with the page's ``PYTHONPATH``."""
    done = python(folder, "-m", *shlex.split(command), *more, path=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_how_to__the_example_keeps_the_contract_and_a_broken_one_does_not(folder: Path) -> None:
    """Its contract suite passes, all of it; broken on purpose, it names what is broken."""
    passed = suite(folder, TEST, path=folder)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    count = re.search(r"(\d+) passed", passed.stdout)
    assert count and int(count[1]) == sum(name.startswith("test_") for name in vars(TaskContract)) >= 15
    assert not re.search(r"skipped|deselected", passed.stdout)
    broken = PAGE.files[FILE].replace("(views.centres[:, j] - views.centres[:, i])", "views.centres[:, j]")
    broken = broken.replace('unit="mm",\n                meaning', 'unit="deg",\n                meaning')
    (folder / FILE).write_text(broken, encoding="utf-8")
    named = ("does_not_know_where_the_scan_lies", "card_describes_it")
    failed = suite(folder, TEST, "-k", " or ".join(named), path=folder)
    assert failed.returncode == 1
    for test in named:
        assert f"test_task__{test}" in failed.stdout


@pytest.mark.slow
def test_how_to__a_task_outside_has_its_verdict_card_rows_and_page_with_nothing_but_its_file(folder: Path) -> None:
    phantom_store(folder, people=5)
    pretrain, _, report = PAGE.commands
    told = orienteer(folder, pretrain, *(word for each in SMALL for word in ("--set", each)))
    assert "separation error" in told, "the terminal speaks of it"
    settings = yaml.safe_load((folder / "run" / "settings.yaml").read_text(encoding="utf-8"))
    assert settings["tasks"]["distance"] == {"class": "distance_task:DistanceTask", "length_mm": 30}
    assert len(settings["tasks"]) > 1, "beside the default tasks"
    record = EvaluationRecord.read(folder / "run" / "evaluations" / "val")
    document = json.loads((folder / "run" / "evaluations" / "val" / "evaluation.json").read_text(encoding="utf-8"))
    assert document["tasks"][-1]["card"]["title"] == "Distance of views"
    task = record.task("distance")
    assert task is not None and task.card == DistanceTask.card
    assert record.figures["separation_error_mm"] is not None and record.figures["separation_error_mm_chance"]
    rows = read_rows(folder / "run" / "evaluations" / "val" / "distance.parquet")
    assert {"true_mm", "pred_mm", "scan"} <= set(rows) and len(rows["sample"]) == record.samples * 3
    orienteer(folder, report)
    page = (folder / "run" / "report.html").read_text(encoding="utf-8")
    for words in (task.card.title, task.card.question, task.card.intro, task.card.metrics[0].title):
        assert words in page, f"the report does not say: {words}"
    assert "Distance of two views" in page, "its rows are drawn"


@pytest.mark.slow
def test_how_to__alone_it_is_judged_and_probed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``tasks={distance: {...}}``, which the page names: the verdict rests on it, and its probes are shown."""
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)

    def orienteer(command: str, *more: str) -> str:
        done = CliRunner().invoke(app, [*shlex.split(command)[1:], *more], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    phantom_store(folder, people=8)
    pretrain, evaluate, report = PAGE.commands
    words = shlex.split(pretrain)
    words[-1] = words[-1].replace("tasks.distance={", "tasks={distance: {").removesuffix("}") + "}}"
    orienteer(shlex.join(words), *(word for each in SMALL for word in ("--set", each)))
    told = orienteer(evaluate)
    record = EvaluationRecord.read(folder / "run" / "evaluations" / "test")
    assert (record.verdict.task, record.verdict.metric) == ("distance", "separation_error_mm")
    assert [probe.card.name for probe in record.probes] == list(PROBES)
    assert record.verdict.sentence.split(",")[0].removesuffix(".") in " ".join(told.split())
    orienteer(report)
    page = (folder / "run" / "report.html").read_text(encoding="utf-8")
    assert all(probe.card.title in page for probe in record.probes)
    assert "no place to cheat" not in page


def test_how_to__settings_on_the_page_are_valid(folder: Path) -> None:
    block = PAGE.text.split("```yaml\n")[1].split("```")[0]
    chosen = PretrainSettings.read(yaml.safe_load(block)).active_tasks
    assert chosen == {"distance": {"class": "distance_task:DistanceTask", "length_mm": 30}}
    assert '[project.entry-points."orienteer.tasks"]\ndistance = "distance_task:DistanceTask"' in PAGE.text


def test_how_to__the_example_obeys_the_linter(folder: Path) -> None:
    options = ("check", "--config", str(REPOSITORY / "pyproject.toml"), "--ignore", "D", "--ignore", "S", str(folder))
    lint = python(folder, "-m", "ruff", *options)
    assert lint.returncode == 0, lint.stdout
    assert '"""' in PAGE.files[FILE].split("class DistanceTask")[1], "documented all the same"
