"""What differs between a golden record and what came out, in lines that a person can read."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

Path = tuple[str, ...]

TOLERANCE = 0.02
"""Relative, where a machine rounds otherwise than the one that recorded."""
SMALL = 1e-3
"""And absolute, for numbers near zero."""
DRIFT = 0.01
"""Absolute, for biases: before a norm their gradient is rounding noise, by which Adam moves them up to 2e-3 a step."""


def differences(golden: Any, found: Any, *, exact: bool, at: Path = ()) -> Iterator[str]:
    """One line a difference: where, before, after.

    Args:
        golden: what was recorded.
        found: what came out.
        exact: bit for bit; otherwise numbers within the tolerance, and arrays by kind, shape and mean magnitude.
        at: where in the record this is.
    """
    if isinstance(golden, dict) and isinstance(found, dict):
        for key in (*golden, *(key for key in found if key not in golden)):
            here = (*at, key)
            if key not in found:
                yield _line(here, golden[key], "gone")
            elif key not in golden:
                yield _line(here, "not there", found[key])
            else:
                yield from differences(golden[key], found[key], exact=exact, at=here)
    elif _is_array(golden) and _is_array(found):
        small = DRIFT if at and at[-1].endswith(".bias") else SMALL
        same = golden[0] == found[0] and (golden[2] == found[2] if exact else _near(golden[1], found[1], small))
        if not same:
            yield _line(at, golden, found)
    elif isinstance(golden, list) and isinstance(found, list) and len(golden) == len(found):
        for number, (before, after) in enumerate(zip(golden, found, strict=True)):
            yield from differences(before, after, exact=exact, at=(*at, f"[{number}]"))
    elif golden != found and (exact or not _near(golden, found)):
        yield _line(at, golden, found)


def summary(lines: Sequence[str], most: int = 8) -> str:
    """The differences of each run: how many, and the first ones."""
    runs: dict[str, list[str]] = {}
    for line in lines:
        runs.setdefault(" / ".join(line.split(": ")[0].split(" / ")[:2]), []).append(line)
    told = []
    for run, its in runs.items():
        more = [f"  and {len(its) - most} more"] if len(its) > most else []
        told += [f"{run}: {len(its)}", *(f"  {line}" for line in its[:most]), *more]
    return "\n".join(told)


def _near(before: Any, after: Any, small: float = SMALL) -> bool:
    if not (_is_number(before) and _is_number(after)):
        return bool(before == after)
    return math.isclose(before, after, rel_tol=TOLERANCE, abs_tol=small)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_array(value: Any) -> bool:
    """As :func:`tests.golden.read.array` records it."""
    return isinstance(value, list) and len(value) == 3 and re.fullmatch("[0-9a-f]{16}", str(value[2])) is not None


def _line(at: Path, before: Any, after: Any) -> str:
    return f"{' / '.join(at)}: {_short(before)} -> {_short(after)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def pretty(value: Any, indent: int = 0, width: int = 120) -> str:
    """JSON in which everything that fits on one line stands on one."""
    flat = json.dumps(value)
    if not isinstance(value, dict) or len(flat) + indent <= width:
        return flat
    inner = " " * (indent + 1)
    lines = [f"{inner}{json.dumps(key)}: {pretty(item, indent + 1, width)}" for key, item in value.items()]
    return "{\n" + ",\n".join(lines) + "\n" + " " * indent + "}"
