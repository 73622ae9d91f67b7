"""An output below a file, or in a closed folder: two lines that say so before any work, whatever the command."""

import os
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orienteer.atomic import make_folder, refuse_place
from orienteer.cli import app, commands
from orienteer.errors import OrienteerError
from orienteer.testing.phantom import phantom_store
from tests.pages import REPOSITORY
from tests.scans.files import nifti

assert commands is not None

COMMANDS = (
    "check scans --json {}",
    "check scans --people {}",
    "ingest scans {}",
    "pretrain store {} --set optimiser.steps=1",
    "evaluate run store --json {}",
    "finetune segment store {} --from scratch --labelled-scans 1 --seeds 1",
    f"benchmark {shlex.quote(str(REPOSITORY / 'benchmarks' / 'hippocampus-cpu.yaml'))} {{}}",
    "demo {}",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outputs")
    phantom_store(folder, people=5)
    nifti(folder / "scans" / "a.nii.gz")
    (folder / "run").mkdir()
    for name in ("run.json", "settings.yaml"):
        (folder / "run" / name).touch()
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_output__below_a_file_is_refused_by_name(folder: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.chdir(folder)
    Path("some.txt").write_text("mine")
    result = CliRunner().invoke(app, shlex.split(command.format("some.txt/new")))
    error = result.exception
    assert isinstance(error, OrienteerError), result.output
    assert error.message.startswith("cannot ") and " some.txt/new" in error.message
    assert error.cure == "some.txt is a file; name a folder"
    assert Path("some.txt").read_text() == "mine" and "scans can be used" not in result.output


def test_refuse_place__a_closed_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_place(tmp_path / "deep" / "below" / "new.json")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(OrienteerError, match=r"cannot write .*new\.json: Permission denied") as caught:
        refuse_place(tmp_path / "deep" / "new.json")
    assert caught.value.cure == "choose a folder you may write to"


def test_make_folder__where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OrienteerError, match="File exists") as caught:
        make_folder(tmp_path / "file")
    assert caught.value.cure == f"{tmp_path / 'file'} is a file; name a folder"
