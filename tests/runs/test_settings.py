"""Settings from a file and from the command line."""

import pytest

from orienteer.errors import ConfigError
from orienteer.runs.settings import PretrainSettings


def active(*assignments: str, **values: object) -> list[str]:
    return list(PretrainSettings.read(values, assignments).active_tasks)


DEFAULT = ["gap", "adjacency", "route", "position", "masked"]


def test_read__the_default_is_the_recipe_that_measured_best() -> None:
    assert active() == DEFAULT
    assert PretrainSettings.read({}).active_tasks["masked"] == {"views": 1}


def test_read__a_dotted_task_is_added_to_the_default_ones() -> None:
    assert active("tasks.genesis={}") == [*DEFAULT, "genesis"]


def test_read__null_switches_a_task_off() -> None:
    assert active("tasks.adjacency=null", "tasks.masked=null") == ["gap", "route", "position"]


def test_read__naming_all_tasks_replaces_the_default_ones() -> None:
    assert active("tasks={gap: {}}") == ["gap"]
    assert active(tasks={"route": {}}) == ["route"]
    assert active("tasks.position={}", tasks={"route": {}}) == ["route", "position"]


def test_read__a_task_keeps_its_own_settings() -> None:
    settings = PretrainSettings.read({}, ("tasks.gap.form=difference", "tasks.masked.block=8"))
    assert settings.active_tasks["gap"] == {"form": "difference"}
    assert settings.active_tasks["masked"] == {"views": 1, "block": 8}


def test_read__unknown_key_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"optimizer.*optimiser"):
        PretrainSettings.read({}, ("optimizer.steps=3",))
