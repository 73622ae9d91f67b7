"""The page itself: read the records, choose what to show, render one file, write it atomically."""

from pathlib import Path
from typing import Any

from orienteer.atomic import write_text
from orienteer.errors import RunError
from orienteer.records.evaluation import EvaluationRecord
from orienteer.records.metric import SKILL
from orienteer.records.next_steps import NextStep, next_steps
from orienteer.report.cards import SEEN, cards_of, evaluation_table, people, verdict_of
from orienteer.report.closeups import closeups
from orienteer.report.draw.parts import Scene
from orienteer.report.facts import facts, shown_channel
from orienteer.report.glance import glance
from orienteer.report.read import RunRecords, read_run
from orienteer.report.restored import galleries
from orienteer.report.sections import evaluation_sections, machine_section, training_section
from orienteer.report.theme import SIMILARITY, mix, signed
from orienteer.units import moment, percent

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
    columns, rows = evaluation_table(run)
    found = closeups(lead) if lead and lead.spatial else []
    sections, machine = [training_section(run), *evaluation_sections(lead, run.evaluations)], machine_section(run)
    plots = [figure for part in [*sections, machine] for figure in [*part.figures, *part.more]]
    blocks = [block for closeup in found for _, block in closeup.blocks]
    restored = galleries(lead.restored, run.cards) if lead else []
    steps = _next(run, lead.record) if lead and lead.record.agreeing is None else ()
    record = run.record
    named = [
        ("verdict", "Verdict"), ("figures", "Figures" if lead else ""),
        ("next", "Next" if steps else ""), ("evaluations", "Evaluations" if len(rows) > 1 else ""),
        *((part.anchor, "" if part.empty else part.label) for part in sections[:1]),
        *((f"restored-{gallery.task}", "Restored") for gallery in restored[:1]),
        ("examples", "One scan" if found else ""),
        *((part.anchor, "" if part.empty else part.label) for part in [*sections[1:], machine]),
        ("settings", "Settings"), ("words", "Words"),
    ]  # fmt: skip
    return {
        "name": run.path.name,
        "named": [(anchor, label) for anchor, label in named if label],
        "trained": moment(record.started) if record and record.started else "",
        "glance": glance(run, steps),
        "linked": {anchor for anchor, label in named if label} | {f"plot-{figure.name}" for figure in plots},
        "skill": SKILL,
        "simulated": record is not None and record.data.simulated,
        "verdict": verdict_of(lead),
        "cards": cards_of(lead.record) if lead else [],
        "people": people(lead.record) if lead else "",
        "seen": SEEN[lead.record.seen] if lead else "",
        "next": steps,
        # Only subjects of one store can be held against each other so.
        "drop": {"val", "test"} <= {e.record.split for e in run.evaluations if e.record.seen == "none"},
        "lead": lead,
        "rows": rows,
        "columns": columns,
        "sections": sections,
        "machine": machine,
        "shown": shown_channel(run),
        "closeups": found,
        "galleries": restored,
        "signed": signed,
        "percent": percent,
        "similarity": [mix(SIMILARITY, n / 4) for n in range(5)],
        "facts": facts(run),
        "settings": run.settings,
        "problems": run.problems,
        "figures": {figure.name: {"data": figure.data, "layout": figure.layout} for figure in plots},
        "scenes": [
            {"base": block.base, "layout": block.layout, "choices": block.choices}
            for block in blocks
            if isinstance(block, Scene)
        ],
    }


def _next(run: RunRecords, record: EvaluationRecord) -> tuple[NextStep, ...]:
    """What to do, with the run called as its folder is: where it lies is nobody's who gets the page."""
    data, steps = run.record.data if run.record else None, run.record.steps if run.record else None
    return next_steps(
        record, steps=steps or record.step + 1, view=data.view_voxels if data else None, run=run.path.name
    )
