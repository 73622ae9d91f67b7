"""Settings, data and environment of a run as titled lists of name and value."""

from collections.abc import Iterator, Mapping
from typing import Any

from orienteer.report.read import RunRecords, mapping, number
from orienteer.units import duration


def shown_channel(run: RunRecords) -> str:
    """Which of several channels the pictures show; empty where there is but one."""
    data = mapping(run.info.get("data"))
    count, names = number(data.get("channels")) or 1, data.get("channel_names")
    if count < 2:
        return ""
    first = f": {names[0]}" if isinstance(names, list) and names else ""
    return f"the first of {count:.0f} channels{first}"


def _channels(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    if data.get("channels") is None:
        return []
    names = data.get("channel_names")
    named = f" ({', '.join(map(str, names))})" if isinstance(names, list) and names else ""
    return [("channels", f"{_text(data['channels'])}{named}")]


def facts(run: RunRecords) -> list[tuple[str, list[tuple[str, str]]]]:
    """Data, model, environment and duration as titled lists of name and value."""
    data, network = mapping(run.info.get("data")), mapping(run.info.get("network"))
    lists = {
        "Data": [
            *_counts("scans", data.get("scans")),
            *_counts("persons", data.get("persons")),
            *_channels(data),
            *_plain(data, spacing_mm="spacing, mm", views_per_sample="views per sample",
                    view_voxels="view edge, voxels", view_mm="view edge, mm"),
        ],
        "Model": [
            *_plain(network, name="network", size="size", parameters="parameters", dense="dense features"),
            ("tasks", ", ".join(run.title(task) for task in run.tasks) or "none"),
        ],
        "Time": list(_time(run)),
        "Environment": [
            ("orienteer", str(run.info.get("orienteer_version", "unknown"))),
            *((key, str(value)) for key, value in mapping(run.info.get("environment")).items()),
        ],
    }  # fmt: skip
    return [(title, rows) for title, rows in lists.items() if rows]


def _counts(what: str, counts: Any) -> list[tuple[str, str]]:
    return [(f"{what}, {split}", f"{count}") for split, count in mapping(counts).items()]


def _plain(values: Mapping[str, Any], **names: str) -> list[tuple[str, str]]:
    return [(name, _text(values[key])) for key, name in names.items() if values.get(key) is not None]


def _time(run: RunRecords) -> Iterator[tuple[str, str]]:
    for key, name in (("started", "started"), ("finished", "finished")):
        if run.info.get(key):
            yield name, str(run.info[key])
    seconds = number(run.info.get("seconds")) or number(run.summary.get("seconds"))
    if seconds is not None:
        yield "duration", duration(seconds)
    steps = number(run.info.get("steps")) or number(run.summary.get("steps"))
    if steps is not None:
        yield "training steps", f"{steps:,.0f}"
    best = number(run.summary.get("best_step"))
    if best is not None:
        yield "best checkpoint at step", f"{best:,.0f}"
    wait = number(run.summary.get("data_wait_fraction"))
    if wait is not None:
        yield "time spent waiting for data", f"{wait:.1%}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)
