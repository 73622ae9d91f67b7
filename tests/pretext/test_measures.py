"""Every figure of our tasks against a value worked out by hand."""

import numpy as np
import pytest

from orienteer.pretext.adjacency import AdjacencyTask
from orienteer.pretext.displacement import displacement_measures
from orienteer.pretext.gap import GapTask
from orienteer.pretext.position import PositionTask
from orienteer.pretext.route import RouteTask

Vectors = list[tuple[float, float, float]]


def columns(**named: Vectors) -> dict[str, np.ndarray]:
    """Rows as tasks write them: ``true_r``, ``true_a``, ``true_s``, ... as float32."""
    return {
        f"{name}_{axis}": np.array([vector[n] for vector in values], dtype=np.float32)
        for name, values in named.items()
        for n, axis in enumerate("ras")
    }


def test_displacement_measures__reference_by_hand() -> None:
    true: Vectors = [(30, 0, 40), (-30, 0, -40), (0, 12, 5)]
    pred: Vectors = [(30, 0, 40), (-27, 4, -40), (0, 12, -19)]
    measures = displacement_measures(columns(true=true, pred=pred))
    # Errors 0, 5, 24; lengths 50, 50, 13.
    assert measures["gap_error_mm"].value == pytest.approx(29 / 3)
    assert measures["gap_error_mm"].chance == pytest.approx(113 / 3), "predicting zero is off by the distance itself"
    assert measures["gap_error_median_mm"].value == pytest.approx(5.0)
    assert measures["gap_error_median_mm"].chance == pytest.approx(50.0)
    # Distances predicted: 50, sqrt(27^2 + 4^2 + 40^2), sqrt(12^2 + 19^2).
    far = [0.0, 50 - np.sqrt(2345), np.sqrt(505) - 13]
    assert measures["distance_error_mm"].value == pytest.approx(np.mean(far))
    # The best constant distance is the median, 50: it is off by 0, 0, 37.
    assert measures["distance_error_mm"].chance == pytest.approx(37 / 3)
    for axis, error, chance in (("right", 1.0, 20.0), ("anterior", 4 / 3, 4.0), ("superior", 8.0, 85 / 3)):
        assert measures[f"gap_error_{axis}_mm"].value == pytest.approx(error)
        assert measures[f"gap_error_{axis}_mm"].chance == pytest.approx(chance)
    assert next(iter(measures)) == "gap_error_mm", "the headline"
    assert "coverage_50" not in measures, "no scale was predicted"
    assert {measure.better for measure in measures.values()} == {"lower"}


def test_displacement_measures__predicting_zero_is_chance_and_has_no_skill() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(0, 40, size=(50, 3))
    rows = columns(true=true.tolist(), pred=np.zeros((50, 3)).tolist())
    perfect = columns(true=true.tolist(), pred=true.tolist())
    assert displacement_measures(rows)["gap_error_mm"].skill == pytest.approx(0.0)
    assert displacement_measures(perfect)["gap_error_mm"].skill == pytest.approx(1.0)


def test_displacement_measures__no_constant_beats_the_stated_chance_on_ordered_pairs() -> None:
    half = np.random.default_rng(1).normal(10, 40, size=(200, 3))
    true = np.concatenate([half, -half]).tolist()
    chance = displacement_measures(columns(true=true, pred=true))["gap_error_mm"].chance
    for constant in [(5, 0, 0), (0, -20, 0), tuple(half.mean(0))]:
        assert displacement_measures(columns(true=true, pred=[constant] * 400))["gap_error_mm"].value >= chance - 1e-4


def test_gap__coverage_of_exact_laplace_draws() -> None:
    rng = np.random.default_rng(2)
    scale = rng.uniform(1, 20, size=(40_000, 3)).astype(np.float32)
    true = rng.normal(0, 60, size=scale.shape)
    pred = true + rng.laplace(0, scale)
    measures = GapTask.measure(columns(true=true, pred=pred, scale=scale))
    # 120,000 draws: one standard deviation is 0.0014.
    assert measures["coverage_50"].value == pytest.approx(0.5, abs=0.006)
    assert measures["coverage_90"].value == pytest.approx(0.9, abs=0.004)
    assert measures["coverage_50"].better == "higher"


def test_gap__coverage_by_hand() -> None:
    # Half of a Laplace lies within ln 2 = 0.693 scales, nine tenths within ln 10 = 2.303.
    pred: Vectors = [(0.69, 0.70, 2.30), (-2.31, 0.0, -6.0)]
    measures = GapTask.measure(columns(true=[(0, 0, 0)] * 2, pred=pred, scale=[(1, 1, 1)] * 2))
    assert measures["coverage_50"].value == pytest.approx(2 / 6)
    assert measures["coverage_90"].value == pytest.approx(4 / 6)


def test_displacement_measures__without_rows_is_nan_not_a_crash() -> None:
    rows = {f"{name}_{axis}": np.zeros(0) for name in ("true", "pred") for axis in "ras"}
    assert np.isnan(displacement_measures(rows)["gap_error_mm"].value)


def route_rows() -> dict[str, np.ndarray]:
    kinds = ["step", "step", "route", "route", "tour", "tour"]
    true: Vectors = [(10, 0, 0), (0, 20, 0), (30, 40, 0), (0, 0, 50), (0, 0, 0), (0, 0, 0)]
    pred: Vectors = [(10, 0, 0), (20, 0, 0), (30, 40, 6), (0, 8, 50), (3, 4, 0), (0, 0, 0)]
    return {"kind": np.array(kinds), **columns(true=true, pred=pred)}


