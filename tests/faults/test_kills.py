"""A short version of tests/fault_lab/kills.py."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from tests.fault_lab.kills import main
from tests.forked import forked


def _kills(*words: str) -> tuple[int, str]:
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        return main(words), told.getvalue()


@pytest.mark.slow
def test_kills__ingest_and_pretraining_end_as_if_undisturbed(tmp_path: Path) -> None:
    ended, told = forked(_kills, str(tmp_path / "out"), "--kills=4", "--only=ingest,update,pretrain", "--seed=3")
    assert ended == 0, told
    assert int(re.findall(r"(\d+) kills in", told)[0]) >= 4
    assert told.count("equal bit for bit") == 3
