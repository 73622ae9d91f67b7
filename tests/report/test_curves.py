"""Figures over training."""

from pathlib import Path

import numpy as np
import pytest

from orienteer.records.evidence import Points
from orienteer.records.metric import Metric
from orienteer.report.curves import machine_figures, training_figures
from orienteer.report.history import curves
from orienteer.report.read import RunRecords, read_run

from .hand_made import POSITION, HandMade, card
from .run_folder import make_run


def test_training_figures__the_first_task_s_headline_comes_first_and_wide(records: RunRecords) -> None:
    first, more = training_figures(records)
    assert first[0].name == "curve-gap-gap_error_mm" and first[0].span == 6
    assert {figure.name for figure in more} == {
        "curve-gap-gap_error_median_mm",
        "curve-adjacency-adjacency_accuracy_all",  # stands in for another that is there
        "curve-adjacency-embedding_rank",
    }
    traces = {trace["name"]: trace for trace in first[0].data}
    assert set(traces) == {"training subjects", "held-out subjects", "chance", "best checkpoint"}
    logged = curves(records.lines, "validation")["gap"]["gap_error_mm"]
    np.testing.assert_allclose(traces["held-out subjects"]["y"], logged.values, atol=1e-5)
    assert set(traces["chance"]["y"]) == {68.0}


@pytest.mark.parametrize("count", range(1, 9))
def test_training_figures__leave_no_hole_in_the_last_row(tmp_path: Path, count: int) -> None:
    metrics = [Metric(name=f"m{n}_mm", title=f"M {n}", unit="mm", shown="curve") for n in range(count)]
    task = HandMade(card("many", *metrics, evidence=(Points(),)), POSITION.rows, POSITION.measure)
    first, _ = training_figures(read_run(make_run(tmp_path / "run", tasks=(task,), splits=())))
    assert len(first) == count and first[0].span == 6 and sum(figure.span for figure in first) % 6 == 0


def test_training_figures__say_what_the_card_says_to_look_for(records: RunRecords) -> None:
    first, _ = training_figures(records)
    assert first[0].look == "It should reach a few mm on held-out subjects."


def test_training_figures__of_a_task_without_a_card_lead_with_its_first_measure(tmp_path: Path) -> None:
    first, more = training_figures(read_run(make_run(tmp_path / "run", tasks=("route",), splits=(), cards=False)))
    assert [figure.title for figure in first] == ["Direction error over training"]
    assert [figure.title for figure in more] == ["Route arrival", "Route closure"]


def test_training_figures__mark_the_best_checkpoint_on_the_validation_curve(records: RunRecords) -> None:
    star = next(trace for trace in training_figures(records)[0][0].data if trace["name"] == "best checkpoint")
    logged = curves(records.lines, "validation")["gap"]["gap_error_mm"]
    assert star["x"] == [1800]
    assert abs(star["y"][0] - float(logged.values[logged.steps == 1800][0])) < 1e-3


def test_training_figures__show_fractions_as_per_cent(records: RunRecords) -> None:
    figure = next(f for f in training_figures(records)[0] if f.name == "curve-adjacency-adjacency_accuracy")
    held_out = next(trace for trace in figure.data if trace["name"] == "held-out subjects")
    assert 85 < held_out["y"][-1] <= 101
    assert next(trace for trace in figure.data if trace["name"] == "chance")["y"][0] == 50.0


def test_training_figures__only_of_the_tasks_that_were_trained(tmp_path: Path) -> None:
    first, more = training_figures(read_run(make_run(tmp_path / "run", tasks=("route",), splits=())))
    assert {figure.name.split("-")[1] for figure in [*first, *more]} == {"route"}


def test_machine_figures__are_loss_rate_and_waiting(records: RunRecords) -> None:
    figures = {figure.name: figure for figure in machine_figures(records)}
    assert set(figures) == {"training-loss", "training-learning_rate", "training-data_wait_fraction"}
    assert all(2 <= value <= 4 for value in figures["training-data_wait_fraction"].data[0]["y"])