def test_route_measures__each_kind_by_hand() -> None:
    measures = RouteTask.measure(route_rows())
    assert measures["direction_error_deg"].value == pytest.approx(45.0)
    assert measures["direction_error_deg"].chance == 90.0
    assert measures["step_error_mm"].value == pytest.approx(np.hypot(20, 20) / 2)
    assert measures["step_error_mm"].chance == pytest.approx(15.0)
    assert measures["route_arrival_mm"].value == pytest.approx(7.0)
    assert measures["route_arrival_mm"].chance == pytest.approx(50.0)
    assert measures["route_closure_mm"].value == pytest.approx(2.5)
    assert measures["route_closure_mm"].chance is None, "predicting nothing closes every tour"
    assert measures["route_closure_mm"].skill is None


def test_route_measures__order_of_rows_does_not_matter() -> None:
    rows = route_rows()
    mixed = {name: column[[4, 2, 0, 5, 1, 3]] for name, column in rows.items()}
    assert {k: round(m.value, 9) for k, m in RouteTask.measure(rows).items()} == {
        k: round(m.value, 9) for k, m in RouteTask.measure(mixed).items()
    }


def adjacency_rows(*rows: tuple[float, float, float, float]) -> dict[str, np.ndarray]:
    names = ("adjacent_mm", "distant_mm", "adjacent_similarity", "distant_similarity")
    return dict(zip(names, np.array(rows, dtype=np.float64).T, strict=True))


def test_adjacency_measures__ties_and_the_30_mm_rule_by_hand() -> None:
    rows = adjacency_rows(
        (10, 50, 0.9, 0.1),  # clear, won
        (10, 40, 0.1, 0.9),  # exactly 30 mm apart counts as clear; lost
        (10, 90, 0.5, 0.5),  # clear, a tie: half
        (10, 39.9, 0.1, 0.9),  # not clear, lost
        (20, 20, 0.9, 0.1),  # the same boxes: nothing to rank
    )
    measures = AdjacencyTask.measure(rows)
    assert next(iter(measures)) == "adjacency_accuracy", "the headline"
    assert measures["adjacency_accuracy"].value == pytest.approx(1.5 / 3)
    assert measures["adjacency_accuracy_all"].value == pytest.approx(1.5 / 4)
    assert measures["adjacency_accuracy"].chance == 0.5
    assert measures["adjacency_accuracy"].better == "higher"
    assert measures["similarity_adjacent"].value == pytest.approx(2.5 / 5)
    assert measures["similarity_distant"].value == pytest.approx(2.5 / 5)


def test_adjacency_measures__collapsed_embedding_is_at_chance() -> None:
    rows = adjacency_rows(*[(10, 60, 1.0, 1.0)] * 7)
    measures = AdjacencyTask.measure(rows)
    assert measures["adjacency_accuracy"].value == 0.5
    assert measures["adjacency_auc"].value == 0.5


def test_adjacency_measures__no_clear_pair_is_nan() -> None:
    measures = AdjacencyTask.measure(adjacency_rows((10, 20, 0.9, 0.1)))
    assert np.isnan(measures["adjacency_accuracy"].value)
    assert measures["adjacency_accuracy_all"].value == 1.0
    assert next(iter(measures)) == "adjacency_accuracy_all", "in a small scan the figure that is there leads"


def test_position_measures__reference_by_hand() -> None:
    rows = columns(true=[(3, 4, 0), (-3, -4, 0)], pred=[(3, 4, 2), (-3, 0, 0)])
    rows |= {"sample": np.zeros(2, dtype=np.int32), "view": np.array([0, 1], dtype=np.int8)}
    measure = PositionTask.measure(rows)["position_error_mm"]
    assert measure.value == pytest.approx(3.0)
    assert measure.chance == pytest.approx(5.0)


def test_position_measures__knowing_ones_place_in_the_view_is_chance() -> None:
    """Padding tells a cell where in its view it lies; that says nothing of the body."""
    within = np.array([(a, b, c) for a in (-6, 6) for b in (-6, 6) for c in (-6, 6)], dtype=float)
    middles = np.array([(30, 0, 0), (-30, 0, 0), (0, 40, 0), (0, -40, 0)], dtype=float)
    true = (middles[:, None] + within).reshape(-1, 3)
    rows = columns(true=list(map(tuple, true)), pred=list(map(tuple, np.tile(within, (4, 1)))))
    # Two samples of two views each.
    rows |= {"sample": np.repeat([0, 1], 16).astype(np.int32), "view": np.tile(np.repeat([0, 1], 8), 2).astype(np.int8)}
    measure = PositionTask.measure(rows)["position_error_mm"]
    assert measure.value == pytest.approx(measure.chance) == pytest.approx(35.0)


def test_position_measures__of_no_cells_nothing_is_known() -> None:
    rows = columns(true=[], pred=[]) | {"sample": np.array([], dtype=np.int32), "view": np.array([], dtype=np.int8)}
    rows |= {f"{name}_{axis}": np.array([], dtype=np.float32) for name in ("true", "pred") for axis in "ras"}
    assert np.isnan(PositionTask.measure(rows)["position_error_mm"].value)
