"""Settings that a folder holds: what was not yet a setting when they were written had one value."""

from orienteer.config import Tree

BEFORE: dict[str, Tree] = {"network": {"decoder": "residual"}, "optimiser": {"name": "adamw"}}
"""By group: the values of settings that are newer than some runs."""


def as_stored(values: Tree) -> Tree:
    """Settings as they were meant when they were written."""
    groups = {name: values.get(name) for name in BEFORE}
    return {**values, **{name: {**BEFORE[name], **group} for name, group in groups.items() if isinstance(group, dict)}}
