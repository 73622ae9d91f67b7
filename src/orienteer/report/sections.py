"""Which figures the page shows, in which order, and one line for each that it leaves out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orienteer.report.adjacency import adjacency_figures
from orienteer.report.cards import closes_by_algebra
from orienteer.report.curves import machine_figures, training_figures
from orienteer.report.measures import SPATIAL, TASKS
from orienteer.report.probes import Probe, probe_figures, probes_of
from orienteer.report.read import RunRecords, Table
from orienteer.report.routes import route_figures
from orienteer.report.scatter import gap_figures, position_figures
from orienteer.report.theme import Figure
from orienteer.report.uncertainty import uncertainty_figures
from orienteer.report.where import where_figures


@dataclass(frozen=True)
class Section:
    """A titled part of the page: figures, more figures behind a click, and lines for what is left out."""

    anchor: str
    title: str
    intro: str
    figures: Sequence[Figure] = ()
    more: Sequence[Figure] = ()
    absent: Sequence[str] = ()
    probes: Sequence[Probe] = ()


def trained_tasks(run: RunRecords) -> list[str]:
    """The tasks of the run as it was set up; for older records, those that wrote anything."""
    named = run.info.get("tasks")
    if isinstance(named, list):
        return [str(task) for task in named]
    return sorted({str(line.get("task")) for line in run.lines} - {"training"})


def training_section(run: RunRecords) -> Section:
    """Curves in mm, degrees and per cent against chance."""
    first, more = training_figures(run)
    absent = [] if first or more else ["No training step has been logged yet, so there is no curve to draw."]
    return Section(
        "training", "Is it learning, and when?",
        "Error in units you know, against the error of a model that knows nothing (chance).",
        first, more, absent,
    )  # fmt: skip


def machine_section(run: RunRecords) -> Section:
    """What the computer did."""
    return Section("machine", "How the training ran", "Figures for whoever runs the computer.", machine_figures(run))


def evaluation_sections(run: RunRecords) -> list[Section]:
    """The sections that rest on the leading evaluation's tables; empty without one."""
    lead = run.lead
    if lead is None:
        return []
    by_construction = closes_by_algebra(run, lead)
    probes = probes_of(lead)
    trained = trained_tasks(run)
    if trained and not any(task in SPATIAL for task in trained):
        told = "Left out: what this run learned is not about places, so there is no place to cheat about."
        return [Section("probes", "Does it look at anatomy, or does it cheat?", "", absent=[told])]
    return [
        _section(
            run, "gap", "gap", "Does it know where things are?",
            "Two views are cut out of a scan; the model says how far apart they are, and in which direction.",
            lambda table: [*gap_figures(table), *uncertainty_figures(table)],
        ),
        _section(
            run, "where", "gap", "Where is it right, and where is it wrong?",
            "The same gap errors, sorted by distance and by where in the body the first view lies.",
            where_figures,
        ),
        Section(
            "probes", "Does it look at anatomy, or does it cheat?",
            "Honesty probes: the trained model is asked again with the anatomy taken away.",
            probe_figures(probes), probes=probes,
            absent=[] if probes else ["This evaluation recorded no honesty probe."],
        ),
        _section(
            run, "adjacency", "adjacency", "Do near things look alike to it?",
            "A chunk is a smaller box inside a view. Adjacent chunks face each other, distant ones face "
            "away.",
            adjacency_figures,
        ),
        _section(
            run, "route", "route", "Does it find its way?",
            "Predicted steps are walked one after the other; the error is the distance between arrival "
            "and goal.",
            lambda table: route_figures(table, by_construction=by_construction),
        ),
        _section(
            run, "position", "position", "Does it place single voxels?",
            "The position field gives every voxel a place in mm, measured from the middle of its sample.",
            position_figures,
        ),
    ]  # fmt: skip


def _section(
    run: RunRecords, anchor: str, task: str, title: str, intro: str, draw: Callable[[Table], list[Figure]]
) -> Section:
    lead = run.lead
    table = lead.tables.get(task) if lead else None
    if table is not None and len(table["sample"]):
        return Section(anchor, title, intro, draw(table))
    what = TASKS[task]
    if task not in trained_tasks(run):
        return Section(anchor, title, intro, absent=[f"Left out: the {what} was not trained in this run."])
    return Section(anchor, title, intro, absent=[f"Left out: this evaluation recorded no rows of the {what}."])
