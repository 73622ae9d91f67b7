"""Which figures the page shows, in which order, and one line for what is left out."""

from collections.abc import Sequence
from dataclasses import dataclass

from orienteer.records.evaluation import TaskResult
from orienteer.report.cards import people
from orienteer.report.curves import machine_figures, training_figures
from orienteer.report.draw import DRAWERS, UNDRAWABLE, Part
from orienteer.report.evaluated import Evaluated
from orienteer.report.probes import Probe, probe_figures, probes_of
from orienteer.report.read import RunRecords
from orienteer.report.shifts import shift_figures
from orienteer.report.theme import Figure


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
    task: str = ""
    source: str = ""
    label: str = ""
    """In the contents bar."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to see but why."""
        return not (self.figures or self.more or self.probes)


def training_section(run: RunRecords) -> Section:
    """Curves in mm, degrees and per cent against chance."""
    first, more = training_figures(run)
    absent = [] if first or more else ["No training step has been logged yet, so there is no curve to draw."]
    return Section(
        "training", "Is it learning, and when?",
        "Error in units you know, against the error of a model that knows nothing (chance).",
        first, more, absent, label="Training",
    )  # fmt: skip


def machine_section(run: RunRecords) -> Section:
    """What the computer did."""
    figures = machine_figures(run)
    intro = "Figures for whoever runs the computer."
    return Section("machine", "How the training ran", intro, figures, label="Computer")


def evaluation_sections(lead: Evaluated | None, others: Sequence[Evaluated] = ()) -> list[Section]:
    """What each task answered, and after the judged one what the honesty probes say; empty without an evaluation.

    Args:
        lead: the evaluation the page is about.
        others: all of the run's evaluations; those of other stores tell how far it can be trusted elsewhere.
    """
    if lead is None:
        return []
    judged, sections = lead.record.verdict.task, []
    for result in sorted(lead.record.tasks, key=lambda result: result.card.name != judged):
        sections.extend(_task_sections(lead, result))
        if result.card.name == judged:
            sections.extend([_probe_section(lead), *_shift_sections(lead, others)])
    return sections if lead.record.task(judged) else [_probe_section(lead), *sections]


def _task_sections(lead: Evaluated, result: TaskResult) -> list[Section]:
    """A section under the task's own question, and one for every titled part of its evidence."""
    card, rows = result.card, lead.rows(result.card.name)
    parts: list[Part] = []
    absent = [] if card.evidence else ["It keeps no rows to draw; its figures stand among the key figures."]
    if card.evidence and rows is None:
        absent = ["Left out: this evaluation holds no rows of this task."]
    for number, evidence in enumerate(card.evidence):
        if rows is None:
            break
        try:
            parts.extend(DRAWERS[type(evidence)].draw(evidence, rows, f"{card.name}-{number}"))
        except UNDRAWABLE as error:
            absent.append(f"Left out: the rows do not hold what the task's card says of them ({error}).")
    own = [figure for part in parts if not part.title for figure in part.figures]
    anchor = f"task-{card.name}"
    return [
        Section(
            anchor, card.question, card.intro, own, absent=absent, task=card.title, source=card.source, label=card.title
        ),
        *(
            Section(f"{anchor}-{number}", part.title, part.intro, part.figures, task=card.title, label=part.label)
            for number, part in enumerate(parts)
            if part.title
        ),
    ]


def _shift_sections(lead: Evaluated, others: Sequence[Evaluated]) -> list[Section]:
    """How far the model can be trusted elsewhere, of the evaluation that asked; nothing where none did."""
    asked = next((each for each in (lead, *others) if each.record.shifts), lead)
    figures = shift_figures(asked, others)
    if not figures:
        return []
    intro = (
        f"The same subjects ({asked.record.name}: {people(asked.record)}) as another sequence, scanner or protocol"
        " would show them, and scans of other stores."
    )
    return [Section("elsewhere", "How far can it be trusted elsewhere?", intro, figures, label="Elsewhere")]


def _probe_section(lead: Evaluated) -> Section:
    title, probes = "Does it look at anatomy, or does it cheat?", probes_of(lead)
    if probes:
        intro = "Honesty probes: the trained model is asked again with the anatomy taken away."
        return Section("probes", title, intro, probe_figures(lead), probes=probes, label="Honesty")
    told = (
        "This evaluation holds no honesty probe."
        if lead.spatial or lead.record.verdict.label == "cheating"
        else "There are no honesty probes: no task of this run asks where something is, so there is no place to cheat "
        "about."
    )
    return Section("probes", title, "", absent=[told])
