"""Pretext tasks: shipped ones by name, installed ones by entry point, any other by import path."""

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from orienteer.errors import ConfigError
from orienteer.records.card import TaskCard
from orienteer.registry import Registry

if TYPE_CHECKING:
    from orienteer.pretext.contract import Interface, PretextTask

CLASS = "class"
"""Setting that names a task's class by its import path."""
TASKS: "Registry[PretextTask[Any]]" = Registry(
    "orienteer.pretext.contract:PretextTask",
    "orienteer.tasks",
    {
        "gap": "orienteer.pretext.gap:GapTask",
        "adjacency": "orienteer.pretext.adjacency:AdjacencyTask",
        "route": "orienteer.pretext.route:RouteTask",
        "position": "orienteer.pretext.position:PositionTask",
        "pose": "orienteer.pretext.pose:PoseTask",
        "masked": "orienteer.pretext.masked:MaskedTask",
        "genesis": "orienteer.pretext.genesis:GenesisTask",
        "simclr": "orienteer.pretext.simclr:SimclrTask",
        "voco": "orienteer.pretext.voco:VocoTask",
        "rpr": "orienteer.pretext.rpr:RprTask",
        "patch_location": "orienteer.pretext.patch_location:PatchLocationTask",
    },
)
"""A new task is one file in this folder and one line here, in the order of models and reports. An installed package
announces its tasks in the entry-point group ``orienteer.tasks``."""

DEFAULT_TASKS: Mapping[str, Mapping[str, Any]] = {
    "gap": {},
    "adjacency": {},
    "route": {},
    "position": {},
    "masked": {"views": 1},
}
"""The best recipe on validation subjects (docs/log.md): spatial tasks, and one of three views restored."""


class Chosen(NamedTuple):
    """An active task before it is built."""

    kind: "type[PretextTask[Any]]"
    values: Mapping[str, Any]

    def build(self, interface: "Interface") -> "PretextTask[Any]":
        """The task with its settings and its head.

        Raises:
            ConfigError: settings that do not fit.
        """
        settings = self.kind.settings_type.build(self.values, origin=f"tasks.{self.kind.name}")
        return self.kind(settings, interface)


def chosen_tasks(tasks: Mapping[str, Mapping[str, Any]]) -> dict[str, Chosen]:
    """The active tasks: registered ones in the registry's order, then the others.

    Args:
        tasks: name to settings; ``class`` among them names a class by import path, e.g.
            ``{distance: {class: "my_package.distance:DistanceTask", length_mm: 30}}``.

    Raises:
        ConfigError: no task, an unknown name, or a class that is not a pretext task of that name.
    """
    if not tasks:
        raise ConfigError("tasks: none is switched on", cure=_cure())
    order = [*(name for name in TASKS if name in tasks), *(name for name in tasks if name not in TASKS)]
    return {
        name: Chosen(
            task_type(name, tasks[name].get(CLASS)),
            {key: value for key, value in tasks[name].items() if key != CLASS},
        )
        for name in order
    }


def task_type(name: str, path: str | None = None) -> "type[PretextTask[Any]]":
    """The class of a task.

    Args:
        name: key in settings.
        path: import path of its class, ``package.module:ClassName``; None for registered tasks.

    Raises:
        ConfigError: no such task, or the class is not a pretext task.
    """
    if path is None:
        if name not in TASKS:
            raise ConfigError(f"tasks: {name} unknown", cure=_cure())
        return TASKS[name]
    from orienteer.pretext.contract import PretextTask

    module, _, attribute = str(path).partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except Exception as error:  # whatever a foreign module does while it is imported
        raise ConfigError(
            f"tasks.{name}.{CLASS}: cannot import {path}: {error}",
            cure="write package.module:ClassName, of a module in an installed package or in a folder of PYTHONPATH",
        ) from error
    if not (isinstance(found, type) and issubclass(found, PretextTask)):
        raise ConfigError(f"tasks.{name}.{CLASS}: {path} is not a PretextTask", cure="subclass orienteer's PretextTask")
    if not isinstance(getattr(found, "card", None), TaskCard):
        raise ConfigError(f"tasks.{name}.{CLASS}: {path} has no card", cure="write card = TaskCard(...) in the class")
    if unwritten := sorted(found.__abstractmethods__):
        raise ConfigError(f"tasks.{name}.{CLASS}: {path} lacks {', '.join(unwritten)}", cure="write what is missing")
    if found.name != name:
        raise ConfigError(f"tasks.{name}: {path} calls itself {found.name}", cure=f"write tasks.{found.name}")
    return found


def _cure() -> str:
    return f"choose from {', '.join(TASKS)}, or name your own: tasks.NAME={{{CLASS}: package.module:Name}}"
