"""The live line of a training: what matters most stays on a narrow terminal."""

import io

import pytest
from rich.console import Console

from orienteer.records import Measure, Observation
from orienteer.training.progress import TrainingProgress

SEEN = tuple(
    Observation(task, {name: Measure(value, unit, None)})
    for task, name, value, unit in (
        ("gap", "gap_error_mm", 84.7, "mm"),
        ("adjacency", "adjacency_accuracy", 0.703, "fraction"),
        ("route", "direction_error_deg", 89.5, "deg"),
        ("position", "position_error_mm", 40.2, "mm"),
    )
)


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_progress__step_and_time_left_are_never_cut_off(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=width, height=25, color_system=None)
    with TrainingProgress(2400, 100, enabled=True, console=console) as live:
        live.step(101, SEEN)
        live.bar.live.refresh()
    shown = written.getvalue()
    assert "101/2400" in shown and "-:--:--" in shown
    assert "gap error 84.7 mm" in shown, "the first figure comes first"
    assert ("position error 40.2 mm" in shown) is (width >= 200)
