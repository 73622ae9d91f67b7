"""JSON files by which a dataset describes itself, read whatever they hold."""

import json
from collections.abc import Mapping
from pathlib import Path

MOST_BYTES = 1 << 24
"""A description of more than 16 MiB is none."""
LONGEST_NAME = 40


def read_description(path: Path) -> Mapping[str, object]:
    """The JSON object in ``path``; empty where there is none, or where it is not what it should be."""
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return {}
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def numbered_names(values: object) -> tuple[str, ...]:
    """``{"0": "T1", "1": "FLAIR"}`` as names in order; empty for anything else."""
    if not isinstance(values, dict) or not values:
        return ()
    try:
        numbers = {int(number): _name(name) for number, name in values.items()}
    except (TypeError, ValueError):
        return ()
    if set(numbers) != set(range(len(numbers))):
        return ()
    names = tuple(numbers[number] for number in range(len(numbers)))
    # Two channels of one name (zscore, zscore) are told apart by their number.
    return names if len(set(names)) == len(names) else tuple(f"{name} {n}" for n, name in enumerate(names))


def _name(value: object) -> str:
    """Printable and short, whatever the file holds."""
    text = "".join(c if c.isprintable() else " " for c in str(value)).strip()
    return text[:LONGEST_NAME] or "unnamed"
