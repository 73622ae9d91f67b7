"""From what the model said to the answer of a request. Numbers go out as they are: nothing is rounded on the server."""

import numpy as np
from numpy.typing import NDArray

from orienteer.evaluation.look import Look
from orienteer.localize.located import Located
from orienteer.observatory.responses import predictions as answer
from orienteer.observatory.responses.base import Vector, finite_vector, vector
from orienteer.records import Observation
from orienteer.records.metric import finite
from orienteer.records.statistics import vectors

Floats = NDArray[np.float64]


def look_answer(seen: Look) -> answer.LookResponse:
    """All that a look holds, laid out by view; a task that was not trained is None."""
    measures = {task: _figures(observed) for task, observed in seen.observations.items()}
    routes, gap, position = (seen.observations.get(task) for task in ("route", "gap", "position"))
    return answer.LookResponse(
        step=seen.step,
        scan=seen.recipe.scan,
        centres_mm=[vector(centre) for centre in seen.centres_mm],
        view_mm=seen.recipe.view_mm,
        chunk_mm=seen.chunk_mm,
        probe=seen.probe,
        probe_view=seen.probe_view,
        gap=_gap(seen, measures["gap"]["gap_error_mm"]) if gap else None,
        adjacency=_adjacency(seen),
        routes=_routes(seen, routes) if routes else None,
        directions=_directions(seen, routes) if routes else None,
        closure_mm=measures["route"]["route_closure_mm"].value if routes else None,
        position=_position(position, measures["position"]["position_error_mm"]) if position else None,
        measures=measures,
    )


def where_answer(found: Located) -> answer.WhereResponse:
    """The heat map, the answer and, where it is known, the truth."""
    depth, height, width = found.heat.shape
    return answer.WhereResponse(
        step=found.step,
        scan=found.scan,
        centre_mm=vector(found.centre_mm),
        target=found.target,
        grid_mm=(found.grid_mm, found.grid_mm, found.grid_mm),
        origin_mm=vector(found.origin_mm),
        shape=(depth, height, width),
        heat=found.heat.ravel().tolist(),
        peak_mm=vector(found.peak_mm),
        opinions_mm=[vector(vote) for vote in found.votes_mm],
        true_mm=None if found.true_mm is None else vector(found.true_mm),
        error_mm=found.error_mm,
        chance_mm=found.chance_mm,
        from_labels=found.from_labels,
    )


def _gap(seen: Look, mean: answer.Figure) -> answer.GapMatrix | None:
    true, predicted, scale, error = seen.gap("true"), seen.gap("pred"), seen.gap("scale"), seen.gap_error_mm
    if true is None or predicted is None or error is None:
        return None
    return answer.GapMatrix(
        true=_matrix(true),
        predicted=_matrix(predicted),
        scale=None if scale is None else _matrix(scale),
        error_mm=[[finite(cell) for cell in row] for row in error],
        mean_error_mm=mean.value,
        chance_mm=mean.chance,
    )


def _adjacency(seen: Look) -> list[answer.ChunkSimilarity] | None:
    observed = seen.observations.get("adjacency")
    if observed is None:
        return None
    rows, answers = observed.rows, []
    for row, (i, j) in enumerate(zip(rows["view_i"].tolist(), rows["view_j"].tolist(), strict=True)):
        four = seen.chunks(i, j)
        answers.append(
            answer.ChunkSimilarity(
                i=i,
                j=j,
                adjacent=_chunks(four.adjacent_i, four.adjacent_j),
                distant=_chunks(four.distant_i, four.distant_j),
                adjacent_mm=finite(rows["adjacent_mm"][row]),
                distant_mm=finite(rows["distant_mm"][row]),
                adjacent_similarity=finite(rows["adjacent_similarity"][row]),
                distant_similarity=finite(rows["distant_similarity"][row]),
            )
        )
    return answers


def _routes(seen: Look, observed: Observation) -> list[answer.Route]:
    true, predicted = vectors(observed.rows, "true"), vectors(observed.rows, "pred")
    missed = np.linalg.norm(predicted - true, axis=1)
    answers = []
    for row, (kind, way) in enumerate(zip(observed.rows["kind"], observed.rows["path"], strict=True)):
        path = _views(way)
        waypoints = seen.waypoints(path)
        answers.append(
            answer.Route(
                kind=kind,
                path=path,
                true=finite_vector(true[row]),
                predicted=finite_vector(predicted[row]),
                waypoints_predicted=[] if waypoints is None else [finite_vector(point) for point in waypoints],
                error_mm=finite(missed[row]),
            )
        )
    return answers


def _directions(seen: Look, observed: Observation) -> list[answer.Direction] | None:
    angles = seen.direction_error_deg()
    if angles is None:
        return None
    true, predicted = vectors(observed.rows, "true"), vectors(observed.rows, "pred")
    answers = []
    for row in np.flatnonzero(observed.rows["kind"] == "step"):
        i, j = _views(observed.rows["path"][row])
        answers.append(
            answer.Direction(
                i=i,
                j=j,
                true=finite_vector(true[row]),
                predicted=finite_vector(predicted[row]),
                error_deg=finite(angles[i, j]),
                error_mm=finite(float(np.linalg.norm(predicted[row] - true[row]))),
            )
        )
    return answers


def _position(observed: Observation, mean: answer.Figure) -> answer.Positions:
    true, predicted = vectors(observed.rows, "true"), vectors(observed.rows, "pred")
    cells = [
        answer.CellPosition(view=int(view), true=finite_vector(true[row]), predicted=finite_vector(predicted[row]))
        for row, view in enumerate(observed.rows["view"])
    ]
    return answer.Positions(error_mm=mean.value, chance_mm=mean.chance, rows=cells)


def _figures(observed: Observation) -> dict[str, answer.Figure]:
    return {
        name: answer.Figure(
            value=finite(measure.value), unit=measure.unit, chance=finite(measure.chance), better=measure.better
        )
        for name, measure in observed.measures.items()
    }


def _views(way: str) -> list[int]:
    return [int(view) for view in way.split("-")]


def _chunks(of_i: Floats, of_j: Floats) -> answer.ChunkPair:
    return answer.ChunkPair(i_centre_mm=vector(of_i), j_centre_mm=vector(of_j))


def _matrix(values: Floats) -> list[list[Vector | None]]:
    """``(K, K, 3)`` as lists; a cell that is not a number is null."""
    return [[finite_vector(cell) for cell in row] for row in values]
