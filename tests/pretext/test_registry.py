"""Which tasks there are, where a task may come from, and what a wrong name is answered with."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import orienteer
from orienteer.errors import ConfigError
from orienteer.pretext.contract import PretextTask, TaskSettings
from orienteer.pretext.registry import TASKS, chosen_tasks, task_type
from tests.pretext.outside_task import DistanceTask

SOURCE = Path(orienteer.__file__).parent
HERE = "tests.pretext.outside_task:DistanceTask"


def test_registry__keys_are_the_tasks_own_names() -> None:
    ours, baselines = ["gap", "adjacency", "route", "position", "pose"], ["masked", "genesis", "simclr", "voco", "rpr"]
    assert list(TASKS) == [*ours, *baselines, "patch_location"]
    for name in TASKS:
        task = task_type(name)
        assert task.card.name == name
        assert issubclass(task, PretextTask) and issubclass(task.settings_type, TaskSettings)
        assert task.settings_type is not TaskSettings
        assert task.__module__ == f"orienteer.pretext.{name}"


def test_registry__listing_tasks_imports_none() -> None:
    """The names are known without the tasks; each is imported when it is asked for."""
    tree = ast.parse((SOURCE / "pretext" / "registry.py").read_text(encoding="utf-8"))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not modules & {f"orienteer.pretext.{name}" for name in TASKS}


@pytest.mark.parametrize("name", sorted(TASKS))
def test_registry__a_task_is_one_file_that_nothing_else_mentions(name: str) -> None:
    """Neither by import nor as a string: its module and its classes stand in its own file and in the registry."""
    module, kind = TASKS[name].__module__, TASKS[name].__name__
    settings = task_type(name).settings_type.__name__
    own = (SOURCE / "pretext" / f"{name}.py", SOURCE / "pretext" / "registry.py")
    for path in SOURCE.rglob("*.py"):
        if path not in own:
            text = path.read_text(encoding="utf-8")
            for word in (module, f"pretext/{name}", kind, settings):
                assert word not in text, f"{path.relative_to(SOURCE)} mentions {word}"


def test_chosen_tasks__are_ours_first_then_in_the_order_of_the_settings() -> None:
    chosen = chosen_tasks({"distance": {"class": HERE, "length_mm": 30}, "route": {}, "gap": {"weight": 2.0}})
    assert list(chosen) == ["gap", "route", "distance"]
    assert chosen["distance"].kind is DistanceTask and chosen["distance"].values == {"length_mm": 30}
    assert chosen["gap"].values == {"weight": 2.0}


def test_task_type__ours_may_be_replaced_by_a_class_of_the_same_name(tmp_path: Path, module: str) -> None:
    (tmp_path / f"{module}.py").write_text(
        "from orienteer.pretext.gap import GapTask\n\n\nclass MyGap(GapTask):\n    pass\n", encoding="utf-8"
    )
    assert task_type("gap", f"{module}:MyGap").__name__ == "MyGap"
    assert task_type("gap").__name__ == "GapTask"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Name of a module that can be imported once it is written to ``tmp_path``."""
    monkeypatch.syspath_prepend(tmp_path)
    yield "a_task_of_this_test"
    sys.modules.pop("a_task_of_this_test", None)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that announces the task ``distance``, as pip would leave it: metadata on the path."""
    folder = tmp_path / "site" / "distance_task-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: distance-task\nVersion: 1.0\n", encoding="utf-8")
    (folder / "entry_points.txt").write_text(f"[{TASKS.group}]\ndistance = {HERE}\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setattr(TASKS, "_installed", None)  # read anew, here and afterwards
    monkeypatch.setattr(TASKS, "_classes", {})


def test_task_type__an_installed_package_announces_its_own(installed: None) -> None:
    assert task_type("distance") is DistanceTask
    chosen = chosen_tasks({"distance": {"length_mm": 30}, "gap": {}})
    assert list(chosen) == ["gap", "distance"] and chosen["distance"].values == {"length_mm": 30}
    with pytest.raises(ConfigError) as caught:
        task_type("jigsaw")
    assert "patch_location, distance, or name your own" in caught.value.cure


@pytest.mark.parametrize("tasks", [{"distance": {}}, {"gap": {}, "distance": {"length_mm": 30}}])
def test_chosen_tasks__an_unknown_name_is_answered_with_what_there_is(tasks: dict) -> None:
    with pytest.raises(ConfigError, match="tasks: distance unknown") as caught:
        chosen_tasks(tasks)
    assert all(name in caught.value.cure for name in TASKS)
    assert "tasks.NAME={class: package.module:Name}" in caught.value.cure


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        ("distance", "no_such_module:DistanceTask", "cannot import no_such_module:DistanceTask: No module named"),
        ("distance", "tests.pretext.outside_task:Nothing", "cannot import .*Nothing"),
        ("distance", "tests.pretext.outside_task", "cannot import tests.pretext.outside_task"),
        ("distance", ":DistanceTask", "cannot import :DistanceTask"),
        ("distance", "tests.pretext.outside_task:DistanceSettings", "is not a PretextTask"),
        ("distance", "pathlib:Path", "is not a PretextTask"),
        ("distance", "json:dumps", "is not a PretextTask"),
        ("far", HERE, "calls itself distance"),
    ],
)
def test_task_type__a_class_that_is_none_is_refused(name: str, path: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        task_type(name, path)
    assert f"tasks.{name}" in caught.value.message and caught.value.cure


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raise RuntimeError('no licence')", "no licence"),
        ("def broken(:", "cannot import"),
        ("import a_module_that_is_missing", "a_module_that_is_missing"),
    ],
)
def test_task_type__a_module_that_fails_while_it_is_imported_is_named(
    tmp_path: Path, module: str, text: str, words: str
) -> None:
    (tmp_path / f"{module}.py").write_text(text + "\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=words) as caught:
        task_type("distance", f"{module}:DistanceTask")
    assert f"{module}:DistanceTask" in caught.value.message


@pytest.mark.parametrize("body", ["pass", "card = None", "card = 'distance'"])
def test_task_type__a_task_without_a_card_is_refused(tmp_path: Path, module: str, body: str) -> None:
    (tmp_path / f"{module}.py").write_text(
        "from orienteer.pretext.contract import PretextTask, TaskSettings\n\n\n"
        f"class Cardless(PretextTask[TaskSettings]):\n    {body}\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError, match="card"):
        task_type("distance", f"{module}:Cardless")


def test_task_type__a_task_that_is_not_finished_is_refused(tmp_path: Path, module: str) -> None:
    """Without its ``measure`` it could not even be built: Python's own error would name no setting."""
    (tmp_path / f"{module}.py").write_text(
        "from orienteer.pretext.contract import PretextTask, TaskSettings\n"
        "from tests.pretext.outside_task import DistanceTask\n\n\n"
        "class Half(PretextTask[TaskSettings]):\n    card = DistanceTask.card\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError, match="forward, measure"):
        task_type("distance", f"{module}:Half")


def test_chosen_tasks__settings_of_an_outside_task_are_checked_by_its_own_class() -> None:
    from orienteer.pretext.contract import Interface

    interface = Interface(embedding=8, dense_channels=4, views=3, view_mm=72.0)
    (chosen,) = chosen_tasks({"distance": {"class": HERE, "lenght_mm": 30}}).values()
    with pytest.raises(ConfigError, match=r"tasks\.distance.*lenght_mm") as caught:
        chosen.build(interface)
    assert "length_mm" in caught.value.cure
