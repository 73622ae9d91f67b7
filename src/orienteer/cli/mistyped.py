"""An option that a command does not have: the one that was meant, or the setting."""

import importlib
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from orienteer.config import Config

SETTINGS = {
    "pretrain": ("orienteer.runs.settings", "PretrainSettings"),
    "finetune": ("orienteer.finetune.settings", "FinetuneSettings"),
    "probe": ("orienteer.finetune.settings", "FinetuneSettings"),
}
"""Settings of the commands that take ``--set``; imported only to answer a mistake."""


def suggestion(option: str, command: str, options: Iterable[str]) -> str:
    """What was meant instead of ``--step``: ``--set optimiser.steps=VALUE``; empty where nothing is near.

    Args:
        option: as it was typed.
        command: name of the command.
        options: those that it has.
    """
    name = option.lstrip("-").replace("-", "_")
    if command in SETTINGS:
        module, kind = SETTINGS[command]
        names = dict[str, str]()
        for dotted in _names(getattr(importlib.import_module(module), kind)):
            names.setdefault(dotted.rpartition(".")[2], dotted)
        if near := get_close_matches(name, names, n=1, cutoff=0.8):
            return f"--set {names[near[0]]}=VALUE"
    known = [each for each in options if each != "--help"]
    begun = [each for each in known if each.startswith(option.removesuffix("s"))]
    return next(iter([*begun, *get_close_matches(option, known, n=1, cutoff=0.65)]), "")


def _names(kind: Any, within: str = "") -> Iterable[str]:
    """Dotted names of all settings, the outermost first."""
    groups = {name: field.annotation for name, field in kind.model_fields.items()}
    yield from (within + name for name in groups)
    for name, group in groups.items():
        if isinstance(group, type) and issubclass(group, Config):
            yield from _names(group, f"{within}{name}.")
