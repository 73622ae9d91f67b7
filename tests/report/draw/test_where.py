"""Error by distance and by region."""

import numpy as np
import pytest

from orienteer.records.evidence import Displacements
from orienteer.report.draw.where import by_distance, by_region, where_figures
from orienteer.report.evaluated import Evaluated

KIND = Displacements()


def _gap(lengths: list[float], errors: list[float], places: list[float]) -> dict[str, np.ndarray]:
    zero = np.zeros(len(lengths))
    return {
        "scan": np.array([f"s{n}" for n in range(len(lengths))], dtype=object),
        "true_r": np.array(lengths), "true_a": zero, "true_s": zero,
        "pred_r": np.array(lengths), "pred_a": np.array(errors), "pred_s": zero,
        "place_r": np.array(places), "place_a": zero, "place_s": zero + 1.0,
    }  # fmt: skip


def test_by_distance__puts_each_error_in_its_band() -> None:
    groups = by_distance(KIND, _gap([5, 15, 25, 115], [1, 3, 8, 20], [0.5] * 4))
    assert [group.label for group in groups] == ["0–20", "20–40", "100–120"]
    assert [group.error.mean for group in groups] == pytest.approx([2, 8, 20])
    assert [group.zero_mm for group in groups] == pytest.approx([10, 25, 115])


def test_by_distance__bands_hold_every_row_once(lead: Evaluated) -> None:
    gap = lead.tables["gap"]
    groups = by_distance(KIND, gap)
    assert sum(group.error.rows for group in groups) == len(gap["sample"]) and len(groups) <= 8
    total = sum(group.error.mean * group.error.rows for group in groups) / len(gap["sample"])
    assert total == pytest.approx(KIND.errors_mm(gap).mean())


def test_by_distance__of_views_in_one_place_is_one_band() -> None:
    assert [group.label for group in by_distance(KIND, _gap([0, 0], [1, 3], [0.5] * 2))] == ["0–5"]


def test_by_region__splits_the_foreground_in_thirds_worst_first() -> None:
    groups = by_region(KIND, _gap([10] * 4, [1, 2, 3, 7], [0.0, 0.4, 0.7, 1.0]))
    assert [(group.label, group.error.mean) for group in groups] == [
        ("patient's right", pytest.approx(5)),
        ("back part", pytest.approx(3.25)),
        ("upper part", pytest.approx(3.25)),
        ("middle, across", pytest.approx(2)),
        ("patient's left", pytest.approx(1)),
    ]


def test_by_region__is_left_out_where_no_place_was_recorded() -> None:
    gap = {name: column for name, column in _gap([10], [1], [0.5]).items() if not name.startswith("place")}
    assert by_region(KIND, gap) == [] and len(where_figures(KIND, gap, "gap")) == 1


def test_where_figures__rank_the_regions_beside_the_whole_body(lead: Evaluated) -> None:
    gap = lead.tables["gap"]
    _, regions = where_figures(KIND, gap, "gap")
    groups = by_region(KIND, gap)
    assert len(groups) == 9 and regions.data[0]["x"] == sorted(regions.data[0]["x"], reverse=True)
    assert f"from {groups[0].error.mean:.1f} mm ({groups[0].label}) to" in regions.title
    assert regions.data[0]["y"][0] == f"{groups[0].label}<br><b>{groups[0].error.mean:.1f} mm</b>, n = " + (
        f"{groups[0].error.rows:,}"
    )
    assert regions.layout["shapes"][0]["x0"] == pytest.approx(KIND.errors_mm(gap).mean())


def test_where_figures__whiskers_reach_the_interval(lead: Evaluated) -> None:
    bars = where_figures(KIND, lead.tables["gap"], "gap")[0].data[0]
    group = by_distance(KIND, lead.tables["gap"])[2]
    assert group.error.high is not None
    assert bars["x"][2] + bars["error_x"]["array"][2] == pytest.approx(group.error.high, abs=0.02)


def test_where_figures__say_whether_people_or_scans_were_drawn(lead: Evaluated) -> None:
    gap = dict(lead.tables["gap"])
    gap.pop("subject", None)
    assert "drawing whole scans anew" in where_figures(KIND, gap, "gap")[0].look
    assert "drawing whole subjects anew" in where_figures(KIND, gap | {"subject": gap["scan"]}, "gap")[0].look
    assert "too few subjects" in where_figures(KIND, gap | {"subject": np.full(len(gap["scan"]), "one")}, "gap")[0].look
