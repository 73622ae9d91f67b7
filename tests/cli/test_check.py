"""``orienteer check`` as a user calls it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.scans.bad import BAD
from tests.scans.files import nifti, voxels


def _orienteer(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from orienteer.cli import main; main()", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "COLUMNS": "160"}
    )


def test_check__prints_a_table_writes_json_and_exits_0(tmp_path: Path) -> None:
    nifti(tmp_path / "scans" / "good.nii.gz")
    BAD["text named nii.gz"].write(tmp_path / "scans")
    done = _orienteer(
        "check", tmp_path / "scans", "--json", tmp_path / "check.json", "--spacing", "2", "--workers", "1"
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "1 of 2 scans can be used" in done.stdout and "Estimate of an ingest at 2 mm" in done.stdout
    assert json.loads((tmp_path / "check.json").read_text())["totals"]["usable"] == 1


def test_check__exits_1_when_no_scan_can_be_used(tmp_path: Path) -> None:
    nifti(tmp_path / "field.nii.gz", voxels((8, 8, 8, 1, 3)))
    done = _orienteer("check", tmp_path)
    assert done.returncode == 1
    assert "colour" in done.stdout and "Traceback" not in done.stderr


def test_check__an_empty_folder_is_two_lines_not_a_traceback(tmp_path: Path) -> None:
    done = _orienteer("check", tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == f"orienteer: no scan in {tmp_path}"
    assert done.stderr.splitlines()[1].startswith("  fix: ")


def test_check__all_bad_files_at_once_leave_the_good_one(tmp_path: Path) -> None:
    for name, bad in BAD.items():
        folder = tmp_path / name.replace(" ", "_").replace(",", "")
        folder.mkdir()
        bad.write(folder)
    nifti(tmp_path / "good.nii.gz", voxels(seed=99))
    done = _orienteer("check", tmp_path, "--json", tmp_path / "check.json")
    assert done.returncode == 0 and done.stderr == ""
    record = json.loads((tmp_path / "check.json").read_text())
    assert "good" in [scan["id"] for scan in record["scans"] if scan["usable"]]
    assert {bad.code for bad in BAD.values()} <= set(record["findings"])


def test_check__help_has_examples(tmp_path: Path) -> None:
    done = _orienteer("check", "--help")
    assert done.returncode == 0
    assert "orienteer check hospital/ct --spacing 1.5" in done.stdout


def test_check__a_folder_for_the_json_is_refused_before_a_scan_is_read(tmp_path: Path) -> None:
    nifti(tmp_path / "in" / "a.nii.gz", voxels())
    for words in (("check", tmp_path / "in"), ("evaluate", tmp_path / "run", tmp_path / "store")):
        done = _orienteer(*words, "--json", tmp_path)
        assert done.returncode == 2 and "is a directory" in done.stderr and "usable" not in done.stdout
