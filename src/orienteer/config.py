"""Strict, frozen configuration: an unknown key is an error that lists the known ones."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Self, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from orienteer.errors import ConfigError
from orienteer.folders import SETTINGS, recognised, require_possible

REFERENCE = "docs/reference/configuration.md"

Tree = dict[str, Any]
"""Settings as YAML gives them, before validation: groups within groups, and any value."""

Location = tuple[str | int, ...]
"""Where pydantic found an error, from the outermost group inwards."""


class Config(BaseModel):
    """Base of every settings class: immutable, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _over_presets(cls, values: Any) -> Any:
        """A group that is given in part keeps the rest of its preset in this class."""
        if not isinstance(values, Mapping):
            return values
        presets = {name: field.default for name, field in cls.model_fields.items() if isinstance(field.default, Config)}
        given = {name: values[name] for name in presets if isinstance(values.get(name), Mapping)}
        return {**values, **{name: over(presets[name].model_dump(), value) for name, value in given.items()}}

    @classmethod
    def build(cls, values: Mapping[str, Any], *, origin: str = "the settings") -> Self:
        """Validate ``values`` and turn pydantic's report into one readable error.

        Raises:
            ConfigError: naming each key that is unknown or has a wrong value.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            # Without the value: this also reads records of patients.
            found = [
                # What a validator here raised, without pydantic's word for its class.
                (item["loc"], item["type"], str(item.get("ctx", {}).get("error", item["msg"])))
                for item in error.errors(include_input=False)
            ]
            unknown = [where for where, kind, _ in found if kind == "extra_forbidden"]
            problems = "; ".join(
                (f"{_dotted(where)}: " if where else "") + ("unknown key" if where in unknown else text)
                for where, _, text in found
            )
            raise ConfigError(f"{origin}: {problems}", cure=_cure(cls, unknown)) from None


def load_yaml(path: Path) -> Tree:
    """Read a YAML mapping.

    Raises:
        ConfigError: the file is missing, is not YAML, names a key twice, or does not hold a mapping.
        OrienteerError: what was given cannot be a path.
    """
    require_possible(path)
    try:
        values = _OnceLoader(path.read_text(encoding="utf-8")).get_single_data()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", cure=_another(path)) from None
    except _Twice as error:
        raise ConfigError(f"{path}: {error}", cure="keep one of the two") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}", cure="see configs/ for examples") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds a {type(values).__name__}, not settings", cure="write key: value lines")
    return values


class _Twice(Exception):
    """A key stands in one group twice, of which YAML takes the last without a word."""


class _OnceLoader(yaml.SafeLoader):
    """Reads plain values alone, each key once in its group."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """A group.

        Raises:
            _Twice: a key is there twice.
        """
        seen: set[tuple[str, str]] = set()
        for key in (each for each, _ in getattr(node, "value", []) if isinstance(each, yaml.ScalarNode)):
            if (key.tag, key.value) in seen:
                raise _Twice(f"{key.value} is there twice in one group, again in line {key.start_mark.line + 1}")
            seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)


def _another(path: Path) -> str:
    """What to give in place of a path that is no file of settings."""
    own = f", for example {path / SETTINGS}" if (path / SETTINGS).is_file() else ""
    kind = recognised(path)
    if kind or path.is_dir():
        return f"that is {kind.words if kind else 'a folder'}; name a YAML file{own}"
    return "check the path"


def override(values: Mapping[str, Any], assignments: Sequence[str]) -> Tree:
    """Apply ``a.b=value`` assignments; each value is read as YAML, so ``null``, ``3`` and ``[1, 2]`` work.

    Raises:
        ConfigError: an assignment has no ``=``, its value is not YAML, or it walks through a value that is not a
            mapping.
    """
    result: Tree = _copy(values)
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {assignment!r} is not key=value", cure="for example --set optimiser.steps=500")
        *parents, leaf = key.strip().split(".")
        group = result
        for parent in parents:
            if group.get(parent) is None:  # absent, or switched off by null
                group[parent] = {}
            group = group[parent]
            if not isinstance(group, dict):
                raise ConfigError(f"--set {key}: {parent} is a value, not a group", cure="shorten the key")
        try:
            group[leaf] = yaml.safe_load(text)
        except (yaml.YAMLError, RecursionError):
            raise ConfigError(f"--set {assignment}: the value is not valid YAML", cure="quote it") from None
    return result


def differences(before: Mapping[str, Any], now: Mapping[str, Any], *, within: str = "") -> dict[str, tuple[Any, Any]]:
    """Old and new value of every setting that differs, by its dotted name; None where it is absent.

    Examples:
        >>> differences({"seed": 0, "views": {"size": 16}}, {"seed": 0, "views": {"size": 24}})
        {'views.size': (16, 24)}
    """
    found: dict[str, tuple[Any, Any]] = {}
    for name in [*before, *(name for name in now if name not in before)]:
        old, new = before.get(name), now.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found |= differences(old, new, within=f"{within}{name}.")
        elif old != new:
            found[within + name] = (old, new)
    return found


def _cure(root: type[Config], unknown: Sequence[Location]) -> str:
    """How to fix it, with the known keys for unknown ones; the message of a wrong value says what is allowed."""
    if len(unknown) > 1 and ("arms",) in unknown:
        return "this is a benchmark configuration: orienteer benchmark FILE OUT"
    guesses: list[str] = []
    lists: dict[Location, str] = {}
    for *parents, key in unknown:
        where = tuple(parents)
        group = _group(root, where)
        if group is None:
            continue
        known = sorted(group.model_fields)
        lists[where] = f"known keys {f'of {_dotted(where)}' if where else 'here'}: {', '.join(known)}"
        if near := get_close_matches(str(key), known, n=1):
            guesses.append(f"{f'{key}: ' if len(unknown) > 1 else ''}did you mean {near[0]}?")
    if not lists:
        return f"give a value that fits; see {REFERENCE}"
    return " ".join([*guesses, "; ".join([*lists.values(), f"see {REFERENCE}"])])


def _group(kind: Any, where: Location) -> type[Config] | None:
    """The settings class at a location below ``kind``, through groups, mappings and lists; None where there is none."""
    if get_origin(kind) in (Union, UnionType):
        members = [member for member in get_args(kind) if member is not NoneType]
        # With several members pydantic adds the member's name to the location, which is not resolved here.
        return _group(members[0], where) if len(members) == 1 else None
    is_group = isinstance(kind, type) and issubclass(kind, Config)
    if not where:
        return kind if is_group else None
    if is_group:
        field = kind.model_fields.get(str(where[0]))
        return _group(field.annotation, where[1:]) if field else None
    held = [inner for inner in get_args(kind) if inner is not Ellipsis]
    return _group(held[-1], where[1:]) if held else None


def _dotted(where: Location) -> str:
    return ".".join(map(str, where))


def _copy(values: Mapping[str, Any]) -> Tree:
    return {key: _copy(value) if isinstance(value, Mapping) else value for key, value in values.items()}


def over(preset: Mapping[str, Any], values: Mapping[str, Any]) -> Tree:
    """``values`` laid over a preset, group by group: what they do not name stays.

    Examples:
        >>> over({"views": {"size": 16, "count": 2}}, {"views": {"size": 24}})
        {'views': {'size': 24, 'count': 2}}
    """
    both = {name for name in values if isinstance(values[name], Mapping) and isinstance(preset.get(name), Mapping)}
    return {**preset, **values, **{name: over(preset[name], values[name]) for name in both}}
