"""Votes become one answer, and the answer a table, JSON, and markups that Slicer opens."""

import csv
import io
import json

import numpy as np
import pytest
from jsonschema import validate

from orienteer.localize.found import LOST_MM, Found, Vote, as_csv, as_markups, decided

AFFINE = np.array([[-2.0, 0, 0, 40], [0, 0, 3, -10], [0, 1.5, 0, 7], [0, 0, 0, 1]])
POINT = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "label": {"type": "string"},
        "description": {"type": "string"},
        "position": {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3},
        "selected": {"type": "boolean"},
        "locked": {"type": "boolean"},
        "visibility": {"type": "boolean"},
        "positionStatus": {"enum": ["undefined", "preview", "defined"]},
    },
}
MARKUP = {
    "type": "object",
    "required": ["type"],
    "properties": {
        "type": {"enum": ["Fiducial", "Line", "Angle", "Curve", "ClosedCurve", "Plane", "ROI"]},
        "coordinateSystem": {"enum": ["LPS", "RAS"]},
        "coordinateUnits": {"enum": ["mm", "um"]},
        "locked": {"type": "boolean"},
        "labelFormat": {"type": "string"},
        "controlPoints": {"type": "array", "items": POINT},
    },
}
SLICER = {
    "type": "object",
    "required": ["@schema", "markups"],
    "properties": {"@schema": {"type": "string"}, "markups": {"type": "array", "items": MARKUP}},
}
"""What Slicer's schema of markups 1.0.3 asks of points."""


def vote(*world: float, cycle: float = 0.0) -> Vote:
    return Vote(np.array(world), cycle)


def test_decided__one_vote_in_world_and_in_the_files_own_voxels() -> None:
    found = decided("a", "tip", [vote(30.0, 20.0, 10.0, cycle=2.0)], AFFINE)
    assert found.found and found.world_mm is not None and found.voxel is not None
    np.testing.assert_allclose(AFFINE[:3, :3] @ found.voxel + AFFINE[:3, 3], [30, 20, 10])
    assert found.ring_mm == pytest.approx(vote(0, 0, 0, cycle=2.0).ring_mm) and found.ring_mm > vote(0, 0, 0).ring_mm


def test_found__no_zero_has_a_sign() -> None:
    found = decided("a", "tip", [vote(-0.001, 20.0, 10.0)], AFFINE)
    assert "-0.0" not in as_csv([found]) + as_markups([found]) + json.dumps(found.to_json())


def test_decided__several_exemplars_agree_or_widen_the_ring() -> None:
    near = decided("a", "tip", [vote(0, 0, 0), vote(1, 0, 0), vote(0, 0, 1)], AFFINE)
    np.testing.assert_allclose(near.world_mm, np.array([1, 0, 1]) / 3)
    apart = decided("a", "tip", [vote(0, 0, 0), vote(30, 0, 0)], AFFINE)
    assert apart.ring_mm >= 15 > near.ring_mm, "the ring holds every vote"
    trusted = decided("a", "tip", [vote(0, 0, 0), vote(3, 0, 0, cycle=LOST_MM)], AFFINE)
    assert trusted.world_mm is not None and trusted.world_mm[0] < 1, "who comes back to the start counts more"


def test_decided__absent_where_half_did_not_find_it() -> None:
    gone = Vote(None, 3.0, "the scan's field of view does not reach it")
    assert decided("a", "tip", [gone, vote(0, 0, 0), vote(0, 0, 0)], AFFINE).found
    lost = decided("a", "tip", [gone, vote(0, 0, 0)], AFFINE)
    assert not lost.found and lost.voxel is None and "reach" in lost.why


def test_files__say_the_same() -> None:
    found = [
        decided("a, b", "tip", [vote(30.004, 20.0, -10.0)], AFFINE),
        decided("a, b", "end", [Vote(None, np.nan, "gone")], AFFINE),
    ]
    lines = list(csv.DictReader(io.StringIO(as_csv(found))))
    assert [line["found"] for line in lines] == ["yes", "no"] and lines[0]["scan"] == "a, b"
    assert float(lines[0]["r_mm"]) == 30.0 and lines[1]["r_mm"] == lines[1]["ring_mm"] == ""
    document = json.loads(json.dumps([each.to_json() for each in found], allow_nan=False))
    assert document[0]["world_mm"] == [30.0, 20.0, -10.0]
    assert as_csv([Found.from_json(each) for each in document]) == as_csv(found)
    assert document[1] | {"why": ""} == {
        "scan": "a, b", "point": "end", "found": False, "world_mm": None, "voxel": None, "ring_mm": None,
        "cycle_mm": None, "exemplars": 1, "why": "",
    }  # fmt: skip


@pytest.mark.parametrize("found", [[], [decided("a", "tip", [vote(1, 2, 3)], AFFINE)]])
def test_markups__are_what_slicer_reads(found: list[Found]) -> None:
    document = json.loads(as_markups([*found, decided("a", "gone", [Vote(None, 0.0, "gone")], AFFINE)]))
    validate(document, SLICER)
    points = document["markups"][0]["controlPoints"]
    assert [point["position"] for point in points] == [[1.0, 2.0, 3.0]] * len(found)
    assert document["markups"][0]["coordinateSystem"] == "RAS"
