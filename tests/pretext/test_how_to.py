"""docs/how-to/add-a-pretext-task.md, followed to the letter in a copy of the source."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import orienteer

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "how-to" / "add-a-pretext-task.md"


def blocks() -> tuple[dict[str, str], list[str]]:
    """Files by path, and the lines to add to the registry, as the page gives them."""
    text = PAGE.read_text(encoding="utf-8")
    files = dict(re.findall(r"`((?:src|tests)/[^`]*\.py)`:\n\n```python\n(.*?)```", text, flags=re.DOTALL))
    registry = text.split("## 2.")[1].split("## 3.")[0]
    return files, re.findall(r"^\+(.*\n)", registry, flags=re.MULTILINE)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the source in which the page has been followed."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(orienteer.__file__).parent, tmp_path / "src" / "orienteer", ignore=ignored)
    files, (import_line, entry) = blocks()
    for name, text in files.items():
        if not name.endswith("registry.py"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
    registry = tmp_path / "src/orienteer/pretext/registry.py"
    lines = registry.read_text(encoding="utf-8").splitlines(keepends=True)
    lines.insert(next(n for n, line in enumerate(lines) if "pretext.gap" in line), import_line)
    lines.insert(next(n for n, line in enumerate(lines) if "PositionTask," in line) + 1, entry)
    registry.write_text("".join(lines), encoding="utf-8")
    return tmp_path


def run(copy: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / "src"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_how_to__names_the_three_things_to_touch() -> None:
    files, registry = blocks()
    assert set(files) == {
        "src/orienteer/pretext/distance/__init__.py",
        "src/orienteer/pretext/distance/settings.py",
        "src/orienteer/pretext/distance/task.py",
        "tests/pretext/test_distance.py",
    }
    assert len(registry) == 2


@pytest.mark.slow
def test_how_to__the_example_keeps_the_contract_and_trains(copy: Path) -> None:
    """Its contract suite passes, all of it; broken on purpose, it does not."""
    suite = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests/pretext/test_distance.py")
    passed = run(copy, *suite)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert int(re.search(r"(\d+) passed", passed.stdout)[1]) >= 15
    assert not re.search(r"skipped|deselected", passed.stdout)
    task = copy / "src/orienteer/pretext/distance/task.py"
    task.write_text(task.read_text().replace("(views.centres[:, j] - views.centres[:, i])", "views.centres[:, j]"))
    broken = run(copy, *suite)
    assert broken.returncode == 1
    assert "test_task__does_not_know_where_the_scan_lies" in broken.stdout


@pytest.mark.slow
def test_how_to__the_example_obeys_the_linter_and_its_settings_are_found(copy: Path) -> None:
    folder = copy / "src/orienteer/pretext/distance"
    lint = run(copy, "-m", "ruff", "check", "--config", str(REPOSITORY / "pyproject.toml"), str(folder))
    assert lint.returncode == 0, lint.stdout
    told = run(
        copy, "-c",
        "from orienteer.pretext.registry import TASKS;"
        "print(TASKS['distance'].settings_type.build({'length_mm': 30, 'weight': 2}))",
    )  # fmt: skip
    assert told.stdout.strip() == "weight=2.0 length_mm=30.0", told.stderr
