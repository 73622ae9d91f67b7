"""The how-to's code is run, and the figures it quotes are the ones the code gives."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "compare.md"


def test_how_to__its_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 1
    exec(compile(blocks[0], str(PAGE), "exec"), {"__name__": "how_to"})
    assert "ours is 7.0 points of Dice above scratch (p = 0.008)" in capsys.readouterr().out
    named = re.findall(r"^\| `([a-z.]+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(named) == 5
    there = {name for name in named if (tmp_path / "results" / name).is_file()}
    assert there == set(named) - {"curves.svg"}, "the example measures one label count, so it has no curves"
