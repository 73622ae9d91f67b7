"""Write docs/reference/configuration.md from the settings classes, so that page and code cannot disagree.

Usage: ``python docs/make_reference.py`` writes the page; ``--check`` only says whether it is stale (exit 1).
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from orienteer.config import Config

PAGE = Path(__file__).resolve().parent / "reference" / "configuration.md"

INTRODUCTION = """\
# Configuration

Every setting of `orienteer pretrain`, with its type, its default and what it does. This page is generated from the
code by `make docs`; edit the docstrings, not the page.

Settings come from a YAML file (`--config run.yaml`), or one by one (`--set key=value`, which wins over the file). A
dot goes down one group, in the table as on the command line: `--set optimiser.steps=500`. An unknown key is an error
that lists the known ones. The settings a run used, all of them, are in `RUN/settings.yaml`.
"""


def render(top: type[Config], sections: dict[str, type[Config]]) -> str:
    """The whole page as Markdown.

    Args:
        top: the class that holds everything; its groups become sections, by walking their fields.
        sections: groups that no field names because they are chosen by a key, e.g. ``tasks.gap``.
    """
    own = [(name, field) for name, field in top.model_fields.items() if _group(field) is None]
    parts = [INTRODUCTION, "## Top level\n", _sentence(top), _table("", own)]
    for path, group in [*_groups(top, ""), *sections.items()]:
        fields = [(name, field) for name, field in group.model_fields.items() if _group(field) is None]
        parts += [f"## `{path}`\n", _sentence(group), _table(f"{path}.", fields)]
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def _groups(config: type[Config], prefix: str) -> Iterator[tuple[str, type[Config]]]:
    for name, field in config.model_fields.items():
        group = _group(field)
        if group is not None:
            yield f"{prefix}{name}", group
            yield from _groups(group, f"{prefix}{name}.")


def _group(field: FieldInfo) -> type[Config] | None:
    """The settings class of a field that is a group, also where the group may be null."""
    annotation = field.annotation
    options = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    found = [one for one in options if isinstance(one, type) and issubclass(one, Config)]
    return found[0] if found else None


def _sentence(config: type[Config]) -> str:
    paragraph = (config.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(paragraph.split()).replace("``", "`") + "\n"


def _table(prefix: str, fields: list[tuple[str, FieldInfo]]) -> str:
    if not fields:
        return ""
    rows = ["| key | type | default | what it does |", "|---|---|---|---|"]
    for name, field in fields:
        if not field.description:
            raise SystemExit(f"{prefix}{name} has no docstring below it, so the page cannot say what it does")
        cells = [
            f"`{prefix}{name}`",
            _type(field),
            _default(field),
            " ".join(field.description.split()).replace("``", "`"),
        ]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _type(field: FieldInfo) -> str:
    limits = []
    for constraint in field.metadata:
        for sign, attribute in ((">=", "ge"), (">", "gt"), ("<=", "le"), ("<", "lt")):
            bound = getattr(constraint, attribute, None)
            if bound is not None:
                limits.append(f"{sign} {bound:g}")
    name = _name(field.annotation)
    return f"{name}, {' and '.join(limits)}" if limits else name


def _name(annotation: Any) -> str:
    if annotation is Any:
        return "anything"
    if annotation is type(None):
        return "null"
    if hasattr(annotation, "__value__"):  # a named alias: ``type Form = ...``
        return _name(annotation.__value__)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:  # a limit inside a union, e.g. a count or ``auto``
        return _name(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (Union, UnionType):
        return " or ".join(_name(one) for one in arguments)
    if origin in (tuple, list):
        inner = ", ".join(_name(one) if one is not Ellipsis else "..." for one in arguments)
        return f"list of {inner}"
    if origin is dict:
        return "mapping"
    known = {int: "whole number", float: "number", str: "text", bool: "`true` or `false`", Path: "path"}
    return known.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "`null`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        return "`{" + ", ".join(f"{key}: {inner}" for key, inner in value.items()) + "}`"
    if isinstance(value, tuple):
        return f"`{list(value)}`"
    return f"`{value}`"


def page() -> str:
    """The page for Orienteer as it is installed."""
    from orienteer.pretext.registry import TASKS
    from orienteer.pretraining.settings import PretrainSettings

    return render(PretrainSettings, {f"tasks.{name}": task.settings_type for name, task in TASKS.items()})


def main() -> None:
    """Write the page, or with ``--check`` compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is stale")
    fresh = page()
    if not parser.parse_args().check:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(fresh, encoding="utf-8")
        print(f"written: {PAGE}")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != fresh:
        sys.exit(f"{PAGE} is stale; run: make docs")


if __name__ == "__main__":
    main()
