"""What is said of how scans were prepared for weights: by a contract, by the checkpoint that holds them, or by both."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from orienteer.config import Tree, differences, load_yaml, over
from orienteer.errors import OrienteerError
from orienteer.export.contract import Contract, Grid, Input, Intensities, Preparation
from orienteer.export.doors.nnunet import AXES, OURS
from orienteer.export.tensors import AGAIN
from orienteer.seal import SEAL, unsealed

EXAMPLE = """
    grid: {spacing_mm: 1.5, axes: RAS}
    intensities: {rule: range, range: [-175, 250]}       # or {rule: zscore}, {rule: window}
    input: {channels: 1, view_voxels: 96}
    licence: Apache-2.0"""
GROUPS: Mapping[str, type[BaseModel]] = {"grid": Grid, "intensities": Intensities, "input": Input}
VIEW = "input.view_voxels"
"""A contract may ask for views of another edge than the weights learned from, as ``--view`` does."""


@dataclass(frozen=True)
class Stated:
    """What a checkpoint says of its preparation.

    Attributes:
        values: in the words of a contract.
        unsaid: why a key is not among them though a contract has to have it, by its dotted name.
    """

    values: Tree
    unsaid: Mapping[str, str] = field(default_factory=dict)


def read_said(path: Path) -> Tree:
    """What a contract says of how scans are prepared, from JSON or YAML; only the keys that are in it.

    Raises:
        OrienteerError: it is no such file, a word in it is unknown, or two contradict each other.
    """
    values = load_yaml(path)
    if SEAL in values:
        values = _whole(path)
    unknown = [str(key) for key in values if key not in Contract.model_fields]
    for group in GROUPS.keys() & values.keys():
        inner = values[group]
        if not isinstance(inner, dict):
            raise OrienteerError(f"{path}: {group} is {inner!r}, not a group", cure=f"write it like this:{EXAMPLE}")
        unknown += [f"{group}.{key}" for key in inner if key not in GROUPS[group].model_fields]
    if unknown:
        raise OrienteerError(f"{path}: {unknown[0]} is unknown", cure=f"write it like this:{EXAMPLE}")
    return _with_rule(values, path)


def _whole(path: Path) -> Tree:
    """A ``contract.json`` with its seal, without it."""
    try:
        return unsealed(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, RecursionError):
        cure = "take its seal out where the change is your own"
        raise OrienteerError(f"{path} was changed since it was exported", cure=cure) from None


def _with_rule(values: Tree, path: Path) -> Tree:
    """The same, where a range says by which rule intensities are scaled."""
    scaled = values.get("intensities", {})
    if scaled.get("range") is None:
        return values
    rule = scaled.get("rule", "range")
    if rule != "range":
        cure = "leave out one of the two: a range goes with `rule: range`"
        raise OrienteerError(f"{path}: intensities has a range, and its rule is {rule}", cure=cure)
    return over(values, {"intensities": {"rule": rule}})


def preparation_of(values: Tree, path: Path) -> Preparation:
    """A whole preparation.

    Args:
        values: in the words of a contract.
        path: of the file that says so.

    Raises:
        OrienteerError: a key is missing, or its value will not do.
    """
    try:
        return Preparation.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise OrienteerError(f"{path}: {where}: {first['msg']}", cure=f"write it like this:{EXAMPLE}") from None


def stated_by(document: Mapping[str, Any], path: Path) -> Stated | None:
    """What a checkpoint says; None of one without an adaptation plan.

    Raises:
        OrienteerError: Orienteer wrote it, and it was damaged since.
    """
    plan, own = document.get("nnssl_adaptation_plan"), document.get(OURS)
    if not isinstance(plan, dict):
        return None
    if not isinstance(own, dict):
        return _planned(plan)
    try:
        return Stated(_known(Preparation.model_validate(own).model_dump(mode="json")))
    except ValidationError as error:
        told = ".".join(map(str, error.errors(include_input=False)[0]["loc"]))
        raise OrienteerError(f"{path}: its {OURS} is damaged: {told}", cure=AGAIN) from None


def agreed(stated: Stated, path: Path, said: Tree, contract: Path | None) -> tuple[Preparation, str]:
    """What a checkpoint and a contract say together, and in words what only the contract could say.

    Args:
        stated: by the checkpoint.
        path: of the checkpoint.
        said: by the contract; what it leaves out is as the checkpoint says.
        contract: its file; None where there is none.

    Raises:
        OrienteerError: they contradict each other, or both are silent on what has to be known.
    """
    both = over(stated.values, said)
    for key, (theirs, yours) in differences(over(said, stated.values), both).items():
        if key != VIEW:
            named = "intensities" if key.startswith("intensities.") else key  # a rule may stand there as a range alone
            raise OrienteerError(
                f"{contract}: {key} is {yours!r}, {path} itself says {theirs!r}",
                cure=f"leave {named} out of {contract}; scans have to be prepared as they were for these weights",
            )
    silent = {key: why for key, why in stated.unsaid.items() if _at(both, key) is None}
    if silent:
        why = "; ".join(dict.fromkeys(silent.values()))
        lines = "".join(f"\n    {line}" for line in _lines(silent))
        raise OrienteerError(
            f"{path}: its adaptation plan does not say how scans were prepared ({why})",
            cure=f"say what it leaves open in a file, and give it with --contract:{lines}",
        )
    note = "; ".join(f"{key} by your contract, its plan has {why}" for key, why in stated.unsaid.items() if key != VIEW)
    return preparation_of(over({"licence": ""}, both), contract or path), note


def _planned(plan: Mapping[str, Any]) -> Stated:
    """What an adaptation plan says, as far as scans can be prepared so here."""
    values: Tree = {}
    unsaid = {}
    for key, (read, _) in READ.items():
        group, name = key.split(".")
        try:
            values.setdefault(group, {})[name] = read(plan)
        except KeyError as error:
            unsaid[key] = f"no {error.args[0]}"
        except (IndexError, TypeError, AttributeError, OverflowError):
            unsaid[key] = f"no {key} that can be read"
        except ValueError as error:
            unsaid[key] = str(error)
    return Stated(values, unsaid)


def _configuration(plan: Mapping[str, Any]) -> Mapping[str, Any]:
    configurations = plan["pretrain_plan"]["configurations"]
    if len(configurations) != 1:
        raise ValueError(f"{len(configurations)} configurations: {', '.join(configurations)}")
    (configuration,) = configurations.values()
    return dict(configuration)


def _spacing(plan: Mapping[str, Any]) -> float:
    spacing = [float(each) for each in _configuration(plan)["spacing"]]
    told = " x ".join(f"{each:g}" for each in spacing)
    if len(set(spacing)) > 1:
        raise ValueError(f"voxels of {told} mm")
    if not 0 < spacing[0] < math.inf:
        raise ValueError(f"voxels of {told} mm, which are to be greater than 0")
    return spacing[0]


def _axes(plan: Mapping[str, Any]) -> str:
    forward = [int(axis) for axis in plan["pretrain_plan"].get("transpose_forward", (0, 1, 2))]
    if sorted(forward) != [0, 1, 2]:
        raise ValueError(f"axes transposed by {forward}")
    return "".join(AXES[axis] for axis in forward)


def _rule(plan: Mapping[str, Any]) -> str:
    schemes = set(_configuration(plan)["normalization_schemes"])
    if schemes != {"ZScoreNormalization"}:
        raise ValueError(f"intensities by {', '.join(sorted(map(str, schemes))) or 'no rule'}")
    return "zscore"


READ: Mapping[str, tuple[Callable[[Mapping[str, Any]], Any], str]] = {
    "grid.spacing_mm": (_spacing, "1.5"),
    "grid.axes": (_axes, "SAR"),
    "intensities.rule": (_rule, "zscore"),
    "input.channels": (lambda plan: int(plan["pretrain_num_input_channels"]), "1"),
    VIEW: (lambda plan: int(min(_configuration(plan)["patch_size"])), "96"),
}
"""How each key is read off an adaptation plan, and an example of its value."""


def _lines(keys: Mapping[str, Any]) -> list[str]:
    """A contract with these keys, as an example."""
    groups: dict[str, list[str]] = {}
    for key in keys:
        group, name = key.split(".")
        groups.setdefault(group, []).append(f"{name}: {READ[key][1]}")
    return [f"{group}: {{{', '.join(pairs)}}}" for group, pairs in groups.items()]


def _at(values: Tree, key: str) -> Any:
    group, name = key.split(".")
    return values.get(group, {}).get(name)


def _known(values: Tree) -> Tree:
    """The same without what was not known when it was written."""
    pairs = {key: _known(value) if isinstance(value, dict) else value for key, value in values.items()}
    return {key: value for key, value in pairs.items() if value not in (None, "", [])}
