"""Strict, frozen configuration: an unknown key is an error that lists the known ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from orienteer.errors import ConfigError


class Config(BaseModel):
    """Base of every settings class: immutable, and closed to keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _over_presets(cls, values: Any) -> Any:
        """A group that is given in part keeps the rest of its preset here, which may differ from its own class's."""
        if not isinstance(values, Mapping):
            return values
        presets = {name: field.default for name, field in cls.model_fields.items() if isinstance(field.default, Config)}
        given = {name: values[name] for name in presets if isinstance(values.get(name), Mapping)}
        return {**values, **{name: _over(presets[name].model_dump(), value) for name, value in given.items()}}

    @classmethod
    def build(cls, values: Mapping[str, Any], *, origin: str = "the settings") -> Self:
        """Validate ``values``, turning pydantic's report into one readable error.

        Raises:
            ConfigError: naming each key that is unknown or has a wrong value.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(str(part) for part in item['loc']) or 'settings'}: {item['msg']}" for item in error.errors()
            )
            raise ConfigError(
                f"{origin}: {problems}",
                cure=f"known keys here: {', '.join(sorted(cls.model_fields))}; see docs/reference/configuration.md",
            ) from None


def load_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping.

    Raises:
        ConfigError: the file is missing, is not YAML, or does not hold a mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", cure="check the path of --config") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}", cure="see runs/*.yaml for examples") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{path} holds a {type(values).__name__}, not settings", cure="write key: value lines")
    return values


def override(values: Mapping[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """Apply ``a.b=value`` assignments; each value is read as YAML, so ``null``, ``3`` and ``[1, 2]`` work.

    Raises:
        ConfigError: an assignment has no ``=``, its value is not YAML, or it walks through a value that is not a
            mapping.
    """
    result: dict[str, Any] = _copy(values)
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {assignment!r} is not key=value", cure="for example --set optimiser.steps=500")
        *parents, leaf = key.strip().split(".")
        place = result
        for parent in parents:
            if place.get(parent) is None:  # absent, or switched off by null
                place[parent] = {}
            place = place[parent]
            if not isinstance(place, dict):
                raise ConfigError(f"--set {key}: {parent} is a value, not a group", cure="shorten the key")
        try:
            place[leaf] = yaml.safe_load(text)
        except (yaml.YAMLError, RecursionError):
            raise ConfigError(f"--set {assignment}: the value is not valid YAML", cure="quote it") from None
    return result


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, Mapping) else value for key, value in values.items()}


def _over(preset: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    both = {name for name in values if isinstance(values[name], Mapping) and isinstance(preset.get(name), Mapping)}
    return {**preset, **values, **{name: _over(preset[name], values[name]) for name in both}}
