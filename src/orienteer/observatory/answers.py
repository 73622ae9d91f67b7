"""Answers of a prediction as plain values. Numbers go out as they are: nothing is rounded on the server."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orienteer.evaluation.look import Look
from orienteer.localize.where import Where
from orienteer.records.files import measures_to_json
from orienteer.records.measures import vectors
from orienteer.records.records import Observation


def look_answer(seen: Look) -> dict[str, Any]:
    """All that a look holds, laid out by view; a task that was not trained is None."""
    return {
        "step": seen.step,
        "scan": seen.recipe.scan,
        "centres_mm": seen.centres_mm.tolist(),
        "view_mm": seen.recipe.view_mm,
        "chunk_mm": seen.chunk_mm,
        "probe": seen.probe,
        "probe_view": seen.probe_view,
        "gap": _gap(seen),
        "adjacency": _adjacency(seen),
        "routes": _routes(seen),
        "directions": _directions(seen),
        "closure_mm": _value(seen, "route", "route_closure_mm"),
        "position": _position(seen),
        "measures": {task: measures_to_json(observation.measures) for task, observation in seen.observations.items()},
    }


def where_answer(found: Where) -> dict[str, Any]:
    """The heat map, the answer and, where it is known, the truth."""
    return {
        "step": found.step,
        "scan": found.scan,
        "centre_mm": found.centre_mm.tolist(),
        "target": found.target,
        "grid_mm": [found.grid_mm] * 3,
        "origin_mm": found.origin_mm.tolist(),
        "shape": list(found.heat.shape),
        "heat": found.heat.ravel().tolist(),
        "peak_mm": found.peak_mm.tolist(),
        "opinions_mm": found.opinions_mm.tolist(),
        "true_mm": None if found.true_mm is None else found.true_mm.tolist(),
        "error_mm": found.error_mm,
        "chance_mm": found.chance_mm,
        "from_labels": found.from_labels,
    }


def _gap(seen: Look) -> dict[str, Any] | None:
    true, predicted, scale, error = seen.gap("true"), seen.gap("pred"), seen.gap("scale"), seen.gap_error_mm
    if true is None or predicted is None or error is None:
        return None
    return {
        "true": _matrix(true),
        "predicted": _matrix(predicted),
        "scale": None if scale is None else _matrix(scale),
        "error_mm": _matrix(error),
        "mean_error_mm": _value(seen, "gap", "gap_error_mm"),
        "chance_mm": _chance(seen, "gap", "gap_error_mm"),
    }


def _adjacency(seen: Look) -> list[dict[str, Any]] | None:
    observed = seen.observations.get("adjacency")
    if observed is None:
        return None
    answers = []
    for row in _records(observed):
        four = seen.chunks(row["view_i"], row["view_j"])
        answers.append(
            {
                "i": row["view_i"],
                "j": row["view_j"],
                "adjacent": {"i_centre_mm": four.adjacent_i.tolist(), "j_centre_mm": four.adjacent_j.tolist()},
                "distant": {"i_centre_mm": four.distant_i.tolist(), "j_centre_mm": four.distant_j.tolist()},
                **{
                    name: _finite(row[name])
                    for name in ("adjacent_mm", "distant_mm", "adjacent_similarity", "distant_similarity")
                },
            }
        )
    return answers


def _routes(seen: Look) -> list[dict[str, Any]] | None:
    observed = seen.observations.get("route")
    if observed is None:
        return None
    true, predicted = vectors(observed.rows, "true"), vectors(observed.rows, "pred")
    missed = np.linalg.norm(predicted - true, axis=1)
    answers = []
    for row, record in enumerate(_records(observed)):
        path = [int(view) for view in record["path"].split("-")]
        waypoints = seen.waypoints(path)
        assert waypoints is not None
        answers.append(
            {
                "kind": record["kind"],
                "path": path,
                "true": _vector(true[row]),
                "predicted": _vector(predicted[row]),
                "waypoints_predicted": [_vector(point) for point in waypoints],
                "error_mm": _finite(missed[row]),
            }
        )
    return answers


def _directions(seen: Look) -> list[dict[str, Any]] | None:
    observed, angles = seen.observations.get("route"), seen.direction_error_deg()
    if observed is None or angles is None:
        return None
    true, predicted = vectors(observed.rows, "true"), vectors(observed.rows, "pred")
    answers = []
    for row in np.flatnonzero(observed.rows["kind"] == "step"):
        i, j = (int(view) for view in observed.rows["path"][row].split("-"))
        answers.append(
            {
                "i": i,
                "j": j,
                "true": _vector(true[row]),
                "predicted": _vector(predicted[row]),
                "error_deg": _finite(angles[i, j]),
                "error_mm": _finite(np.linalg.norm(predicted[row] - true[row])),
            }
        )
    return answers


def _position(seen: Look) -> dict[str, Any] | None:
    observed = seen.observations.get("position")
    if observed is None:
        return None
    true, predicted = vectors(observed.rows, "true"), vectors(observed.rows, "pred")
    return {
        "error_mm": _value(seen, "position", "position_error_mm"),
        "chance_mm": _chance(seen, "position", "position_error_mm"),
        "rows": [
            {"view": int(view), "true": _vector(true[row]), "predicted": _vector(predicted[row])}
            for row, view in enumerate(observed.rows["view"])
        ],
    }


def _records(observed: Observation) -> list[dict[str, Any]]:
    columns = {name: column.tolist() for name, column in observed.rows.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _value(seen: Look, task: str, measure: str) -> float | None:
    return _finite(seen.observations[task].measures[measure].value) if task in seen.observations else None


def _chance(seen: Look, task: str, measure: str) -> float | None:
    chance = seen.observations[task].measures[measure].chance
    return None if chance is None else _finite(chance)


def _matrix(values: NDArray[np.float64]) -> list[Any]:
    """``(K, K)`` or ``(K, K, 3)`` as lists; a cell that is not a number is null."""
    return [[_vector(cell) if cell.ndim else _finite(cell) for cell in row] for row in values]


def _vector(values: NDArray[np.float64]) -> list[float] | None:
    return [float(value) for value in values] if np.isfinite(values).all() else None


def _finite(value: float | np.floating) -> float | None:
    return float(value) if math.isfinite(value) else None
