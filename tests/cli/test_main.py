"""The command line's frame: errors a person can read, Ctrl-C that says what is kept."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import orienteer.cli
import orienteer.cli.commands
from orienteer.errors import OrienteerError
from tests.training.nodes import of_torchrun


def test_main__prints_message_and_fix_without_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orienteer", "check", str(tmp_path / "nowhere")], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "fix:" in done.stderr
    assert "Traceback" not in done.stderr


def test_main__unknown_setting_is_told_with_the_known_ones_before_torch_is_imported(tmp_path: Path) -> None:
    code = "import sys; from orienteer.cli import main\ntry: main()\nfinally: print('torch' in sys.modules)"
    words = ("pretrain", "store", "run", "--set", "optimizer.steps=3")
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert "optimizer" in done.stderr
    assert "optimiser" in done.stderr
    assert not (tmp_path / "run").exists()
    assert done.stdout == "False\n"


WRONG_FOLDERS = (
    "pretrain scans run", "pretrain gone run", "evaluate store scans", "evaluate gone store", "probe store gone",
    "finetune segment gone out --from scratch", "predict scans gone out", "predict gone scans out",
)  # fmt: skip
ALL_OF_THEM = """
import sys
from orienteer.cli import main

for line in sys.argv[1:]:
    sys.argv = ["orienteer", *line.split()]
    try:
        main()
    except SystemExit as end:
        print(line, end.code, "torch" in sys.modules)
"""


def test_main__a_wrong_folder_is_told_before_torch_is_imported(tmp_path: Path) -> None:
    for name in ("store/manifest.json", "store/arrays/x", "scans/run.json", "scans/settings.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    command = [sys.executable, "-c", ALL_OF_THEM, *WRONG_FOLDERS]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines() == [f"{words} 2 False" for words in WRONG_FOLDERS]
    assert done.stderr.count("fix:") == len(WRONG_FOLDERS)


@pytest.mark.parametrize("words", [["check", ""], ["ingest", "", "store"], ["predict", "out", "", "predictions"]])
def test_main__an_empty_word_is_not_the_current_folder(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["orienteer", *words])
    with pytest.raises(SystemExit, match="2"):
        orienteer.cli.main()
    assert "is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "words"), [("ingest", "what was finished is kept; to go on"), ("probe", "nothing was written")]
)
def test_main__ctrl_c_says_what_is_kept(
    command: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["orienteer", command, "a", "b"])

    def interrupted() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)

    monkeypatch.setattr(orienteer.cli, "app", lambda: _as_typer_does(interrupted))
    with pytest.raises(SystemExit) as end:
        orienteer.cli.main()
    assert end.value.code == 130
    assert f"{words}" in (told := capsys.readouterr().err) and f"orienteer {command} a b" in told


@pytest.mark.parametrize("rank", [0, 1])
def test_main__what_one_process_does_is_refused_to_several_and_one_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rank: int
) -> None:
    for name, value in of_torchrun(rank, 2).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["orienteer", "ingest", "scans", "store"])
    with pytest.raises(SystemExit) as end:
        orienteer.cli.main()
    assert end.value.code == 2
    assert capsys.readouterr().err.count("orienteer ingest runs in one process") == 1 - rank


def test_main__other_exits_say_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(orienteer.cli, "app", lambda: sys.exit(1))
    with pytest.raises(SystemExit):
        orienteer.cli.main()
    assert capsys.readouterr().err == ""


def test_error__carries_message_and_cure() -> None:
    error = OrienteerError("the disk is full", cure="free some space")
    assert (error.message, error.cure) == ("the disk is full", "free some space")
    assert str(error) == "the disk is full — free some space"


def _as_typer_does(call) -> None:  # type: ignore[no-untyped-def]
    import typer

    app = typer.Typer()
    app.command()(call)
    app(args=[])


def test_main__tells_its_version() -> None:
    told = CliRunner().invoke(orienteer.cli.app, ["--version"])
    assert told.exit_code == 0
    assert told.stdout == f"orienteer {orienteer.__version__}\n"
