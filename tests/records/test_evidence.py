"""What rows are evidence of: the columns each kind needs, and how they are laid out."""

import numpy as np
import pytest
from pydantic import TypeAdapter

from orienteer.records.evidence import (
    ChunkPairs,
    Classes,
    Displacements,
    Evidence,
    Numbers,
    Paths,
    Points,
    Spread,
    vector_names,
    views_of,
)

KINDS = (
    Displacements(true="t", pred="p", scale="s"),
    Points(),
    Paths(closes=True),
    ChunkPairs(chunk=0.4),
    Numbers(title="n", unit="mm", true="t", pred="p"),
    Classes(title="c", true="t", pred="p", names=("a", "b")),
    Spread(title="s", unit="fraction", model="m", others={"o": "another"}),
)


@pytest.mark.parametrize("evidence", KINDS, ids=lambda evidence: evidence.kind)
def test_evidence__is_told_apart_by_its_kind_in_json(evidence: Evidence) -> None:
    adapter: TypeAdapter[Evidence] = TypeAdapter(Evidence)
    assert adapter.validate_json(adapter.dump_json(evidence)) == evidence
    assert evidence.columns and len(set(evidence.columns)) == len(evidence.columns)


def test_columns__of_vectors_carry_their_axes() -> None:
    assert vector_names("pred") == ("pred_r", "pred_a", "pred_s")
    assert KINDS[0].columns[:2] == ("view_i", "view_j")
    assert {"t_r", "p_a", "s_s"} <= set(KINDS[0].columns)
    assert not any("scale" in column for column in Displacements().columns)
    assert {"kind", "path"} <= set(Paths().columns) and "view" in Points().columns
    assert KINDS[-1].columns == ("m", "o")


def rows() -> dict[str, np.ndarray]:
    """Ordered pairs of three views; the step from i to j is ``(j - i, 10 i, 0)`` mm."""
    i, j = np.array([(i, j) for i in range(3) for j in range(3) if i != j]).T
    steps = {"pred_r": j - i, "pred_a": 10 * i, "pred_s": 0 * i}
    return {"view_i": i.astype(np.int8), "view_j": j.astype(np.int8), **steps}


def test_displacements__matrix_by_hand() -> None:
    matrix = Displacements().matrix(rows(), "pred", 3)
    assert matrix.shape == (3, 3, 3) and np.isnan(matrix[np.diag_indices(3)]).all()
    assert matrix[0, 2].tolist() == [2, 0, 0] and matrix[2, 1].tolist() == [-1, 20, 0]


@pytest.mark.parametrize(("views", "missing"), [(2, 0), (4, 6)])
def test_displacements__of_other_numbers_of_views(views: int, missing: int) -> None:
    """Pairs beyond the K views are left out; pairs without a row stay unknown."""
    matrix = Displacements().matrix(rows(), "pred", views)
    assert np.isnan(matrix[..., 0]).sum() == views + missing


def test_vector_evidence__errors_by_hand() -> None:
    given = {"true_r": [0, 0], "true_a": [0, 1], "true_s": [0, 0], "pred_r": [3, 0], "pred_a": [4, 1], "pred_s": [0, 0]}
    assert Points().errors_mm({key: np.array(value) for key, value in given.items()}).tolist() == [5, 0]


def test_paths__steps_are_those_of_single_hops() -> None:
    assert views_of("0-12-1") == (0, 12, 1)
    given = {
        "kind": np.array(["step", "route", "step"]),
        "path": np.array(["0-1", "0-1-2", "12-3"]),
        "pred_r": np.array([1.0, 9.0, 2.0]),
        "pred_a": np.zeros(3),
        "pred_s": np.zeros(3),
    }
    steps = Paths().steps(given)
    assert {pair: step.tolist() for pair, step in steps.items()} == {(0, 1): [1, 0, 0], (12, 3): [2, 0, 0]}
