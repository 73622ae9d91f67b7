"""Data, model, time and environment of a run as titled lists of name and value."""

from collections.abc import Iterator

from orienteer.records.run import NetworkRecord, RunRecord, TrainingData
from orienteer.report.read import RunRecords, number
from orienteer.units import duration, moment, shown

Rows = list[tuple[str, str]]


def facts(run: RunRecords) -> list[tuple[str, Rows]]:
    """What the run was trained on and with, as far as it is recorded."""
    record, tasks = run.record, ", ".join(run.title(task) for task in run.tasks)
    lists = {
        "Data": list(_data(record.data)) if record else [],
        "Model": [*(_network(record.network) if record and record.network else ()), ("tasks", tasks or "none")],
        "Time": list(_time(run)),
        "Environment": list(_environment(record)) if record else [],
    }
    return [(title, rows) for title, rows in lists.items() if rows]


def shown_channel(run: RunRecords) -> str:
    """Which of several channels the pictures show; empty where there is but one."""
    data = run.record.data if run.record else None
    if data is None or data.channels < 2:
        return ""
    first = f": {data.channel_names[0]}" if data.channel_names else ""
    return f"the first of {data.channels} channels{first}"


def _data(data: TrainingData) -> Iterator[tuple[str, str]]:
    for what, counts in (("scans", data.scans), ("subjects", data.persons)):
        yield from ((f"{what}, {split}", f"{count:,}") for split, count in counts.items())
    yield "channels", f"{data.channels}" + (f" ({', '.join(data.channel_names)})" if data.channel_names else "")
    yield "spacing, mm", f"{data.spacing_mm:g}"
    if data.intensities != "window":
        yield "intensities", f"{data.parameters.convention}: {data.parameters.convention.words}"
    views = {
        "views per sample": data.views_per_sample,
        "view edge, voxels": data.view_voxels,
        "view edge, mm": data.view_mm,
    }
    yield from ((name, f"{value:g}") for name, value in views.items() if value is not None)


def _network(network: NetworkRecord) -> Rows:
    return [
        ("network", network.name),
        ("size", network.size),
        ("parameters", f"{network.parameters:,}"),
        ("dense features", "yes" if network.dense else "no"),
    ]


def _environment(record: RunRecord) -> Iterator[tuple[str, str]]:
    yield "orienteer", record.orienteer_version or "unknown"
    known = record.environment.model_dump(exclude_none=True)
    yield from ((name, str(value)) for name, value in known.items() if value != "")


def _time(run: RunRecords) -> Iterator[tuple[str, str]]:
    record, summary = run.record, run.summary
    for name, at in (("started", record and record.started), ("finished", record and record.finished)):
        if at:
            yield name, moment(at)
    seconds = (record and record.seconds) or number(summary.get("seconds"))
    if seconds is not None:
        yield "duration", duration(seconds)
    steps = (record and record.steps) or number(summary.get("steps"))
    if steps is not None:
        yield "training steps", f"{steps:,.0f}"
    best = number(summary.get("best_step"))
    if best is not None:
        yield "best checkpoint at step", f"{best:,.0f}"
    wait = number(summary.get("data_wait_fraction"))
    if wait is not None:
        yield "time spent waiting for data", shown(wait, "fraction")
