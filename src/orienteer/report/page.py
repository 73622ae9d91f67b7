"""The page itself: read the records, choose what to show, render one file, write it atomically."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from orienteer.atomic import write_text
from orienteer.errors import RunError
from orienteer.report.cards import (
    SEEN,
    cards_of,
    closes_by_algebra,
    evaluation_rows,
    key_figures,
    people,
    verdict_of,
)
from orienteer.report.examples import closeups
from orienteer.report.measures import SPATIAL, TASKS, duration, title_of
from orienteer.report.read import RunRecords, mapping, number, read_run
from orienteer.report.restored import galleries
from orienteer.report.sections import (
    Section,
    evaluation_sections,
    machine_section,
    trained_tasks,
    training_section,
)
from orienteer.report.theme import SIMILARITY, mix, signed

PAGE = "report.html"


def report(run: Path | str, out: Path | str | None = None, *, overwrite: bool = False) -> Path:
    """Render the records of ``run`` as one self-contained HTML file.

    The default, ``RUN/report.html``, is derived from the records alone and replaced without asking.

    Args:
        run: the folder ``orienteer pretrain`` wrote; it may still be training.
        out: another place for the file.
        overwrite: replace a file that is already at ``out``.

    Returns:
        Where the file is.

    Raises:
        RunError: ``run`` is no run folder, or ``out`` exists.
        OrienteerError: the file cannot be written.
    """
    run, target = Path(run), Path(out) if out is not None else Path(run) / PAGE
    if target.is_dir():
        raise RunError(f"{target} is a folder", cure=f"name a file, for example {target / PAGE}")
    if target.exists() and not overwrite and target.resolve() != (run / PAGE).resolve():
        raise RunError(f"{target} exists", cure="choose another name, or allow it with --overwrite")
    write_text(target, render(read_run(run)))
    return target


def render(run: RunRecords) -> str:
    """The page as a string."""
    import jinja2
    from plotly.offline import get_plotlyjs

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("orienteer.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    # The library is trusted, but a closing tag inside it would end its script element.
    library = get_plotlyjs().replace("</script", "<\\/script")
    return environment.get_template("page.html.j2").render(library=library, **contents(run))


def contents(run: RunRecords) -> dict[str, Any]:
    """Everything the template shows, as plain values; strings are escaped by the template."""
    lead = run.lead
    trained = trained_tasks(run)
    algebra = closes_by_algebra(run, lead)
    spatial = any(task in SPATIAL for task in trained) or not trained
    found = closeups(lead) if lead and spatial else []
    keys = key_figures(lead, trained=trained)
    sections, machine = [training_section(run), *evaluation_sections(run)], machine_section(run)
    return {
        "name": run.path.name,
        "simulated": mapping(run.info.get("data")).get("simulated") is True,
        "verdict": verdict_of(lead),
        "cards": cards_of(lead, trained=trained, closes_by_algebra=algebra) if lead else [],
        "closes_by_algebra": algebra,
        "people": people(lead) if lead else "",
        "seen": SEEN.get(lead.seen, "") if lead else "",
        # Only people of one store can be held against each other so.
        "drop": {"val", "test"} <= {evaluation.split for evaluation in run.evaluations if evaluation.seen == "none"},
        "lead": lead,
        "rows": evaluation_rows(run, keys),
        "columns": [title_of(key.key) for key in keys],
        "sections": sections,
        "machine": machine,
        "spatial": spatial,
        "shown": shown_channel(run),
        "closeups": found,
        "galleries": galleries(lead.restored) if lead else [],
        "left_out": [TASKS[task] for task in ("gap", "adjacency", "route") if task not in trained],
        "signed": signed,
        "similarity": [mix(SIMILARITY, n / 4) for n in range(5)],
        "facts": facts(run),
        "settings": run.settings,
        "problems": run.problems,
        "figures": {f.name: {"data": f.data, "layout": f.layout} for f in _figures([*sections, machine])},
        "scenes": [closeup.scene for closeup in found],
    }


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
            ("tasks", ", ".join(TASKS.get(task, task) for task in trained_tasks(run)) or "none"),
            *_forms(run),
        ],
        "Time": list(_time(run)),
        "Environment": [
            ("orienteer", str(run.info.get("orienteer_version", "unknown"))),
            *((key, str(value)) for key, value in mapping(run.info.get("environment")).items()),
        ],
    }  # fmt: skip
    return [(title, rows) for title, rows in lists.items() if rows]


def _figures(sections: Sequence[Section]) -> Iterator[Any]:
    for section in sections:
        yield from section.figures
        yield from section.more


def _counts(what: str, counts: Any) -> list[tuple[str, str]]:
    return [(f"{what}, {split}", f"{count}") for split, count in mapping(counts).items()]


def _plain(values: Mapping[str, Any], **names: str) -> list[tuple[str, str]]:
    return [(name, _text(values[key])) for key, name in names.items() if values.get(key) is not None]


def _forms(run: RunRecords) -> list[tuple[str, str]]:
    forms = mapping(run.info.get("forms")) or mapping(run.summary.get("forms"))
    return [(f"form of the {TASKS.get(task, task)}", str(form)) for task, form in forms.items()]


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
