"""Reading a run folder, whole, unfinished or damaged."""

import json
import shutil
from pathlib import Path

import pytest

from orienteer.errors import RunError
from orienteer.report.evaluated import Evaluated
from orienteer.report.read import RunRecords, number, read_run

from .example_files import write_json
from .run_folder import edited, make_run


def test_read__finds_everything_in_a_finished_run(records: RunRecords) -> None:
    assert records.problems == ()
    assert [evaluation.record.name for evaluation in records.evaluations] == ["test", "val"]
    assert set(records.evaluations[0].tables) == {"gap", "adjacency", "route", "position"}
    example = records.evaluations[0].examples[0]
    assert [plane.axis for plane in example.planes] == [0, 1, 2]
    assert [plane.image.shape for plane in example.planes] == [(72, 60), (60, 60), (60, 72)]
    assert example.centres_mm.shape == (3, 3)


def test_read__leads_with_test_people_then_validation_then_any(tmp_path: Path) -> None:
    both = read_run(make_run(tmp_path / "both", splits=("train", "val", "test")))
    assert both.lead is not None and both.lead.record.split == "test"
    one = read_run(make_run(tmp_path / "one", splits=("train", "val")))
    assert one.lead is not None and one.lead.record.split == "val"
    other = read_run(make_run(tmp_path / "other", splits=("train",)))
    assert other.lead is not None and other.lead.record.split == "train"
    assert read_run(make_run(tmp_path / "none", splits=())).lead is None


