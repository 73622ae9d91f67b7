"""Routes: where predicted steps lead, and how far from the goal."""

from pathlib import Path

import numpy as np
import pytest

from orienteer.report.arrows import letters, slices, view_boxes, way
from orienteer.report.read import EvaluationRecords, read_run
from orienteer.report.routes import example_figure, legs, route_figures, walks

from .run_folder import make_run


def test_walks__follow_the_predicted_steps_to_the_recorded_arrival(lead: EvaluationRecords) -> None:
    table, example = lead.tables["route"], lead.examples[0]
    found = walks(table, example)
    assert [walk.tour for walk in found] == [False] * 6 + [True] * 6
    first = found[0]
    assert first.title == "1 → 2 → 3" and len(first.pred) == 3
    np.testing.assert_allclose(first.true, example.centres_mm)
    row = next(
        n for n in range(len(table["path"])) if table["path"][n] == "0-1-2" and table["sample"][n] == example.sample
    )
    arrival = example.centres_mm[0] + [table[f"pred_{axis}"][row] for axis in "ras"]
    np.testing.assert_allclose(first.pred[-1], arrival, atol=1e-6)
    assert first.error_mm == pytest.approx(np.linalg.norm(arrival - example.centres_mm[2]))


def test_walks__a_round_trip_ends_where_it_began(lead: EvaluationRecords) -> None:
    tours = [walk for walk in walks(lead.tables["route"], lead.examples[0]) if walk.tour]
    assert all("round trip" in walk.title and np.allclose(walk.true[0], walk.true[-1]) for walk in tours)


def test_walks__without_steps_draw_the_arrival_alone(lead: EvaluationRecords) -> None:
    table = lead.tables["route"]
    longer = {name: column[np.asarray(table["kind"]) != "step"] for name, column in table.items()}
    walk = walks(longer, lead.examples[0])[0]
    assert len(walk.pred) == 2
    assert walk.error_mm == pytest.approx(walks(table, lead.examples[0])[0].error_mm)


def test_walks__are_never_more_than_twelve(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", splits=("val",), views=4, examples=1))
    assert run.lead is not None
    found = walks(run.lead.tables["route"], run.lead.examples[0])
    assert len(found) == 12 and sum(walk.tour for walk in found) == 6


def test_legs__group_by_steps_with_round_trips_last(lead: EvaluationRecords) -> None:
    groups = legs(lead.tables["route"])
    assert [group.label for group in groups] == ["1 step", "2 steps", "round trip of 3"]
    arrival, closure = lead.figures["route_arrival_mm"], lead.figures["route_closure_mm"]
    assert groups[1].error.mean == pytest.approx(arrival) and groups[2].error.mean == pytest.approx(closure)
    assert groups[2].zero_mm == pytest.approx(0, abs=1e-6)


def test_route_figures__say_that_an_algebraic_zero_is_no_finding(lead: EvaluationRecords) -> None:
    assert "no finding" in route_figures(lead.tables["route"], by_construction=True)[0].look
    assert "no finding" not in route_figures(lead.tables["route"], by_construction=False)[0].look


def test_route_figures__compare_with_staying_only_where_there_is_a_way_to_go(lead: EvaluationRecords) -> None:
    stay = route_figures(lead.tables["route"], by_construction=False)[0].data[-1]
    assert stay["name"] == "never leaving the start" and stay["x"] == ["1 step", "2 steps"]


def test_example_figure__offers_each_route_with_its_error(lead: EvaluationRecords) -> None:
    figure = example_figure(lead.tables["route"], lead.examples[0])
    assert figure is not None
    walk = walks(lead.tables["route"], lead.examples[0])[0]
    assert figure["choices"][0]["error"] == round(walk.error_mm, 1)
    assert f"{walk.error_mm:.1f} mm off" in str(figure["choices"][0]["traces"])


def test_example_figure__is_absent_for_a_sample_without_routes(lead: EvaluationRecords) -> None:
    none = {name: column[:0] for name, column in lead.tables["route"].items()}
    assert example_figure(none, lead.examples[0]) is None


def test_way__every_step_ends_in_an_arrow_head() -> None:
    points = np.array([[0.0, 0, 0], [50, 0, 0], [50, 50, 0], [50, 50, 0]])
    line, heads = way(points, "way", "@model", width=5)
    assert line["x"] == [0.0, 50.0, 50.0, 50.0]
    corners = np.array([heads["x"], heads["y"], heads["z"]], dtype=float).T
    tips = corners[[min(heads["i"]), heads["i"][-1] - 1]]
    np.testing.assert_allclose(tips, points[1:3])  # the step of no length has no head
    assert max(heads["k"]) < len(corners)


def test_slices__lie_in_their_planes_and_leave_air_out(lead: EvaluationRecords) -> None:
    example = lead.examples[0]
    for plane, trace in zip(example.planes, slices(example), strict=True):
        axis = "xyz"[plane.axis]
        assert trace[axis]["dtype"] == "f4"
        import base64

        place = np.frombuffer(base64.b64decode(trace[axis]["bdata"]), dtype="<f4")
        np.testing.assert_allclose(place[np.isfinite(place)], plane.at_mm)
        height = np.frombuffer(base64.b64decode(trace["z"]["bdata"]), dtype="<f4")
        assert 0.2 < np.isnan(height).mean() < 0.8


def test_view_boxes__edges_have_the_view_s_length(lead: EvaluationRecords) -> None:
    example = lead.examples[0]
    edges = view_boxes(example)[0]
    points = np.array([edges["x"], edges["y"], edges["z"]], dtype=float).T
    lengths = np.linalg.norm(points[1::3] - points[::3], axis=1)
    assert len(lengths) == 12 * 3
    np.testing.assert_allclose(lengths, example.view_mm, atol=0.2)


def test_letters__stand_on_the_side_they_name(lead: EvaluationRecords) -> None:
    trace = letters(lead.examples[0])
    places = dict(zip(trace["text"], zip(trace["x"], trace["y"], trace["z"], strict=True), strict=True))
    assert places["R"][0] > places["L"][0] and places["A"][1] > places["P"][1] and places["S"][2] > places["I"][2]
