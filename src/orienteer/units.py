"""How values, units and durations are written, for the whole package."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from orienteer.errors import OrienteerError

UNITS = {"mm": "mm", "deg": "°", "fraction": "%", "s": "s", "1": ""}
DASH = "–"
"""Shown instead of a missing value."""


def scaled(value: float, unit: str) -> float:
    """The value as shown: fractions become per cent."""
    return value * 100 if unit == "fraction" else value


def shown_unit(unit: str) -> str:
    """The unit as shown; a pure number has none."""
    return UNITS.get(unit, unit)


def number_text(value: float, unit: str) -> str:
    """The number alone, to a meaningful precision: ``5.4``, ``92.1``, ``143``, ``0.53``.

    Examples:
        >>> number_text(0.921, "fraction"), number_text(143.2, "mm"), number_text(0.53, "1")
        ('92.1', '143', '0.53')
    """
    number = scaled(value, unit)
    if unit == "1" and abs(number) < 10:
        return f"{number:.2f}"
    return f"{number:.1f}" if abs(number) < 100 or unit == "fraction" else f"{number:.0f}"


def shown(value: float | None, unit: str) -> str:
    """The value and its unit; a dash where there is no finite value.

    Examples:
        >>> shown(5.44, "mm"), shown(0.921, "fraction"), shown(7.26, "deg"), shown(None, "mm")
        ('5.4 mm', '92.1 %', '7.3°', '–')
    """
    if value is None or not math.isfinite(value):
        return DASH
    suffix = shown_unit(unit)
    return f"{number_text(value, unit)}{'' if suffix == '°' else ' '}{suffix}".rstrip()


def percent(share: float | None) -> str:
    """A share in whole per cent, never ``-0 %``; a dash where there is none.

    Examples:
        >>> percent(0.905), percent(-0.001), percent(None)
        ('90 %', '0 %', '–')
    """
    return DASH if share is None or not math.isfinite(share) else f"{round(100 * share):d} %".replace("-", "−")


def shown_interval(low: float, high: float, unit: str) -> str:
    """``5.2 to 5.8 mm``."""
    return f"{number_text(low, unit)} to {shown(high, unit)}"


def in_sentence(title: str) -> str:
    """A title inside a sentence: ``Gap error`` as ``gap error``; ``AUC of ...`` stays."""
    return title if title[:2].isupper() else f"{title[:1].lower()}{title[1:]}"


def capital(text: str) -> str:
    """Words at the begin of a sentence: ``back part`` as ``Back part``; the rest stays."""
    return f"{text[:1].upper()}{text[1:]}"


def duration(seconds: float) -> str:
    """A duration in words.

    Examples:
        >>> duration(5.23), duration(34), duration(582), duration(7560)
        ('5.2 s', '34 s', '9.7 min', '2.1 h')
    """
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def moment(text: str) -> str:
    """A recorded date and time as a person reads it; any other text as it is.

    Examples:
        >>> moment("2026-11-09T08:04:11+00:00"), moment("yesterday")
        ('9 Nov 2026, 08:04 UTC', 'yesterday')
    """
    try:
        at = datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return text
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def seconds_of(text: str) -> float:
    """A duration as a person writes it, in seconds.

    Raises:
        OrienteerError: it is none, or not longer than nothing.

    Examples:
        >>> seconds_of("90s"), seconds_of("10min"), seconds_of("1.5 h"), seconds_of("2d")
        (90.0, 600.0, 5400.0, 172800.0)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|d)\s*", text)
    if not found or not float(found[1]):
        raise OrienteerError(f"{text!r} is no duration", cure="write for example 90s, 10min, 2h or 1d")
    return float(found[1]) * {"s": 1, "min": 60, "h": 3600, "d": 86400}[found[2]]


def some(names: Sequence[str], most: int = 5) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def shortened(name: str, most: int) -> str:
    """A name with its middle left out: its beginning and its end tell it from others.

    Examples:
        >>> shortened("sub-0001_ses-2_acq-highres_T1w", 17)
        'sub-0001…hres_T1w'
    """
    half = (most - 1) // 2
    return name if len(name) <= most else f"{name[:half]}…{name[len(name) - most + half + 1 :]}"


def counted(count: int, what: str) -> str:
    """``1 scan``, ``2 scans``."""
    return f"{count} {what}{'s' * (count != 1)}"
