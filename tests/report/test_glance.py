"""The run at a glance."""

import json
from pathlib import Path

import numpy as np
import pytest

from orienteer.report.glance import Answer, glance, half_of_chance
from orienteer.report.history import Curve
from orienteer.report.read import RunRecords, read_run

from .hand_made import MASKED
from .run_folder import edited, make_run


def _told(run: RunRecords) -> dict[str, Answer]:
    return {answer.question: answer for answer in glance(run, ())}


def _curve(values: list[float], chance: float) -> Curve:
    steps = np.arange(len(values)) * 100
    return Curve("mm", steps, np.array(values), np.full(len(values), chance))


@pytest.mark.parametrize(
    ("values", "chance", "better", "step"),
    [
        ([60, 31, 29, 40], 60, "lower", 200),
        ([60, 40, 31], 60, "lower", None),
        ([60, 30], float("nan"), "lower", None),
        ([0.5, 0.7, 0.75], 0.5, "higher", 200),
    ],
)
def test_half_of_chance__is_the_first_validation_that_far(
    values: list[float], chance: float, better: str, step: int | None
) -> None:
    assert half_of_chance(_curve(values, chance), better) == step


def test_glance__says_the_figures_of_the_records(records: RunRecords) -> None:
    told = _told(records)
    value = records.lead.record.tasks[0].measures["gap_error_mm"]  # type: ignore[union-attr]
    assert value.value is not None and value.chance is not None
    assert told["Error and chance"].answer == f"Gap error {value.value:.1f} mm, chance {value.chance:.1f} mm"
    assert "Chance is answering “no gap at all”." in told["Error and chance"].aside
    # An error of 68 mm that falls to 5 mm within some 350 steps is halved after about 270 of them.
    assert told["Better than half of chance"].answer == "First at step 400 of 2,000"
    assert told["Worst region"].anchor == "plot-gap-0-where-region"


def test_glance__of_a_share_asks_when_it_was_half_way_to_perfect(tmp_path: Path) -> None:
    told = _told(read_run(make_run(tmp_path / "run", tasks=("adjacency",), splits=("val",))))
    assert told["Half-way from chance to perfect"].answer.startswith("First at step ")


def test_glance__does_not_blame_a_region_that_chance_may_have_made_the_worst(tmp_path: Path) -> None:
    told = _told(read_run(make_run(tmp_path / "run", splits=("test",), per_scan=1)))
    assert "Its interval holds the mean: it does not stand out." in told["Worst region"].aside


def test_glance__of_a_run_that_is_not_judged_says_what_is_known(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", splits=())
    edited(run / "run.json", seconds=None, finished=None, steps=None)
    (run / "summary.json").unlink()
    told = _told(read_run(run))
    assert told["Error and chance"].answer.startswith("Gap error ")
    assert told["Error and chance"].answer.endswith("at step 2,000, chance 68.0 mm")
    assert told["Better than half of chance"].answer == "First at step 400"
    assert told["Time"].answer == "Not finished: step 2,000 was logged last"
    assert told["What next"].answer.startswith("Let it train")
    assert all(answer.answer for answer in told.values())


def test_glance__of_a_run_without_a_spatial_task_says_why_it_has_no_border_and_no_region(tmp_path: Path) -> None:
    told = _told(read_run(make_run(tmp_path / "run", tasks=(MASKED,), splits=("val",))))
    assert told["Border of the views"].answer == "Nothing to ask: no task asks where something is"
    assert told["Worst region"].answer.startswith("Not known: no task's rows say where")


def test_glance__of_damaged_records_is_still_there(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", splits=("val",))
    (run / "run.json").write_text(json.dumps([]), encoding="utf-8")
    lines = (run / "observations.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (run / "observations.jsonl").write_text(lines[0], encoding="utf-8")
    told = _told(read_run(run))
    assert told["Settings"].answer == "Not known: run.json cannot be read"
    assert told["Better than half of chance"].answer == "Not known: no validation was logged"
