"""A run that learned nothing still answers; whoever asks is told so."""

import json
import shutil
from pathlib import Path

import pytest

from orienteer.runs.pretrain import pretrain
from orienteer.runs.ready import Asker
from orienteer.runs.run import Run
from tests.runs.conftest import tiny


@pytest.fixture(scope="module")
def untrained(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two steps: stuck, of course."""
    folder = tmp_path_factory.mktemp("ready") / "run"
    settings = tiny("tasks={gap: {}, position: {}}", "optimiser.steps=2", "evaluation.final_per_scan=2")
    pretrain(store, folder, settings=settings, progress=False)
    return folder


def judged(run: Path, to: Path, label: str, position_mm: float) -> tuple[str, ...]:
    """What is told of a copy of a run, had it been judged so."""
    shutil.copytree(run, to)
    file = to / "evaluations" / "val" / "evaluation.json"
    record = json.loads(file.read_text())
    record["verdict"]["label"], record["verdict"]["sentence"] = label, f"It is {label}."
    for task in record["tasks"]:
        for value in task["measures"].values() if task["card"]["name"] == "position" else ():
            value |= {"value": position_mm, "interval": None}
    file.write_text(json.dumps(record))
    return Asker.of(Run.open(to)).notes


def test_asker__a_run_that_did_not_learn_says_so(untrained: Path, tmp_path: Path) -> None:
    for label in ("stuck", "cheating"):
        (note,) = judged(untrained, tmp_path / label, label, position_mm=1.0)
        assert note == f"{tmp_path / label} is {label}: It is {label}. What it finds means little."


def test_asker__a_verdict_from_before_it_was_extended_is_not_its_own(untrained: Path, tmp_path: Path) -> None:
    shutil.copytree(untrained, tmp_path / "run")
    file = tmp_path / "run" / "run.json"
    record = json.loads(file.read_text())
    rates = {"learning_rate_before": 0.0, "learning_rate": 1e-3}
    record |= {
        "finished": None,
        "extensions": [{"at_step": 2, "steps_before": 2, "steps": 8, "date": "2026-01-01", **rates}],
    }
    file.write_text(json.dumps(record))
    (note,) = Asker.of(Run.open(tmp_path / "run")).notes
    assert "was judged at step 2 and has been trained further since" in note
    assert note.endswith(f"orienteer evaluate {tmp_path / 'run'} STORE --split val --overwrite")


def test_asker__one_that_learned_all_but_places_says_so(untrained: Path, tmp_path: Path) -> None:
    assert judged(untrained, tmp_path / "good", "learning", position_mm=1.0) == ()
    (note,) = judged(untrained, tmp_path / "bad", "learning", position_mm=1e6)
    assert "is not shown to beat chance (1000000 mm, chance " in note and note.endswith("means little")


def test_asker__without_a_verdict_answers_and_with_a_damaged_one_says_so(untrained: Path, tmp_path: Path) -> None:
    shutil.copytree(untrained, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "evaluations")
    assert Asker.of(Run.open(tmp_path / "run")).notes == ()
    shutil.copytree(untrained / "evaluations", tmp_path / "run" / "evaluations")
    (tmp_path / "run" / "evaluations" / "val" / "evaluation.json").write_text("{")
    (note,) = Asker.of(Run.open(tmp_path / "run")).notes
    assert "evaluation.json" in note


def test_asker__features_are_compared_with_those_of_the_same_checkpoint_alone(untrained: Path) -> None:
    run = Run.open(untrained)
    best = Asker.of(run).trained
    assert best is not None and best.features is not None
    other = Asker.of(run, 0 if best.features.step else run.steps[-1]).trained
    assert other == best.model_copy(update={"features": None})
