"""Paths: walks over views by predicted steps. Arrival errors over all samples, arrows through one scan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from orienteer.records.evidence import STEP, TOUR, Paths, views_of
from orienteer.records.observation import Rows
from orienteer.records.statistics import vectors
from orienteer.report.draw.arrows import dotted, letters, mark, view_boxes, way
from orienteer.report.draw.bars import Group, bar_frame, group_bars, whiskers
from orienteer.report.draw.parts import Part, Scene
from orienteer.report.draw.surface import EYE, surface
from orienteer.report.evaluated import Example
from orienteer.report.intervals import mean_by_subject
from orienteer.report.theme import Figure, Plotly, base

MOST_PATHS = 12
STAYING = "never leaving the start"
"""Chance for a route: the answer that looks at nothing."""
BY_CONSTRUCTION = "Round trips close by construction in this run, so their zero is no finding."


@dataclass(frozen=True)
class Walk:
    """One route of one sample: where the true way and the predicted steps lead, ``(n, 3)`` mm each."""

    title: str
    tour: bool
    true: NDArray[np.float64]
    pred: NDArray[np.float64]

    @property
    def error_mm(self) -> float:
        """Distance between where the prediction ends and where it should."""
        return float(np.linalg.norm(self.pred[-1] - self.true[-1]))

    @property
    def chance_mm(self) -> float:
        """The same for never leaving the start; 0 for a tour."""
        return float(np.linalg.norm(self.true[-1] - self.true[0]))


def draw(evidence: Paths, rows: Rows, key: str) -> list[Part]:
    """One bar for each kind of walk, with the error of staying at the start beside it."""
    found = legs(evidence, rows)
    closing = BY_CONSTRUCTION if evidence.closes else "Round trips should come back to their start; that is learned."
    figure = Figure(
        name=f"{key}-legs",
        title="Arrival error by length of the route",
        look="Bars should stay far below the diamonds, the error of never leaving the start, and grow only "
        f"slowly with the number of steps. n: walks. {closing if _tours(rows).any() else ''} {whiskers(found)}",
        data=group_bars(found, zero=STAYING),
        layout=bar_frame(found, "arrival error (mm)"),
        span=6,
    )
    return [Part([figure])]


def closeup(evidence: Paths, rows: Rows, example: Example) -> Scene | None:
    """The walks of one sample in 3D: shared traces, a layout and one choice for each walk."""
    found = walks(evidence, rows, example)
    if not found:
        return None
    return Scene(
        base=[*surface(example), *view_boxes(example), letters(example)],
        layout=_scene(example),
        choices=[_choice(walk, example.view_mm / 6) for walk in found],
        view_mm=example.view_mm,
        look=BY_CONSTRUCTION if evidence.closes and any(walk.tour for walk in found) else "",
    )


def walks(evidence: Paths, rows: Rows, example: Example) -> list[Walk]:
    """The routes and round trips of one sample, or its single steps where there are none longer."""
    own = {name: column[np.asarray(rows["sample"]) == example.sample] for name, column in rows.items()}
    kinds, paths = np.asarray(own["kind"]).astype(str), np.asarray(own["path"]).astype(str)
    pred, steps = vectors(own, evidence.pred), evidence.steps(own)
    longer = np.flatnonzero(kinds != STEP).tolist() or list(range(len(kinds)))
    found = []
    for row in _both_kinds(sorted(longer, key=lambda row: kinds[row] == TOUR), kinds):
        views = views_of(paths[row])
        if max(views) >= len(example.centres_mm) or len(views) < 2:
            continue
        true = example.centres_mm[list(views)]
        found.append(Walk(_title(views), kinds[row] == TOUR, true, _predicted(true[0], views, steps, pred[row])))
    return found


def legs(evidence: Paths, rows: Rows) -> list[Group]:
    """Arrival errors grouped by kind and number of steps, short ones first, round trips last."""
    tours, counts = _tours(rows), np.char.count(np.asarray(rows["path"]).astype(str), "-")
    errors, lengths = evidence.errors_mm(rows), np.linalg.norm(vectors(rows, evidence.true), axis=1)
    found = []
    for tour, count in sorted({(bool(tour), int(n)) for tour, n in zip(tours, counts, strict=True)}):
        chosen = (tours == tour) & (counts == count)
        label = f"round trip of {count}" if tour else f"{count} step{'s' * (count > 1)}"
        found.append(Group(label, mean_by_subject(errors, rows, chosen), float(lengths[chosen].mean())))
    return found


def _tours(rows: Rows) -> NDArray[np.bool_]:
    return np.asarray(np.asarray(rows["kind"]).astype(str) == TOUR)


def _both_kinds(rows: Sequence[int], kinds: NDArray[np.str_]) -> list[int]:
    """At most twelve rows, half of them kept for round trips when there are many routes."""
    tours = [row for row in rows if kinds[row] == TOUR]
    others = [row for row in rows if kinds[row] != TOUR]
    kept = min(len(tours), max(MOST_PATHS // 2, MOST_PATHS - len(others)))
    return others[: MOST_PATHS - kept] + tours[:kept]


def _predicted(
    start: NDArray[np.float64],
    views: Sequence[int],
    steps: Mapping[tuple[int, int], NDArray[np.float64]],
    whole: NDArray[np.float64],
) -> NDArray[np.float64]:
    parts = [steps.get(step) for step in pairwise(views)]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):  # the steps were not recorded: draw the arrival alone
        return np.stack([start, start + whole])
    return np.concatenate([start[None], start + np.cumsum(known, axis=0)])


def _title(views: Sequence[int]) -> str:
    chain = " → ".join(str(view + 1) for view in views)
    return f"{chain} (round trip)" if views[0] == views[-1] else chain


def _choice(walk: Walk, head_mm: float) -> Plotly:
    goal, still = ("its start", "would too") if walk.tour else ("the goal", f"ends {walk.chance_mm:.1f} mm from it")
    traces = [
        *way(walk.true, "true way", "@film-truth", width=8, head_mm=head_mm, dash="dash"),
        *way(walk.pred, "predicted way", "@film-model", width=9, head_mm=head_mm),
        dotted(walk.true[-1], walk.pred[-1], "error at arrival"),
        mark(walk.pred[-1], "arrival", "@film-bad", "diamond"),
    ]
    caption = f"The predicted steps end {walk.error_mm:.1f} mm from {goal}; {STAYING} {still}."
    return {"title": walk.title, "caption": caption, "error": round(walk.error_mm, 1), "traces": traces}


def _scene(example: Example) -> Plotly:
    # Letters at the six sides say more than ticks would; the views' edges give the scale.
    axis = {"visible": False, "showspikes": False}
    camera = {"eye": dict(zip("xyz", EYE, strict=True)), "up": {"x": 0, "y": 0, "z": 1}}
    # As dark as a reading screen in either theme: bright tissue would fade on white.
    return base(600) | {
        "paper_bgcolor": "@film",
        "font": {"color": "@film-ink", "size": 13},
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "scene": {
            "xaxis": axis,
            "yaxis": axis,
            "zaxis": axis,
            "aspectmode": "data",
            "camera": camera,
            "dragmode": "orbit",
        },
        "legend": {"orientation": "h", "x": 0.01, "y": 0.01, "yanchor": "bottom", "bgcolor": "rgba(0,0,0,0)"},
        "uirevision": f"sample-{example.sample}",
    }
