"""Paths: where predicted steps lead, and how far from the goal."""

from pathlib import Path

import numpy as np
import pytest

from orienteer.records.evidence import Paths
from orienteer.report.draw.arrows import letters, view_boxes, way
from orienteer.report.draw.paths import closeup, draw, legs, walks
from orienteer.report.evaluated import Evaluated
from orienteer.report.read import read_run

from ..run_folder import make_run

KIND = Paths()


def test_walks__follow_the_predicted_steps_to_the_recorded_arrival(lead: Evaluated) -> None:
    table, example = lead.tables["route"], lead.examples[0]
    found = walks(KIND, table, example)
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


def test_walks__a_round_trip_ends_where_it_began(lead: Evaluated) -> None:
    tours = [walk for walk in walks(KIND, lead.tables["route"], lead.examples[0]) if walk.tour]
    assert all("round trip" in walk.title and np.allclose(walk.true[0], walk.true[-1]) for walk in tours)


def test_walks__without_steps_draw_the_arrival_alone(lead: Evaluated) -> None:
    table = lead.tables["route"]
    longer = {name: column[np.asarray(table["kind"]) != "step"] for name, column in table.items()}
    walk = walks(KIND, longer, lead.examples[0])[0]
    assert len(walk.pred) == 2
    assert walk.error_mm == pytest.approx(walks(KIND, table, lead.examples[0])[0].error_mm)


def test_walks__are_never_more_than_twelve(tmp_path: Path) -> None:
    run = read_run(make_run(tmp_path / "run", splits=("val",), views=4, examples=1))
    assert run.lead is not None
    found = walks(KIND, run.lead.tables["route"], run.lead.examples[0])
    assert len(found) == 12 and sum(walk.tour for walk in found) == 6


def test_legs__group_by_steps_with_round_trips_last(lead: Evaluated) -> None:
    groups = legs(KIND, lead.tables["route"])
    assert [group.label for group in groups] == ["1 step", "2 steps", "round trip of 3"]
    arrival, closure = (lead.record.figures[name] for name in ("route_arrival_mm", "route_closure_mm"))
    assert groups[1].error.mean == pytest.approx(arrival) and groups[2].error.mean == pytest.approx(closure)
    assert groups[2].zero_mm == pytest.approx(0, abs=1e-6)


def test_draw__says_that_an_algebraic_zero_is_no_finding(lead: Evaluated) -> None:
    for kind in (KIND, Paths(closes=True)):
        (part,) = draw(kind, lead.tables["route"], "route")
        scene = closeup(kind, lead.tables["route"], lead.examples[0])
        assert scene is not None
        assert ("no finding" in part.figures[0].look) == ("no finding" in scene.look) == kind.closes


def test_draw__compares_with_staying_only_where_there_is_a_way_to_go(lead: Evaluated) -> None:
    stay = draw(KIND, lead.tables["route"], "route")[0].figures[0].data[-1]
    assert stay["name"] == "never leaving the start"
    assert [label.split("<br>")[0] for label in stay["y"]] == ["1 step", "2 steps"]


def test_closeup__offers_each_route_with_its_error(lead: Evaluated) -> None:
    scene = closeup(KIND, lead.tables["route"], lead.examples[0])
    assert scene is not None
    walk = walks(KIND, lead.tables["route"], lead.examples[0])[0]
    assert scene.choices[0]["error"] == round(walk.error_mm, 1)
    captions = [choice["caption"] for choice in scene.choices]
    assert f"{walk.error_mm:.1f} mm from the goal; never leaving the start ends {walk.chance_mm:.1f} mm" in captions[0]
    assert "from its start; never leaving the start would too." in captions[-1]


def test_closeup__is_absent_for_a_sample_without_routes(lead: Evaluated) -> None:
    none = {name: column[:0] for name, column in lead.tables["route"].items()}
    assert closeup(KIND, none, lead.examples[0]) is None


def test_way__every_step_ends_in_an_arrow_head() -> None:
    points = np.array([[0.0, 0, 0], [50, 0, 0], [50, 50, 0], [50, 50, 0]])
    line, heads = way(points, "way", "@model", width=5, head_mm=12)
    assert line["x"] == [0.0, 50.0, 50.0, 50.0]
    corners = np.array([heads["x"], heads["y"], heads["z"]], dtype=float).T
    tips = corners[[min(heads["i"]), heads["i"][-1] - 1]]
    np.testing.assert_allclose(tips, points[1:3])  # the step of no length has no head
    assert max(heads["k"]) < len(corners)


def test_view_boxes__edges_have_the_view_s_length(lead: Evaluated) -> None:
    example = lead.examples[0]
    edges = view_boxes(example)[0]
    points = np.array([edges["x"], edges["y"], edges["z"]], dtype=float).T
    lengths = np.linalg.norm(points[1::3] - points[::3], axis=1)
    assert len(lengths) == 12 * 3
    np.testing.assert_allclose(lengths, example.view_mm, atol=0.2)


def test_letters__stand_on_the_side_they_name(lead: Evaluated) -> None:
    trace = letters(lead.examples[0])
    places = dict(zip(trace["text"], zip(trace["x"], trace["y"], trace["z"], strict=True), strict=True))
    assert places["R"][0] > places["L"][0] and places["A"][1] > places["P"][1] and places["S"][2] > places["I"][2]
