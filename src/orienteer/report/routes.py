"""Predicted and true routes: arrows through one scan, and arrival errors over all samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orienteer.records.measures import vectors
from orienteer.report.arrows import dotted, letters, mark, slices, view_boxes, way
from orienteer.report.bars import Group, bar_frame, group_bars, whiskers
from orienteer.report.intervals import mean_by_person
from orienteer.report.read import Example, Table
from orienteer.report.scatter import error_mm
from orienteer.report.theme import Figure, base

MOST_ROUTES = 12


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


def walks(route: Table, example: Example) -> list[Walk]:
    """The routes and round trips of one sample, or its single steps where there are none longer."""
    rows = np.flatnonzero(np.asarray(route["sample"]) == example.sample)
    pred = vectors(route, "pred")
    kinds, paths = np.asarray(route["kind"]).astype(str), np.asarray(route["path"]).astype(str)
    steps = {paths[row]: pred[row] for row in rows if kinds[row] == "step"}
    longer = [int(row) for row in rows if kinds[row] != "step"] or rows.tolist()
    longer.sort(key=lambda row: kinds[row] == "tour")
    found = []
    for row in _both_kinds(longer, kinds):
        views = [int(part) for part in paths[row].split("-")]
        if max(views) >= len(example.centres_mm) or len(views) < 2:
            continue
        true = example.centres_mm[views]
        found.append(Walk(_title(views), kinds[row] == "tour", true, _predicted(true[0], views, steps, pred[row])))
    return found


def example_figure(route: Table, example: Example) -> Mapping[str, Any] | None:
    """What the 3D view needs for one example: shared traces, a layout and one choice for each route."""
    found = walks(route, example)
    if not found:
        return None
    return {
        "base": [*slices(example), *view_boxes(example), letters(example)],
        "layout": _scene(example),
        "choices": [_choice(walk) for walk in found],
    }


def legs(route: Table) -> list[Group]:
    """Arrival errors grouped by kind and number of steps, short ones first, round trips last."""
    kinds, paths = np.asarray(route["kind"]).astype(str), np.asarray(route["path"]).astype(str)
    counts = np.char.count(paths, "-")
    errors, lengths = error_mm(route), np.linalg.norm(vectors(route, "true"), axis=1)
    found = []
    for tour, count in sorted({(kind == "tour", int(n)) for kind, n in zip(kinds, counts, strict=True)}):
        rows = ((kinds == "tour") == tour) & (counts == count)
        label = f"round trip of {count}" if tour else f"{count} step{'s' * (count > 1)}"
        estimate = mean_by_person(errors, route, rows)
        found.append(Group(label, estimate, float(lengths[rows].mean())))
    return found


def route_figures(route: Table, *, by_construction: bool) -> list[Figure]:
    """One bar for each kind of route, with the error of staying at the start beside it."""
    found = legs(route)
    closing = (
        "Round trips close by construction in this run: their zero is algebra and no finding."
        if by_construction
        else "Round trips should come back to their start; here that had to be learned."
    )
    return [
        Figure(
            name="route-legs",
            title="Arrival error by length of the route",
            look="Bars should stay far below the diamonds, the error of never leaving the start, and grow only "
            f"slowly with the number of steps. {closing} {whiskers(found)}",
            data=group_bars(found, zero="never leaving the start"),
            layout=bar_frame("route", "arrival error (mm)", height=360),
            span=6,
        )
    ]


def _both_kinds(rows: Sequence[int], kinds: NDArray[np.str_]) -> list[int]:
    """At most twelve rows, half of them kept for round trips when there are many routes."""
    tours = [row for row in rows if kinds[row] == "tour"]
    others = [row for row in rows if kinds[row] != "tour"]
    kept = min(len(tours), max(MOST_ROUTES // 2, MOST_ROUTES - len(others)))
    return others[: MOST_ROUTES - kept] + tours[:kept]


def _predicted(
    start: NDArray[np.float64], views: Sequence[int], steps: Mapping[str, NDArray[np.float64]], whole: NDArray
) -> NDArray[np.float64]:
    parts = [steps.get(f"{a}-{b}") for a, b in pairwise(views)]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):  # the steps were not recorded: draw the arrival alone
        return np.stack([start, start + whole])
    return np.concatenate([start[None], start + np.cumsum(known, axis=0)])


def _title(views: Sequence[int]) -> str:
    chain = " → ".join(str(view + 1) for view in views)
    return f"{chain} (round trip)" if views[0] == views[-1] else chain


def _choice(walk: Walk) -> dict[str, Any]:
    goal = "its start" if walk.tour else "the goal"
    traces = [
        *way(walk.true, "true way", "@film-truth", width=8),
        *way(walk.pred, "predicted way", "@film-model", width=9),
        dotted(walk.true[-1], walk.pred[-1], "error at arrival"),
        mark(walk.pred[-1], "arrival", f"{walk.error_mm:.1f} mm off", "@film-bad", "diamond"),
    ]
    caption = f"The predicted steps end {walk.error_mm:.1f} mm from {goal}."
    return {"title": walk.title, "caption": caption, "error": round(walk.error_mm, 1), "traces": traces}


def _scene(example: Example) -> dict[str, Any]:
    # Letters at the six sides say more than ticks would; the views' edges give the scale.
    axis = {"visible": False, "showspikes": False}
    # Seen from the front, a little from above: the patient's right is on the viewer's left, as in an image.
    camera = {"eye": {"x": 0.5, "y": 1.25, "z": 0.45}, "up": {"x": 0, "y": 0, "z": 1}}
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
