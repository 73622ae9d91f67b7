from pathlib import Path

from orienteer.comparison.records import read_records
from orienteer.comparison.statistics import analyse
from orienteer.comparison.tables import efficiency_table, score_table

from .results_folder import SEGMENTATION, make_results

TWO = (("ours", "ours", "ours"), ("scratch", "scratch", "scratch"))
PROBE = {**SEGMENTATION, "kind": "probe", "metric": "position_linear_mm", "better": "lower", "unit": "mm"}


def test_efficiency_table__is_left_out_where_scratch_has_no_curve(tmp_path: Path) -> None:
    made = {"arms": TWO, "tasks": (SEGMENTATION,), "modes": ("finetuned",), "extras": False}
    for labels, shown in (((12,), False), ((1, 3), True)):
        records = read_records(make_results(tmp_path / str(shown), labels=labels, **made))
        task = records.benchmark.tasks[0]
        assert (efficiency_table(analyse(records), records.benchmark, task, "finetuned") is not None) is shown


def test_score_table__names_what_was_measured_in_words(tmp_path: Path) -> None:
    records = read_records(make_results(tmp_path, arms=TWO, tasks=(PROBE,), modes=("frozen",), extras=False))
    table = score_table(analyse(records), records.benchmark, records.benchmark.tasks[0], "frozen")
    assert table.title == "Error of the position (mm), frozen features, lower is better"
