"""Write what docs say of settings, of ``check --json`` and of the verdict's rule from the code, so that they agree.

Usage: ``python docs/make_reference.py`` writes all files; ``--check`` only says whether one is stale (exit 1).
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from orienteer.config import Config

PAGE = Path(__file__).resolve().parent / "reference" / "configuration.md"
SCHEMA = PAGE.with_name("check.schema.json")
METHOD = PAGE.parent.parent / "concepts" / "method.md"
RULE = ("<!-- the verdict's rule, written by make docs -->\n", "<!-- end of the verdict's rule -->\n")

INTRODUCTION = """\
# Configuration

Every setting, with its type, its default and what it does. This page is generated from the code by `make docs`; edit
the docstrings, not the page.

- [`orienteer pretrain`](#orienteer-pretrain)
- [`orienteer finetune` and `orienteer probe`](#orienteer-finetune-and-orienteer-probe)
- [`orienteer benchmark`](#orienteer-benchmark)

Settings come from a YAML file (`--config run.yaml`), or one by one (`--set key=value`, which wins over the file). A
dot goes down one group, in the table as on the command line: `--set optimiser.steps=500`. An unknown key is an error
that lists the known ones.
"""

PRETRAIN = """\
# `orienteer pretrain`

The settings a run used, all of them, are in `RUN/settings.yaml`.
"""

FINETUNE = """\
# `orienteer finetune` and `orienteer probe`

The settings a network used, all of them, are in `OUT/seed_0/settings.yaml`. The command line sets `kind`,
`labelled_scans` (`--labelled-scans`), `column` (`--column`) and, one after the other, `seed` (`--seeds`). With
`--from RUN` the network is the run's. A probe reads `seed`, `labelled_scans`, `structures`, `loss`, `patches.size`,
`inference`, `score` and `devices`.
"""

BENCHMARK = """\
# `orienteer benchmark`

The whole file is given as `orienteer benchmark CONFIG.yaml OUT`; `pretrain` and `finetune` hold settings of the two
sections above. `arms.NAME` and `tasks.NAME` stand once for each arm and task.
"""


def render(introduction: str, top: type[Config], sections: dict[str, type[Config]]) -> str:
    """One command's settings as Markdown.

    Args:
        introduction: what stands above them.
        top: the class that holds everything; its groups become sections, by walking their fields.
        sections: groups that no field names because they are chosen by a key, e.g. ``tasks.gap``.
    """
    parts = [introduction, "## Top level\n", _sentence(top), _table("", top, None)]
    chosen = [(path, group, None) for path, group in sections.items()]
    for path, group, preset in [*_groups(top, "", None), *chosen]:
        parts += [f"## `{path}`\n", _sentence(group), _table(f"{path}.", group, preset)]
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def _groups(
    config: type[Config], prefix: str, preset: Config | None
) -> Iterator[tuple[str, type[Config], Config | None]]:
    """Every group below, with what it is preset to there: one class may serve two commands with other defaults."""
    for name, field in config.model_fields.items():
        group = _group(field)
        if group is not None:
            value = getattr(preset, name) if preset is not None else field.get_default(call_default_factory=True)
            inner = value if isinstance(value, Config) else None
            yield f"{prefix}{name}", group, inner
            yield from _groups(group, f"{prefix}{name}.", inner)


def _group(field: FieldInfo) -> type[Config] | None:
    """The settings class of a field that is a group, also where the group may be null."""
    annotation = field.annotation
    options = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    found = [one for one in options if isinstance(one, type) and issubclass(one, Config)]
    return found[0] if found else None


def _sentence(config: type[Config]) -> str:
    paragraph = (config.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(paragraph.split()).replace("``", "`") + "\n"


def _table(prefix: str, config: type[Config], preset: Config | None) -> str:
    # A group that may be null gets a row too: whether it is on is a setting in itself.
    fields = [
        (name, field)
        for name, field in config.model_fields.items()
        if _group(field) is None or (not field.is_required() and field.get_default(call_default_factory=True) is None)
    ]
    if not fields:
        return ""
    rows = ["| key | type | default | what it does |", "|---|---|---|---|"]
    for name, field in fields:
        if not field.description:
            raise SystemExit(f"{prefix}{name} has no docstring below it, so the page cannot say what it does")
        cells = [
            f"`{prefix}{name}`",
            _type(field),
            _default(field) if preset is None else _value(getattr(preset, name)),
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
    if isinstance(annotation, type) and issubclass(annotation, Config):
        return "group"
    known = {int: "whole number", float: "number", str: "text", bool: "`true` or `false`", Path: "path"}
    return known.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return _value(field.get_default(call_default_factory=True))


def _value(value: Any) -> str:
    if value is None:
        return "`null`"
    if value == "":
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        return "`{" + ", ".join(f"{key}: {inner}" for key, inner in value.items()) + "}`"
    if isinstance(value, tuple):
        return f"`{list(value)}`"
    return f"`{value}`"


def page() -> str:
    """The page for Orienteer as it is installed."""
    from orienteer.benchmark.settings import ArmSettings, BenchmarkSettings, ImportSettings, TaskSettings
    from orienteer.finetune.settings import FinetuneSettings
    from orienteer.pretext.registry import TASKS, task_type
    from orienteer.runs.settings import PretrainSettings

    tasks = {f"tasks.{name}": task_type(name).settings_type for name in TASKS}
    commands = [
        render(PRETRAIN, PretrainSettings, tasks),
        render(FINETUNE, FinetuneSettings, {}),
        render(
            BENCHMARK,
            BenchmarkSettings,
            {"arms.NAME": ArmSettings, "arms.NAME.imported": ImportSettings, "tasks.NAME": TaskSettings},
        ),
    ]
    return "\n".join([INTRODUCTION, *commands])


def schema() -> str:
    """The JSON schema of ``orienteer check --json``."""
    from orienteer.scans.schema import check_schema

    return json.dumps(check_schema(), indent=2) + "\n"


def method() -> str:
    """The page of the method, with the verdict's rule as the code has it between the two markers."""
    from orienteer.records.verdict import VerdictRule

    begin, end = RULE
    before, rest = METHOD.read_text(encoding="utf-8").split(begin)
    parts = (sentence.partition(":") for sentence in VerdictRule().sentences())
    rule = "".join(f"- **{label}**:{condition}\n" for label, _, condition in parts)
    return before + begin + "\n" + rule + "\n" + end + rest.split(end)[1]


def main() -> None:
    """Write all, or with ``--check`` compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when one is stale")
    fresh = {PAGE: page(), SCHEMA: schema(), METHOD: method()}
    if not parser.parse_args().check:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        for path, text in fresh.items():
            path.write_text(text, encoding="utf-8")
            print(f"written: {path}")
        return
    for path, text in fresh.items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path} is stale; run: make docs")


if __name__ == "__main__":
    main()
