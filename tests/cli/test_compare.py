"""``orienteer compare`` as a user calls it."""

import os
import subprocess
import sys
from pathlib import Path

from tests.comparison.results_folder import SEGMENTATION, make_results


def _orienteer(*arguments: str | Path, columns: int = 160) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "orienteer", *map(str, arguments)],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "COLUMNS": str(columns)},
    )  # fmt: skip


def test_compare__prints_a_table_and_the_paths_written(tmp_path: Path) -> None:
    folder = make_results(tmp_path / "results", tasks=(SEGMENTATION,), modes=("finetuned",))
    done = _orienteer("compare", folder, columns=80)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "masked autoencoding" in done.stdout
    assert "10 labels" in done.stdout
    assert "ours is" in done.stdout
    for name in ("results.md", "report.html", "aggregated.parquet", "comparisons.parquet"):
        assert f"written: {folder / name}" in done.stdout
        assert (folder / name).is_file()
    assert max(map(len, done.stdout.partition("written:")[0].splitlines())) <= 80


def test_compare__markup_in_a_label_is_shown_as_it_is(tmp_path: Path) -> None:
    arms = (("ours", "[bold]ours[/bold] [/x]", "ours"), ("scratch", "scratch", "scratch"))
    done = _orienteer("compare", make_results(tmp_path, arms=arms, tasks=(SEGMENTATION,), labels=(1,)))
    assert done.returncode == 0, done.stderr
    assert "[bold]ours[/bold] [/x]" in done.stdout


def test_compare__gaps_are_told(tmp_path: Path) -> None:
    done = _orienteer("compare", make_results(tmp_path, tasks=(SEGMENTATION,), labels=(1,), extras=False))
    assert "not complete: records/costs.parquet was not written" in done.stdout


def test_compare__a_wrong_folder_is_two_lines_not_a_traceback(tmp_path: Path) -> None:
    done = _orienteer("compare", tmp_path)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"orienteer: cannot read {tmp_path / 'benchmark.json'}")
    assert lines[1].startswith("  fix: ")


def test_compare__is_in_the_python_api() -> None:
    from orienteer import api
    from orienteer.comparison import compare

    assert api.compare is compare
