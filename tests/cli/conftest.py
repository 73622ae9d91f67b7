"""A command in the tests' own process, as its user meets it."""

from collections.abc import Callable

import pytest

from orienteer.cli import main

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def orienteer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in this process; returns exit status, standard output and error."""

    def run(*words: object, columns: int = 160) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["orienteer", *map(str, words)])
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), *capsys.readouterr()

    return run
