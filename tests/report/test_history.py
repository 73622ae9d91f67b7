"""From logged lines to curves."""

import math

from orienteer.report.history import curves


def _line(step: int, value: object, phase: str = "train", chance: object = 68.0) -> dict[str, object]:
    measure = {"value": value, "unit": "mm", "chance": chance, "better": "lower"}
    return {"v": 1, "step": step, "phase": phase, "task": "gap", "measures": {"gap_error_mm": measure}}


def test_curves__are_sorted_and_kept_apart_by_phase() -> None:
    lines = (_line(20, 9.0), _line(10, 30.0), _line(20, 11.0, "validation"))
    curve = curves(lines, "train")["gap"]["gap_error_mm"]
    assert curve.steps.tolist() == [10, 20] and curve.values.tolist() == [30.0, 9.0]
    assert curve.unit == "mm" and curve.chance.tolist() == [68.0, 68.0]
    assert curves(lines, "validation")["gap"]["gap_error_mm"].values.tolist() == [11.0]


def test_curves__a_step_written_twice_counts_once_the_last_time() -> None:
    curve = curves((_line(10, 30.0), _line(20, 9.0), _line(10, 29.0)), "train")["gap"]["gap_error_mm"]
    assert curve.steps.tolist() == [10, 20] and curve.values.tolist() == [29.0, 9.0]


def test_curves__leave_out_what_has_no_value_and_mark_unknown_chance() -> None:
    curve = curves((_line(10, None), _line(20, 9.0, chance=None)), "train")["gap"]["gap_error_mm"]
    assert curve.steps.tolist() == [20] and math.isnan(curve.chance[0])


def test_curves__of_a_damaged_line_are_empty() -> None:
    assert curves(({"step": 1, "phase": "train", "task": "gap", "measures": [1, 2]},), "train") == {}
