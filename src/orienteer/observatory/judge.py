"""Where a run is right and where it is wrong, from the records of its evaluation. Needs no torch."""

from dataclasses import asdict
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from orienteer.errors import StoreError
from orienteer.observatory.refusal import Refusal
from orienteer.observatory.responses.base import Vector, finite_vector, vector
from orienteer.observatory.responses.judgement import (
    DistanceBand,
    JudgeResponse,
    MeanError,
    ProbeFigure,
    Region,
    WorstCase,
)
from orienteer.observatory.responses.session import KeyFigure, Verdict
from orienteer.observatory.session import Session, judged_figure
from orienteer.records.card import TaskCard
from orienteer.records.evidence import Displacements, vector_names
from orienteer.records.metric import finite
from orienteer.records.observation import Rows
from orienteer.records.statistics import vectors
from orienteer.report.cards import SEEN, key_figures, people, verdict_of
from orienteer.report.draw.where import PLACE, THIRDS, body_thirds, distance_bands
from orienteer.report.evaluated import Evaluated
from orienteer.report.intervals import mean_by_subject
from orienteer.report.probes import probes_of
from orienteer.store import ScanEntry

WORST = 50
AGREES_MM = 0.01
"""Centres found again from the records must give the recorded gaps to within this, or they are not shown."""


def judgement(session: Session, name: str | None = None) -> JudgeResponse:
    """Verdict, probes, error by distance and by region, and the worst cases, of one evaluation.

    Args:
        session: the run.
        name: of the evaluation; None takes the one the verdict rests on.

    Raises:
        Refusal: the run has not been evaluated, or not under that name.
    """
    evaluated = _chosen(session, name)
    record, pairs = evaluated.record, _pairs(evaluated)
    return JudgeResponse(
        evaluation=record.name,
        split=record.split,
        people=", ".join(filter(None, (people(record), SEEN.get(record.seen)))),
        step=record.step,
        scans=record.scans,
        persons=record.subjects,
        verdict=Verdict(**asdict(verdict_of(evaluated))),
        figures=[
            KeyFigure(task=card.title, title=title, metric=metric, figure=value)
            for title, metric, value, card in key_figures(record)
        ],
        judged=judged_figure(evaluated),
        probes=[ProbeFigure(**asdict(probe)) for probe in probes_of(evaluated)],
        task=pairs.card.title if pairs else None,
        by_distance=_by_distance(pairs) if pairs else [],
        by_region=_by_region(pairs) if pairs else [],
        worst=_worst(pairs, session) if pairs else [],
    )


def _chosen(session: Session, name: str | None) -> Evaluated:
    records = session.records
    found = records.lead if name is None else next((e for e in records.evaluations if e.record.name == name), None)
    if found is None:
        cure = "run `orienteer evaluate`, or let it finish"
        raise Refusal(404, "no-evaluation", "the run has not been evaluated that way", cure)
    return found


class _Pairs(NamedTuple):
    """The rows of a task that says how views lie to each other."""

    card: TaskCard
    evidence: Displacements
    rows: Rows


def _pairs(evaluated: Evaluated) -> _Pairs | None:
    """Of the first such task; None where there is none."""
    return next(
        (
            _Pairs(task.card, evidence, rows)
            for task in evaluated.record.tasks
            for evidence in task.card.evidence
            if isinstance(evidence, Displacements) and (rows := evaluated.rows(task.card.name)) is not None
        ),
        None,
    )


def _by_distance(pairs: _Pairs) -> list[DistanceBand]:
    return [
        DistanceBand(low_mm=low, high_mm=high, **_error(pairs, band).model_dump())
        for low, high, band in distance_bands(pairs.evidence, pairs.rows)
    ]


def _by_region(pairs: _Pairs) -> list[Region]:
    """Thirds of the body along each axis, by view i's centre; empty ones are left out."""
    axes: tuple[Literal["R", "A", "S"], ...] = ("R", "A", "S")
    found = []
    for axis, names, thirds in zip(axes, THIRDS, body_thirds(pairs.rows), strict=False):
        for label, inside in thirds:
            part = names.index(label)
            error = _error(pairs, inside).model_dump()
            found.append(Region(axis=axis, label=label, low=part / 3, high=(part + 1) / 3, **error))
    return found


def _error(pairs: _Pairs, chosen: NDArray[np.bool_]) -> MeanError:
    rows = pairs.rows
    estimate = mean_by_subject(pairs.evidence.errors_mm(rows), rows, chosen)
    return MeanError(
        error_mm=estimate.mean,
        interval_mm=None if estimate.low is None or estimate.high is None else (estimate.low, estimate.high),
        n=estimate.rows,
        scans=len(set(np.asarray(rows["scan"])[chosen])),
    )


def _worst(pairs: _Pairs, session: Session) -> list[WorstCase]:
    """The largest errors first; of the two directions of a pair the worse one."""
    _, evidence, rows = pairs
    error = evidence.errors_mm(rows)
    true, predicted = vectors(rows, evidence.true), vectors(rows, evidence.pred)
    seen: set[tuple[int, int, int]] = set()
    cases: list[WorstCase] = []
    # What is not finite is worse than any number.
    for row in np.argsort(-np.nan_to_num(error, nan=np.inf, posinf=np.inf), kind="stable"):
        sample, i, j = (int(rows[name][row]) for name in ("sample", "view_i", "view_j"))
        pair = (sample, min(i, j), max(i, j))
        if pair in seen:
            continue
        seen.add(pair)
        cases.append(
            WorstCase(
                sample=sample,
                scan=str(rows["scan"][row]),
                view_i=i,
                view_j=j,
                error_mm=finite(error[row]),
                true=vector(true[row]),
                predicted=finite_vector(predicted[row]),
                centres_mm=_centres(pairs, sample, session),
            )
        )
        if len(cases) == WORST:
            break
    return cases


def _centres(pairs: _Pairs, sample: int, session: Session) -> list[Vector] | None:
    """Where the sample's views lay, found again from their places in the body; None where that is not certain."""
    _, evidence, rows = pairs
    if any(column not in rows for column in vector_names(PLACE)):
        return None
    own = np.asarray(rows["sample"]) == sample
    try:
        entry = session.store.entry(str(rows["scan"][own][0]))
    except StoreError:
        return None
    place, true = vectors(rows, PLACE)[own], vectors(rows, evidence.true)[own]
    i, j = (np.asarray(rows[name])[own].astype(int) for name in ("view_i", "view_j"))
    views = int(i.max()) + 1
    # Every view must be the first of a pair: only of those the place is recorded.
    if sorted({*i.tolist(), *j.tolist()}) != list(range(views)) or len(set(i.tolist())) < views:
        return None
    size = session.run.settings.views.size
    centres = np.stack([_on_grid(place[i == view][0], entry, size) for view in range(views)])
    if np.abs(centres[j] - centres[i] - true).max() > AGREES_MM:
        return None  # the evaluation was made on other scans
    return [vector(centre) for centre in centres]


def _on_grid(place: NDArray[np.float64], entry: ScanEntry, size: int) -> NDArray[np.float64]:
    """``(3,)`` mm of a place given as a fraction of the body's box; views lie on whole voxels."""
    low, high = np.array(entry.foreground_low), np.array(entry.foreground_high)
    voxel = low + place * np.maximum(high - 1 - low, 1)
    half = (size - 1) / 2
    return np.asarray((np.rint(voxel - half) + half) * entry.spacing)
