"""From what the model said to the answer of a request. Numbers go out as they are: nothing is rounded on the server."""

from base64 import b64encode
from dataclasses import replace

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from orienteer.evaluation.look import Look
from orienteer.localize.found import Found
from orienteer.observatory.responses import predictions as answer
from orienteer.observatory.responses.base import Vector, finite_vector, vector
from orienteer.observatory.responses.session import TaskFacts
from orienteer.records.card import judged_card
from orienteer.records.evaluation import Value
from orienteer.records.evidence import STEP, ChunkPairs, Paths, Points, views_of
from orienteer.records.metric import finite
from orienteer.records.statistics import vectors
from orienteer.store.intensity import grey_levels
from orienteer.store.manifest import ScanEntry

Floats = NDArray[np.float64]


def look_answer(seen: Look) -> answer.LookResponse:
    """All that a look holds, laid out by task and view."""
    return answer.LookResponse(
        step=seen.step,
        scan=seen.recipe.scan,
        centres_mm=[vector(centre) for centre in seen.centres_mm],
        view_mm=seen.recipe.view_mm,
        probe=seen.probe,
        probe_view=seen.probe_view,
        judged=judged_card(tuple(seen.cards.values())).name if seen.cards else None,
        tasks=[_task(seen, name) for name in seen.cards],
        images=None if seen.probe is None else _greys(seen),
    )


def where_answer(step: int, scan: ScanEntry, index: Floats, target: ScanEntry, found: Found) -> answer.WhereResponse:
    """Where a voxel ``index`` of one scan was found in another: in the scans' own frames, and in their worlds."""
    return answer.WhereResponse(
        step=step,
        scan=scan.id,
        point_mm=vector(index * scan.spacing),
        point_world_mm=vector(apply_affine(np.array(scan.affine), index)),
        target=target.id,
        found_mm=None if found.voxel is None else vector(found.voxel * target.spacing),
        found_world_mm=None if found.world_mm is None else vector(found.world_mm),
        ring_mm=finite(found.ring_mm),
        cycle_mm=found.cycle_mm,
        why=found.why,
    )


def _greys(seen: Look) -> str:
    levels = np.rint(grey_levels(seen.images[:, 0])).astype(np.uint8)
    return b64encode(levels.transpose(0, 3, 2, 1).tobytes()).decode()


def _task(seen: Look, name: str) -> answer.TaskAnswer:
    card, observed = seen.cards[name], seen.observations[name]
    alone = replace(seen, observations={name: observed}, cards={name: card})
    return answer.TaskAnswer(
        task=TaskFacts.of(name, card),
        measures={metric: Value.of(measure) for metric, measure in observed.measures.items()},
        displacements=_displacements(alone),
        chunk_pairs=_chunk_pairs(alone),
        paths=_paths(alone),
        points=_points(alone),
    )


def _displacements(seen: Look) -> answer.DisplacementMatrix | None:
    true, predicted, scale, error = seen.gap("true"), seen.gap("pred"), seen.gap("scale"), seen.gap_error_mm
    if true is None or predicted is None or error is None:
        return None
    return answer.DisplacementMatrix(
        true=_matrix(true),
        predicted=_matrix(predicted),
        scale=None if scale is None else _matrix(scale),
        error_mm=[[finite(cell) for cell in row] for row in error],
    )


def _chunk_pairs(seen: Look) -> answer.ChunkPairs | None:
    found = seen.evidence(ChunkPairs)
    if found is None:
        return None
    rows, answers = found[1].rows, []
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
    return answer.ChunkPairs(chunk_mm=seen.chunk_mm, pairs=answers)


def _paths(seen: Look) -> answer.Paths | None:
    found, angles = seen.evidence(Paths), seen.direction_error_deg()
    if found is None or angles is None:
        return None
    evidence, rows = found[0], found[1].rows
    true, predicted, missed = vectors(rows, evidence.true), vectors(rows, evidence.pred), evidence.errors_mm(rows)
    paths = []
    for row, (kind, way) in enumerate(zip(rows["kind"].tolist(), rows["path"].tolist(), strict=True)):
        path = views_of(way)
        waypoints = seen.waypoints(path)
        paths.append(
            answer.Path(
                kind=kind,
                path=list(path),
                true=finite_vector(true[row]),
                predicted=finite_vector(predicted[row]),
                waypoints_predicted=[] if waypoints is None else [finite_vector(point) for point in waypoints],
                error_mm=finite(missed[row]),
                error_deg=finite(angles[path]) if kind == STEP else None,
            )
        )
    return answer.Paths(closes=evidence.closes, paths=paths)


def _points(seen: Look) -> list[answer.PlacedPoint] | None:
    found = seen.evidence(Points)
    if found is None:
        return None
    evidence, rows = found[0], found[1].rows
    true, predicted = vectors(rows, evidence.true), vectors(rows, evidence.pred)
    return [
        answer.PlacedPoint(view=int(view), true=finite_vector(true[row]), predicted=finite_vector(predicted[row]))
        for row, view in enumerate(rows["view"])
    ]


def _chunks(of_i: Floats, of_j: Floats) -> answer.ChunkPair:
    return answer.ChunkPair(i_centre_mm=vector(of_i), j_centre_mm=vector(of_j))


def _matrix(values: Floats) -> list[list[Vector | None]]:
    """``(K, K, 3)`` as lists; a cell that is not a number is null."""
    return [[finite_vector(cell) for cell in row] for row in values]
