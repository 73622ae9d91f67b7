"""A short version of tests/fault_lab/kills.py, in a process of its own: pytest's may hold threads."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.slow
def test_kills__ingest_and_pretraining_end_as_if_undisturbed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fault_lab.kills", str(tmp_path / "out")]
    options = ["--kills", "4", "--only", "ingest,update,pretrain", "--seed", "3"]
    ended = subprocess.run([*command, *options], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert int(re.findall(r"(\d+) kills in", ended.stdout)[0]) >= 4
    assert ended.stdout.count("equal bit for bit") == 3
