"""What adding a task touches, read off the source itself: the position field is the proof."""

import ast
from pathlib import Path

import pytest

import orienteer
from orienteer.pretext.contract import PretextTask, TaskSettings
from orienteer.pretext.registry import TASKS

SOURCE = Path(orienteer.__file__).parent


def imported(path: Path) -> set[str]:
    """Full names of everything a module imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def importers(package: str) -> set[str]:
    return {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if any(f"{name}.".startswith(f"{package}.") for name in imported(path))
    }


def test_registry__keys_are_the_tasks_own_names() -> None:
    ours, baselines = ["gap", "adjacency", "route", "position"], ["masked", "genesis", "simclr", "voco", "rpr"]
    assert list(TASKS) == [*ours, *baselines, "patch_location"]
    for name, task in TASKS.items():
        assert task.name == name
        assert issubclass(task, PretextTask) and issubclass(task.settings_type, TaskSettings)
        assert task.__module__ == f"orienteer.pretext.{name}.task"


def test_registry__the_search_for_importers_finds_them() -> None:
    """The proof below would prove nothing if it saw no imports at all."""
    assert "pretext/registry.py" in importers("orienteer.pretext.gap")
    assert "pretext/model.py" in importers("orienteer.pretext.registry")


def test_registry__position_touches_its_own_folder_and_the_registry_only() -> None:
    outside = {path for path in importers("orienteer.pretext.position") if not path.startswith("pretext/position/")}
    assert outside == {"pretext/registry.py"}
    lines = (SOURCE / "pretext" / "registry.py").read_text(encoding="utf-8").splitlines()
    assert sum("PositionTask" in line for line in lines) == 2  # its import, and its line


def test_registry__no_module_speaks_of_the_position_task_by_class_or_path() -> None:
    """Neither as a string (an import by name) nor by its classes."""
    for path in SOURCE.rglob("*.py"):
        place = path.relative_to(SOURCE).as_posix()
        if not place.startswith("pretext/position/") and place != "pretext/registry.py":
            text = path.read_text(encoding="utf-8")
            for word in ("pretext.position", "pretext/position", "PositionTask", "PositionSettings"):
                assert word not in text, f"{place} mentions {word}"


@pytest.mark.parametrize("name", sorted(TASKS))
def test_registry__a_task_imports_no_other_task(name: str) -> None:
    others = tuple(f"orienteer.pretext.{other}." for other in TASKS if other != name)
    for path in (SOURCE / "pretext" / name).rglob("*.py"):
        assert not {one for one in imported(path) if f"{one}.".startswith(others)}