def test_read__leads_with_people_the_run_has_not_seen(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", splits=("test", "val"))
    for name, seen in (("test", "unknown"), ("val", "none")):
        edited(run / "evaluations" / name / "evaluation.json", seen=seen)
    lead = read_run(run).lead
    assert lead is not None and (lead.record.name, lead.record.seen) == ("val", "none")


@pytest.mark.parametrize(
    ("steps", "finished", "lead"),
    [
        ({"test": 1000, "val": 1000, "so-far": 3000}, False, "so-far"),
        ({"test": 1000, "val": 4000}, True, "val"),
        ({"test": 4000, "val": 4000}, True, "test"),
        ({"test": 1000, "val": 1000}, True, "test"),  # the longer run never became better
        ({"test": 1000, "val": 1000}, False, "test"),  # not validated since: nothing else speaks for it
    ],
)
def test_read__an_extended_run_is_not_led_by_a_checkpoint_it_has_left_behind(
    steps: dict[str, int], finished: bool, lead: str, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", splits=("test", "val"))
    if "so-far" in steps:
        shutil.copytree(run / "evaluations" / "val", run / "evaluations" / "so-far")
    for name, step in steps.items():
        edited(run / "evaluations" / name / "evaluation.json", name=name, step=step)
    rates = {"learning_rate_before": 1e-3, "learning_rate": 2e-3}
    extension = {"at_step": 1000, "steps_before": 1000, "steps": 4000, "date": "2026-12-01T00:00:00+00:00", **rates}
    ended = {} if finished else {"finished": None}
    edited(run / "run.json", extensions=[extension], **ended)
    found = read_run(run).lead
    assert found is not None and found.record.name == lead


def test_read__an_evaluation_from_before_tasks_described_themselves_is_named_with_its_cure(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    edited(run / "evaluations" / "test" / "evaluation.json", v=1)
    found = read_run(run)
    assert [evaluation.record.name for evaluation in found.evaluations] == ["val"]
    (problem,) = found.problems
    assert problem.startswith("evaluations/test/evaluation.json") and str(tmp_path) not in problem
    assert problem.endswith("orienteer evaluate RUN STORE --name test --overwrite")


def test_read__cards_come_from_the_run_or_else_from_its_evaluations(tmp_path: Path) -> None:
    running = read_run(make_run(tmp_path / "running", splits=()))
    older = read_run(make_run(tmp_path / "older", cards=False))
    assert running.cards.keys() == older.cards.keys() == {"gap", "adjacency", "route", "position"}
    nothing = read_run(make_run(tmp_path / "nothing", splits=(), cards=False))
    assert nothing.cards == {} and nothing.title("gap") == "gap" and running.title("gap") == "Gap matrix"


def test_read__passes_over_a_line_torn_by_a_kill(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", splits=())
    whole = len(read_run(run).lines)
    log = run / "observations.jsonl"
    log.write_bytes(log.read_bytes()[:-25])
    assert len(read_run(run).lines) == whole - 1


def test_read__names_what_is_damaged_and_goes_on(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", splits=("val",))
    folder = run / "evaluations" / "val"
    (folder / "gap.parquet").write_bytes(b"PAR1 not really")
    (folder / "examples" / "sample_000.safetensors").write_bytes(b"\x00" * 40)
    (folder / "examples" / "sample_001.safetensors").unlink()
    (run / "summary.json").write_text("{half", encoding="utf-8")
    read = read_run(run)
    assert len(read.problems) == 4
    assert "gap" not in read.evaluations[0].tables and "route" in read.evaluations[0].tables
    assert len(read.evaluations[0].examples) == 3
    assert any("sample_001.json: missing" in problem for problem in read.problems)


@pytest.mark.parametrize("longer", [1, 20, 40, 80])
def test_read__problems_name_files_not_folders(tmp_path: Path, longer: int) -> None:
    # The report is shared; the folders above a study are often named after a person.
    run = make_run(tmp_path / ("x" * longer) / "Smith study" / "run", splits=("val",))
    folder = run / "evaluations" / "val"
    (folder / "gap.parquet").write_bytes(b"PAR1 not really")
    (folder / "examples" / "sample_001.safetensors").write_bytes(b"")
    (folder / "examples" / "sample_002.safetensors").unlink()
    (folder / "examples" / "sample_002.safetensors").mkdir()
    problems = read_run(run).problems
    assert len(problems) == 3 and any("gap.parquet" in problem for problem in problems)
    first = str(Path(*tmp_path.parts[:2]))
    assert not any("Smith" in problem or first in problem for problem in problems)


def test_read__leaves_out_a_table_without_its_columns(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", splits=("val",))
    folder = run / "evaluations" / "val"
    (folder / "position.parquet").write_bytes((folder / "route.parquet").read_bytes())
    read = read_run(run)
    assert "position" not in read.evaluations[0].tables
    assert read.problems == ("evaluations/val/position.parquet: lacks the columns view",)


def test_read__an_evaluation_without_its_record_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", splits=("val",))
    (run / "evaluations" / "val" / "evaluation.json").unlink()
    read = read_run(run)
    assert read.evaluations == ()
    (problem,) = read.problems
    assert problem.startswith("evaluations/val/evaluation.json")


def test_read__a_record_cannot_name_a_table_elsewhere(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", tasks=("gap",))
    path = run / "evaluations" / "val" / "evaluation.json"
    task = json.loads(path.read_text(encoding="utf-8"))["tasks"][0]
    edited(path, tasks=[task | {"card": task["card"] | {"name": "../test/gap"}}])
    assert read_run(run).evaluations[1].tables == {}


def test_read__a_missing_folder_is_an_error_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run: nothing is there") as caught:
        read_run(tmp_path / "nothing")
    assert "orienteer pretrain" in caught.value.cure


def test_read__a_folder_that_is_no_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"neither a run\.json nor an observations\.jsonl"):
        read_run(tmp_path)


def test_read__a_newer_version_is_an_error(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", splits=())
    info = json.loads((run / "run.json").read_text(encoding="utf-8"))
    write_json(run / "run.json", info | {"schema_version": 99})
    with pytest.raises(RunError, match="newer Orienteer"):
        read_run(run)


@pytest.mark.parametrize("value", [None, "5", True, float("nan"), float("inf"), [1.0]])
def test_number__refuses_what_is_no_finite_number(value: object) -> None:
    assert number(value) is None


def test_number__keeps_numbers() -> None:
    assert number(3) == 3.0


def test_rows__give_the_recorded_figure(lead: Evaluated) -> None:
    card, metric, value = lead.judged or pytest.fail("nothing was judged")
    errors = card.evidence[0].errors_mm(lead.tables[card.name])  # type: ignore[union-attr]
    assert metric.per_row == "vector" and value.value == pytest.approx(float(errors.mean()))
