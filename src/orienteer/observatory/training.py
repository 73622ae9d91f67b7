"""The course of a training: its curves, and what is new since a step. Needs no torch."""

from collections.abc import Mapping
from typing import Any

from orienteer.observatory.responses.base import Point
from orienteer.observatory.responses.training import Curve, History, LiveResponse
from orienteer.observatory.session import Session
from orienteer.records.card import unlisted_metric
from orienteer.records.metric import Better
from orienteer.report import history as logged
from orienteer.report.read import mapping, number


def history(session: Session, since: int = -1) -> History:
    """Validation and training curves from step ``since`` on, which may have been validated after it was sent."""
    lines = session.records.lines
    better = _better(lines)
    validation, train = logged.curves(lines, "validation"), logged.curves(lines, "train")
    found: dict[str, dict[str, Curve]] = {}
    for task in {**validation, **train}:
        tested, trained = validation.get(task, {}), train.get(task, {})
        found[task] = {
            name: _curve(_title(session, task, name), tested.get(name), trained.get(name), better.get(name), since)
            for name in {**tested, **trained}
        }
    return History(found)


def news(session: Session, since: int) -> LiveResponse:
    """What there is from step ``since`` on: points of the curves, and the run as it is now."""
    return LiveResponse(run=session.facts(), history=history(session, since))


def _title(session: Session, task: str, metric: str) -> str:
    card = session.records.cards.get(task)
    return (card.metric(metric) if card else unlisted_metric(metric)).title


def _curve(
    title: str, validation: logged.Curve | None, train: logged.Curve | None, better: Better | None, since: int
) -> Curve:
    """One metric's two curves from step ``since`` on; at least one of them is there."""
    either = validation or train
    return Curve(
        title=title,
        unit=either.unit if either else "",
        better=better or "lower",
        chance=number(float(validation.chance[-1])) if validation else None,
        points=_from(validation, since),
        train=_from(train, since),
    )


def _from(curve: logged.Curve | None, since: int) -> list[Point]:
    if curve is None:
        return []
    later = curve.steps >= since
    return list(zip(curve.steps[later].tolist(), curve.values[later].tolist(), strict=True))


def _better(lines: tuple[Mapping[str, Any], ...]) -> dict[str, Better]:
    """Which way is better, of every metric."""
    return {
        name: "higher" if mapping(measure).get("better") == "higher" else "lower"
        for line in lines
        for name, measure in mapping(line.get("measures")).items()
    }
