"""The run at a glance: what is asked first of a run, each with a short answer and where the page says more."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from shlex import quote

import numpy as np

from orienteer.records.card import TaskCard, judged_card
from orienteer.records.evidence import VectorEvidence
from orienteer.records.metric import SKILL, Metric
from orienteer.records.next_steps import NextStep
from orienteer.report.cards import SEEN, people
from orienteer.report.draw import UNDRAWABLE
from orienteer.report.draw.bars import Group
from orienteer.report.draw.where import by_region
from orienteer.report.evaluated import Evaluated
from orienteer.report.history import Curve, curves
from orienteer.report.read import RunRecords, number
from orienteer.units import capital, counted, duration, in_sentence, moment, percent, shown, shown_interval

LATER = "Comes with the first evaluation"
HALF = 0.5
"""Skill of an error that is half of chance."""


@dataclass(frozen=True)
class Answer:
    """One question: its answer, what to know about the answer, and the section that says more."""

    question: str
    answer: str
    aside: str = ""
    anchor: str = ""
    command: str = ""


def glance(run: RunRecords, steps: Sequence[NextStep]) -> list[Answer]:
    """Error and chance, on how many, since when, border, worst region, settings, time, what next."""
    lead = run.lead
    return [
        _error(run, lead), _measured_on(run, lead), _since(run), _border(lead), _worst(lead), _settings(run),
        _time(run), _next(run, steps),
    ]  # fmt: skip


def half_of_chance(curve: Curve, better: str) -> int | None:
    """The first step at which an error was at most half of chance, a share at least half-way from chance to perfect."""
    best = 1.0 if better == "higher" else 0.0
    skill = (curve.values - curve.chance) / (best - curve.chance)
    reached = np.flatnonzero(skill >= HALF)
    return int(curve.steps[reached[0]]) if reached.size else None


def worst_regions(lead: Evaluated) -> tuple[TaskCard, list[Group], float, str] | None:
    """Of the first task that knows regions: its card, regions, worst first, mean error of all in mm, and their plot."""
    regions: list[Group] = []
    for result in lead.record.tasks:
        for n, evidence in enumerate(result.card.evidence):
            rows = lead.rows(result.card.name)
            if rows is None or not isinstance(evidence, VectorEvidence):
                continue
            with suppress(*UNDRAWABLE):  # the section of its task says so
                regions = by_region(evidence, rows)
            if regions:
                return (
                    result.card,
                    regions,
                    float(evidence.errors_mm(rows).mean()),
                    f"plot-{result.card.name}-{n}-where-region",
                )
    return None


def _error(run: RunRecords, lead: Evaluated | None) -> Answer:
    question = "Error and chance"
    if lead is None or lead.judged is None:
        found = _followed(run)
        if found is None:
            return Answer(question, LATER)
        metric, curve = found
        last = f"{metric.title} {shown(curve.values[-1], curve.unit)} at step {curve.steps[-1]:,}"
        return Answer(
            question, f"{last}, chance {shown(curve.chance[-1], curve.unit)}", "validation subjects", "training"
        )
    _, metric, value = lead.judged
    interval = f"95 % interval {shown_interval(*value.interval, value.unit)}. " if value.interval else ""
    chance = f"Chance is {metric.chance}. " if metric.chance else ""
    skill = f"Skill {percent(value.skill)}: {SKILL}." if value.skill is not None else ""
    told = f"{metric.title} {shown(value.value, value.unit)}, chance {shown(value.chance, value.unit)}"
    return Answer(question, told, f"{interval}{chance}{skill}".strip(), "figures")


def _measured_on(run: RunRecords, lead: Evaluated | None) -> Answer:
    trained = run.record.data.persons.get("train") if run.record else None
    learner = "On imported weights it" if run.record and run.record.imported else "It"
    learned = f"{learner} learned from {counted(trained, 'subject')}." if trained else ""
    if lead is None:
        return Answer("Measured on", LATER, learned)
    where = "evaluations" if len(run.evaluations) > 1 else "figures"
    return Answer("Measured on", people(lead.record), f"{capital(SEEN[lead.record.seen])}. {learned}".strip(), where)


def _since(run: RunRecords) -> Answer:
    found = _followed(run)
    question = "Better than half of chance"
    if found is None or not np.isfinite(found[1].chance).any():
        return Answer(question, "Not known: no validation was logged")
    metric, curve = found
    question = question if metric.better == "lower" else "Half-way from chance to perfect"
    step = half_of_chance(curve, metric.better)
    last = f"{in_sentence(metric.title)} on validation subjects, measured at {counted(len(curve.steps), 'step')}"
    if step is None:
        best = curve.values.max() if metric.better == "higher" else curve.values.min()
        return Answer(question, f"Not yet: {shown(best, curve.unit)} at best", f"{last}.", "training")
    at = int(np.flatnonzero(curve.steps == step)[0])
    value = f"{shown(curve.values[at], curve.unit)}, chance {shown(curve.chance[at], curve.unit)}"
    total = f" of {run.record.steps:,}" if run.record and run.record.steps else ""
    return Answer(question, f"First at step {step:,}{total}", f"{value}; {last}.", "training")


def _border(lead: Evaluated | None) -> Answer:
    question = "Border of the views"
    if lead is None:
        return Answer(question, LATER)
    probes = {probe.card.leaves: probe for probe in lead.record.probes}
    found = [probes[left] for left in ("the inside", "the border") if left in probes]
    if not found:
        told = "Not asked" if lead.spatial else "Nothing to ask: no task asks where something is"
        return Answer(question, told, "", "probes")
    told = "; ".join(
        f"{probe.card.title} {shown(probe.measured.value, probe.measured.unit)} (skill {percent(probe.measured.skill)})"
        for probe in found
    )
    return Answer(question, capital(told), "The border is anatomy too; painting it over should cost little.", "probes")


def _worst(lead: Evaluated | None) -> Answer:
    question, found = "Worst region", worst_regions(lead) if lead else None
    if lead is None:
        return Answer(question, LATER)
    if found is None:
        return Answer(question, "Not known: no task's rows say where in the body its views lay")
    card, regions, overall, plot = found
    worst, best = regions[0], regions[-1]
    apart = worst.error.low is not None and worst.error.low > overall
    told = "" if apart or worst.error.low is None else " Its interval holds the mean: it does not stand out."
    return Answer(
        question,
        f"{capital(worst.label)}: {worst.error.mean:.1f} mm (n = {worst.error.rows:,})",
        f"{card.title}; whole body {overall:.1f} mm, best {best.label} {best.error.mean:.1f} mm.{told}",
        plot,
    )


def _settings(run: RunRecords) -> Answer:
    record = run.record
    if record is None:
        return Answer("Settings", "Not known: run.json cannot be read", "", "settings")
    return Answer(
        "Settings",
        "; ".join(_trained(run)),
        "Tasks: " + ", ".join(run.title(task) for task in run.tasks) + ".",
        "settings",
    )


def _trained(run: RunRecords) -> Iterator[str]:
    assert run.record is not None
    data, network = run.record.data, run.record.network
    if network:
        yield f"{network.name} {network.size}, {network.parameters / 1e6:.1f} million parameters"
    if run.record.imported:
        yield f"the encoder is imported ({run.record.imported.origin})"
    if data.view_voxels and data.view_mm:
        size = f"{data.view_voxels} voxels ({data.view_mm:g} mm)"
        yield f"{data.views_per_sample} views of {size} at {data.spacing_mm:g} mm"


def _time(run: RunRecords) -> Answer:
    record = run.record
    seconds = (record and record.seconds) or number(run.summary.get("seconds"))
    begun = f"Started {moment(record.started)}. " if record and record.started else ""
    last = max((int(line["step"]) for line in run.lines), default=0)
    if seconds is None:
        return Answer("Time", f"Not finished: step {last:,} was logged last", begun.strip(), "machine")
    environment = record.environment if record else None
    device = f" on {environment.device}, {environment.precision}" if environment and environment.device else ""
    wait = number(run.summary.get("data_wait_fraction"))
    waited = f"{percent(wait)} of it waiting for scans to be read." if wait is not None else ""
    return Answer(
        "Time",
        f"{duration(seconds)} for {(record and record.steps) or last:,} steps{device}",
        begun + waited,
        "machine",
    )


def _next(run: RunRecords, steps: Sequence[NextStep]) -> Answer:
    if steps:
        first, *others = steps
        more = f"{len(others)} more below." if others else ""
        return Answer("What next", f"{capital(first.why)}.", more, "next", first.command)
    if run.lead is None and run.record and run.record.awaits_data:
        told = "Judge it: heads are trained on the encoder as it is, then measured on subjects kept apart."
        return Answer("What next", told, command=f"orienteer evaluate {quote(run.path.name)} STORE")
    if run.lead is None or run.lead.record.agreeing is not None:
        again = f"orienteer pretrain STORE {quote(run.path.name)} --resume"
        told = "Let it train: it is judged after each validation."
        return Answer("What next", told, "This continues a run that was stopped.", command=again)
    return Answer("What next", "Nothing suggests itself.")


def _followed(run: RunRecords) -> tuple[Metric, Curve] | None:
    """What a verdict rests on over training, on validation subjects; None where none was logged."""
    judged = run.lead.judged if run.lead else None
    card = judged[0] if judged else judged_card(list(run.cards.values())) if run.cards else None
    if card is None:
        return None
    metric = judged[1] if judged else card.judged
    curve = curves(run.lines, "validation").get(card.name, {}).get(metric.name)
    return None if curve is None else (metric, curve)
