"""Figures over training."""

from pathlib import Path

import numpy as np

from orienteer.report.curves import machine_figures, training_figures
from orienteer.report.history import curves
from orienteer.report.read import RunRecords, read_run

from .run_folder import make_run


def test_training_figures__gap_error_comes_first_in_mm_beside_chance(records: RunRecords) -> None:
    first, more = training_figures(records)
    assert first[0].name == "curve-gap-gap_error_mm" and first[0].span == 6
    assert {figure.name for figure in more} == {
        "curve-gap-distance_error_mm",
        "curve-adjacency-embedding_rank",
    }
    traces = {trace["name"]: trace for trace in first[0].data}
    assert set(traces) == {"training people", "held-out people", "chance", "best checkpoint"}
    logged = curves(records.lines, "validation")["gap"]["gap_error_mm"]
    np.testing.assert_allclose(traces["held-out people"]["y"], logged.values, atol=1e-5)
    assert set(traces["chance"]["y"]) == {68.0}


def test_training_figures__mark_the_best_checkpoint_on_the_validation_curve(records: RunRecords) -> None:
    star = next(trace for trace in training_figures(records)[0][0].data if trace["name"] == "best checkpoint")
    logged = curves(records.lines, "validation")["gap"]["gap_error_mm"]
    assert star["x"] == [1800]
    assert abs(star["y"][0] - float(logged.values[logged.steps == 1800][0])) < 1e-3


def test_training_figures__show_fractions_as_per_cent(records: RunRecords) -> None:
    figure = next(f for f in training_figures(records)[0] if f.name == "curve-adjacency-adjacency_accuracy")
    held_out = next(trace for trace in figure.data if trace["name"] == "held-out people")
    assert 85 < held_out["y"][-1] <= 101
    assert next(trace for trace in figure.data if trace["name"] == "chance")["y"][0] == 50.0


def test_training_figures__only_of_the_tasks_that_were_trained(tmp_path: Path) -> None:
    first, more = training_figures(read_run(make_run(tmp_path / "run", tasks=("route",), splits=())))
    assert {figure.name.split("-")[1] for figure in [*first, *more]} == {"route"}


def test_machine_figures__are_loss_rate_and_waiting(records: RunRecords) -> None:
    figures = {figure.name: figure for figure in machine_figures(records)}
    assert set(figures) == {"training-loss", "training-learning_rate", "training-data_wait_fraction"}
    assert all(2 <= value <= 4 for value in figures["training-data_wait_fraction"].data[0]["y"])
