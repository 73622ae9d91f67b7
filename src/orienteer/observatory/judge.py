"""Where a run is right and where it is wrong, from the records of its evaluation. Needs no torch."""

from typing import Literal

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
from orienteer.observatory.responses.session import Verdict
from orienteer.observatory.session import Session, whole
from orienteer.records.metric import finite
from orienteer.records.statistics import vectors
from orienteer.report.cards import SEEN, people, verdict_of
from orienteer.report.intervals import mean_by_person
from orienteer.report.probes import probes_of
from orienteer.report.read import TRIPLES, EvaluationRecords, Table
from orienteer.report.scatter import error_mm
from orienteer.report.where import THIRDS, distance_bands
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
    evaluation = _chosen(session, name)
    verdict = verdict_of(evaluation)
    gap = evaluation.tables.get("gap")
    rows = gap if gap is not None and len(gap["sample"]) else None
    return JudgeResponse(
        evaluation=evaluation.name,
        split=evaluation.split,
        people=", ".join(filter(None, (people(evaluation), SEEN.get(evaluation.seen)))),
        step=whole(evaluation.record.get("step")),
        scans=whole(evaluation.record.get("scans")),
        persons=whole(evaluation.record.get("persons")),
        verdict=Verdict(
            label=verdict.label,
            headline=verdict.headline,
            sentence=verdict.sentence,
            evidence=list(verdict.evidence),
        ),
        probes={
            probe.name: ProbeFigure(
                label=probe.label,
                meaning=probe.meaning,
                measure=probe.measure,
                unit=probe.unit,
                value=probe.value,
                skill=probe.skill,
            )
            for probe in probes_of(evaluation)
        },
        by_distance=[] if rows is None else _by_distance(rows),
        by_region=[] if rows is None else _by_region(rows),
        worst=[] if rows is None else _worst(rows, session),
    )


def _chosen(session: Session, name: str | None) -> EvaluationRecords:
    records = session.records
    found = records.lead if name is None else next((e for e in records.evaluations if e.name == name), None)
    if found is None:
        raise Refusal(
            404,
            "no-evaluation",
            "the run has not been evaluated that way",
            "run `orienteer evaluate`, or let it finish",
        )
    return found


def _by_distance(gap: Table) -> list[DistanceBand]:
    return [
        DistanceBand(low_mm=low, high_mm=high, **_error(gap, rows).model_dump())
        for low, high, rows in distance_bands(gap)
    ]


def _by_region(gap: Table) -> list[Region]:
    """Thirds of the body along each axis, by view i's centre; empty ones are left out."""
    if any(column not in gap for column in TRIPLES["place"]):
        return []
    third = np.clip(np.floor(vectors(gap, "place") * 3), 0, 2)
    axes: tuple[Literal["R", "A", "S"], ...] = ("R", "A", "S")
    return [
        Region(axis=axis, label=label, low=part / 3, high=(part + 1) / 3, **_error(gap, rows).model_dump())
        for column, (axis, names) in enumerate(zip(axes, THIRDS, strict=True))
        for part, label in enumerate(names)
        if (rows := third[:, column] == part).any()
    ]


def _error(gap: Table, rows: NDArray[np.bool_]) -> MeanError:
    estimate = mean_by_person(error_mm(gap), gap, rows)
    return MeanError(
        error_mm=estimate.mean,
        interval_mm=None if estimate.low is None or estimate.high is None else (estimate.low, estimate.high),
        n=estimate.rows,
        scans=len(set(np.asarray(gap["scan"])[rows])),
    )


def _worst(gap: Table, session: Session) -> list[WorstCase]:
    """The largest errors first; of the two directions of a pair the worse one."""
    error = error_mm(gap)
    true, predicted = vectors(gap, "true"), vectors(gap, "pred")
    seen: set[tuple[int, int, int]] = set()
    cases: list[WorstCase] = []
    # What is not finite is worse than any number.
    for row in np.argsort(-np.nan_to_num(error, nan=np.inf, posinf=np.inf), kind="stable"):
        sample, i, j = (int(gap[name][row]) for name in ("sample", "view_i", "view_j"))
        pair = (sample, min(i, j), max(i, j))
        if pair in seen:
            continue
        seen.add(pair)
        cases.append(
            WorstCase(
                sample=sample,
                scan=str(gap["scan"][row]),
                view_i=i,
                view_j=j,
                error_mm=finite(error[row]),
                true=vector(true[row]),
                predicted=finite_vector(predicted[row]),
                centres_mm=_centres(gap, sample, session),
            )
        )
        if len(cases) == WORST:
            break
    return cases


def _centres(gap: Table, sample: int, session: Session) -> list[Vector] | None:
    """Where the sample's views lay, found again from their places in the body; None where that is not certain."""
    if any(column not in gap for column in TRIPLES["place"]):
        return None
    rows = np.asarray(gap["sample"]) == sample
    try:
        entry = session.store.entry(str(gap["scan"][rows][0]))
    except StoreError:
        return None
    place, true = vectors(gap, "place")[rows], vectors(gap, "true")[rows]
    i, j = (np.asarray(gap[name])[rows].astype(int) for name in ("view_i", "view_j"))
    views = int(i.max()) + 1
    if sorted(set(i.tolist())) != list(range(views)):
        return None
    centres = np.stack([_on_grid(place[i == view][0], entry, session.settings.views.size) for view in range(views)])
    if np.abs(centres[j] - centres[i] - true).max() > AGREES_MM:
        return None  # the evaluation was made on other scans
    return [vector(centre) for centre in centres]


def _on_grid(place: NDArray[np.float64], entry: ScanEntry, size: int) -> NDArray[np.float64]:
    """``(3,)`` mm of a place given as a fraction of the body's box; views lie on whole voxels."""
    low, high = np.array(entry.foreground_low), np.array(entry.foreground_high)
    voxel = low + place * np.maximum(high - 1 - low, 1)
    half = (size - 1) / 2
    return np.asarray((np.rint(voxel - half) + half) * entry.spacing)
