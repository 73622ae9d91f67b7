"""What the terminal shows: counts and times are never cut off, a log is told every tenth, numbers read alike."""

import doctest
import io

import pytest
from rich.console import Console

from orienteer import console as shown
from orienteer.console import Bar, table


def terminal(width: int) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width, height=25, color_system=None)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 200])
def test_bar__on_a_narrow_terminal_only_the_note_is_cut(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    console, note = terminal(width), "[scan] " + "x" * 90
    with Bar("reading scans", 2400, console=console) as bar:
        bar.update(101, note)
        bar.live.refresh()
    lines = written(console)
    assert "reading scans" in lines and "101/2400" in lines and "-:--:--" in lines and "[scan]" in lines
    assert (note in lines) is (width == 200)


def test_bar__of_a_share_is_in_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    console = terminal(80)
    with Bar("measuring", 1.0, console=console) as bar:
        bar.update(0.25, "probe: border")
        bar.live.refresh()
    assert "25%" in written(console) and "probe: border" in written(console)


@pytest.mark.parametrize(("total", "told"), [(19, []), (20, range(2, 21, 2)), (250, range(25, 251, 25))])
def test_bar__a_log_is_told_every_tenth_without_notes(
    total: int, told: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    for kept in (True, False):
        with Bar("reading scans", total, shown=kept) as bar:
            for number in range(total):
                bar.advance(f"anna_{number}")
        lines = [line for line in capsys.readouterr().err.splitlines() if line]
        assert lines == ([f"reading scans: {done} of {total}" for done in told] if kept else [])


def test_bar__a_log_of_few_long_steps_is_told_after_some_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(0, 1000, 4))
    monkeypatch.setattr(shown.time, "monotonic", lambda: float(next(clock)))
    with Bar("predicting", 7) as bar:
        for _ in range(7):
            bar.advance()
    assert [line for line in capsys.readouterr().err.splitlines() if line] == [
        "predicting: 3 of 7",
        "predicting: 6 of 7",
    ]


def test_bar__goes_on_from_what_was_done_and_of_nothing_is_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar("cells", 40, done=30) as bar:
        assert list(bar.track("abc")) == ["a", "b", "c"] and bar.done == 33
    assert [line for line in capsys.readouterr().err.splitlines() if line] == ["cells: 32 of 40"]
    with Bar("nothing", 0) as bar:
        assert list(bar.track("")) == []
    assert capsys.readouterr().err == ""


def test_table__words_to_the_left_numbers_to_the_right() -> None:
    made = table("figure", "value", "unit", title="figures", left=("unit",))
    assert [column.justify for column in made.columns] == ["left", "right", "left"]


def test_console__examples_run() -> None:
    assert doctest.testmod(shown).failed == 0
