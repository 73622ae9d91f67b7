"""The live line of a training: what matters most stays on a narrow terminal."""

import io
import re

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
    for figure in ("gap error 84.7 mm", "adjacency accuracy 70.3 %", "direction error 89.5°", "position error 40.2 mm"):
        assert figure in shown, "no figure is cut, at any width"
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert max(len(line.rstrip()) for line in re.split(r"[\r\n]", plain)) <= width


@pytest.mark.parametrize("width", [60, 80])
def test_progress__a_validation_is_broken_between_figures_only(width: int) -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=width, height=25, color_system=None)
    with TrainingProgress(2400, 0, enabled=False, console=console) as live:
        live.validated(200, {seen.task: seen for seen in SEEN}, best="gap error")
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in written.getvalue().splitlines()]
    assert max(map(len, lines)) <= width and len(lines) > 2
    assert lines[0].startswith("validation step 200: gap error 84.7 mm")
    assert all(any(f"{number}" in line for line in lines) for number in ("70.3 %", "89.5°", "position error 40.2 mm"))
    assert lines[-1] == "  ← best so far, by gap error"


def test_progress__without_a_terminal_a_line_a_minute_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("orienteer.training.progress.time.monotonic", lambda: clock[0])
    written = io.StringIO()
    with TrainingProgress(2400, 1200, enabled=True, console=Console(file=written, width=200)) as live:
        for step in range(1201, 1320):
            clock[0] += 1.0
            live.step(step, SEEN)
    lines = [line for line in written.getvalue().splitlines() if line.startswith("step 1,2")]
    assert len(lines) == 1, written.getvalue()
    assert "step 1,261 of 2,400, about 19.0 min left: gap error 84.7 mm" in lines[0]


def test_progress__switched_off_it_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orienteer.training.progress.MINUTE", -1.0)
    written = io.StringIO()
    with TrainingProgress(10, 0, enabled=False, console=Console(file=written, width=200)) as live:
        live.step(1, SEEN)
    assert not written.getvalue()
