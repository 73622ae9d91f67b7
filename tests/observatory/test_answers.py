"""The page's numbers are those of the Python API, to the last digit."""

import json
import shutil
from base64 import b64decode
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nibabel.affines import apply_affine

from orienteer import api
from orienteer.errors import RunError
from orienteer.localize.correspond import Prepared
from orienteer.localize.finder import Pair
from orienteer.localize.found import LOST, OUTSIDE
from orienteer.observatory.answers import look_answer
from orienteer.observatory.desk import Desk
from orienteer.observatory.predict import Kept, Predictor
from orienteer.observatory.refusal import refusal_of
from orienteer.observatory.serve import open_sessions
from orienteer.runs.folder import RunFolder
from orienteer.runs.run import Run
from orienteer.sampling import Sampler
from orienteer.store import Store
from tests.observatory.client import Client, said
from tests.observatory.conftest import serving


def _without_time(answer: dict) -> dict:
    return {name: value for name, value in answer.items() if name != "milliseconds"}


@pytest.mark.parametrize(
    "more",
    [{}, {"step": 0}, {"probe": "shuffled"}, {"probe": "border", "probe_view": 1}, {"run": "b"}],
    ids=["best", "untrained", "probe", "one-view", "other-run"],
)
def test_look__over_http_equals_the_python_api(
    client: Client, home: Path, scan: str, centres: list[list[float]], more: dict
) -> None:
    answer = client.post("/api/look", {"scan": scan, "centres_mm": centres, **more})
    assert answer.status == 200
    folder = home / ("other" if more.get("run") == "b" else "run")
    asked = {name: value for name, value in more.items() if name != "run"}
    seen = api.look(folder, home / "store", scan, centres, **asked)
    # JSON writes a float so that it is read back as the same float: equal here means equal in every digit.
    assert _without_time(answer.json) == _without_time(look_answer(seen).model_dump(mode="json"))


def test_look__lays_the_tasks_rows_out_by_view(home: Path, scan: str, centres: list[list[float]]) -> None:
    seen = api.look(home / "run", home / "store", scan, centres)
    answer = look_answer(seen).model_dump(mode="json")
    places = np.array(answer["centres_mm"])
    gap, mean = said(answer, "gap")["displacements"], said(answer, "gap")["measures"]["gap_error_mm"]
    for i in range(3):
        for j in range(3):
            if i == j:
                assert gap["true"][i][j] is gap["predicted"][i][j] is gap["error_mm"][i][j] is None
                continue
            np.testing.assert_allclose(gap["true"][i][j], places[j] - places[i], atol=1e-4)
            off = np.subtract(gap["predicted"][i][j], gap["true"][i][j])
            assert gap["error_mm"][i][j] == pytest.approx(np.linalg.norm(off), rel=1e-12)
            assert min(gap["scale"][i][j]) > 0
    errors = [gap["error_mm"][i][j] for i in range(3) for j in range(3) if i != j]
    assert mean["value"] == pytest.approx(np.mean(errors), rel=1e-12)
    assert mean["chance"] == pytest.approx(np.linalg.norm(places[:, None] - places[None], axis=-1).sum() / 6, rel=1e-6)


def test_look__walks_routes_by_the_steps_it_predicted(home: Path, scan: str, centres: list[list[float]]) -> None:
    answer = look_answer(api.look(home / "run", home / "store", scan, centres)).model_dump(mode="json")
    route_task = said(answer, "route")
    routes = route_task["paths"]["paths"]
    steps = {tuple(route["path"]): route for route in routes if route["kind"] == "step"}
    assert {route["kind"] for route in routes} == {"step", "route", "tour"}
    for route in routes:
        walked = np.array(route["waypoints_predicted"])
        assert walked[0].tolist() == answer["centres_mm"][route["path"][0]]
        for hop, (start, end) in zip(pairwise(route["path"]), pairwise(walked), strict=True):
            np.testing.assert_allclose(end - start, steps[hop]["predicted"], atol=1e-9)
        np.testing.assert_allclose(walked[-1] - walked[0], route["predicted"], atol=1e-3)
        missed = np.linalg.norm(np.subtract(route["predicted"], route["true"]))
        assert route["error_mm"] == pytest.approx(missed, rel=1e-12)
    tours = [route["error_mm"] for route in routes if route["kind"] == "tour"]
    assert route_task["measures"]["route_closure_mm"]["value"] == pytest.approx(np.mean(tours), rel=1e-12)


def test_look__shows_each_task_by_what_its_rows_are_evidence_of(
    client: Client, scan: str, centres: list[list[float]]
) -> None:
    kinds = ("displacements", "chunk_pairs", "paths", "points")
    shown = {
        run: {
            task["task"]["name"]: [kind for kind in kinds if task[kind] is not None]
            for task in client.post("/api/look", {"run": run, "scan": scan, "centres_mm": centres}).json["tasks"]
        }
        for run in "ab"
    }
    # What restores images says nothing of views anywhere.
    names = ("gap", "adjacency", "route", "position")
    assert shown["a"] == {name: [kind] for name, kind in zip(names, kinds, strict=True)}
    assert shown["b"] == {"gap": ["displacements"]}


def test_look__says_which_task_speaks_for_it_and_how_sure_it_is(
    client: Client, scan: str, centres: list[list[float]]
) -> None:
    first, second = (
        client.post("/api/look", {"run": run, "scan": scan, "centres_mm": centres}).json for run in ("a", "b")
    )
    assert first["judged"] == second["judged"] == "gap"
    assert said(first, "gap")["displacements"]["scale"] is not None
    assert said(second, "gap")["displacements"]["scale"] is None
    task = said(first, "gap")["task"]
    assert (task["title"], task["judged"]) == ("Gap matrix", "gap_error_mm")
    assert {metric["name"] for metric in task["metrics"]} == set(said(first, "gap")["measures"])


def test_look__sends_spoiled_views_as_the_network_received_them(
    client: Client, home: Path, scan: str, centres: list[list[float]]
) -> None:
    asked = {"scan": scan, "centres_mm": centres}
    assert client.post("/api/look", asked).json["images"] is None  # the page has the scan itself
    sent = b64decode(client.post("/api/look", {**asked, "probe": "border"}).json["images"])
    seen = api.look(home / "run", home / "store", scan, centres, probe="border")
    greys = np.frombuffer(sent, np.uint8).reshape(3, 16, 16, 16).transpose(0, 3, 2, 1)  # R fastest, as in NIfTI
    np.testing.assert_array_equal(greys, np.rint(np.clip((seen.images[:, 0] + 1) / 2, 0, 1) * 255))
    assert not greys[:, 2:-2, 2:-2, 2:-2].any() and greys.any()


def test_desk__warmed_has_the_model_before_anybody_asks(home: Path) -> None:
    desk = Desk(open_sessions(home / "run"), threads=1)
    desk.warm()
    desk.thread.shutdown(wait=True)
    session = desk.first
    assert list(desk.predictor._models._values) == [(session.run.path, session.best_step)]


def test_look__refuses_a_probe_that_nobody_knows_and_lists_those_there_are(
    client: Client, scan: str, centres: list[list[float]]
) -> None:
    refused = client.post("/api/look", {"scan": scan, "centres_mm": centres, "probe": "sunglasses"})
    assert (refused.status, refused.code) == (422, "invalid")
    known = [probe["name"] for probe in client.get("/api/session").json["probes"]]
    assert len(known) == 4 and all(name in refused.json["error"]["cure"] for name in known)


def test_run__of_tasks_that_say_nothing_of_views_anywhere_opens_all_the_same(apart: Path, home: Path) -> None:
    with serving(open_sessions(apart, home / "store")) as client:
        run = client.get("/api/session").json["runs"][0]
        assert [task["title"] for task in run["tasks"]] == ["Masked autoencoding", "SimCLR"]
        scan = client.get("/api/session").json["scans"][0]["id"]
        drawn = client.post("/api/draw", {"scan": scan}).json["centres_mm"]
        seen = client.post("/api/look", {"scan": scan, "centres_mm": drawn})
        assert seen.status == 200 and (seen.json["judged"], seen.json["tasks"]) == (None, [])
        judged = client.get("/api/judge/a").json
        assert {figure["task"] for figure in judged["figures"]} == {task["title"] for task in run["tasks"]}
        assert judged["judged"]["task"] == "Masked autoencoding"
        assert (judged["task"], judged["probes"], judged["by_distance"], judged["worst"]) == (None, [], [], [])
        history = client.get("/api/history/a").json
        assert {task["name"] for task in run["tasks"]} <= set(history)


def test_run__of_before_cards_opens_with_the_cards_of_its_model(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "run", tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "evaluations")
    record = tmp_path / "run" / "run.json"
    document = json.loads(record.read_text())
    del document["cards"]
    record.write_text(json.dumps(document))
    with serving(open_sessions(tmp_path / "run", home / "store")) as client:
        run = client.get("/api/session").json["runs"][0]
        assert [task["title"] for task in run["tasks"]] == ["gap", "adjacency", "route", "position", "masked"]
        assert run["judged"] is None
        scan = client.get("/api/session").json["scans"][0]["id"]
        drawn = client.post("/api/draw", {"scan": scan}).json["centres_mm"]
        seen = client.post("/api/look", {"scan": scan, "centres_mm": drawn}).json
        assert said(seen, "gap")["task"]["title"] == "Gap matrix" and seen["judged"] == "gap"
        assert client.get("/api/history/a").json["gap"]["gap_error_mm"]["title"] == "Gap error"


def test_look__chunks_lie_in_their_views_and_as_far_apart_as_recorded(
    client: Client, scan: str, centres: list[list[float]]
) -> None:
    answer = client.post("/api/look", {"scan": scan, "centres_mm": centres}).json
    chunks = said(answer, "adjacency")["chunk_pairs"]
    assert chunks["chunk_mm"] == 24.0
    room = (answer["view_mm"] - chunks["chunk_mm"]) / 2
    assert [(pair["i"], pair["j"]) for pair in chunks["pairs"]] == [(0, 1), (0, 2), (1, 2)]
    for pair in chunks["pairs"]:
        for kind in ("adjacent", "distant"):
            start, end = (np.array(pair[kind][f"{view}_centre_mm"]) for view in "ij")
            assert np.linalg.norm(end - start) == pytest.approx(pair[f"{kind}_mm"], rel=1e-5)
            for view, chunk in (("i", start), ("j", end)):
                assert np.abs(chunk - answer["centres_mm"][pair[view]]).max() <= room + 1e-9
        assert pair["adjacent_mm"] <= pair["distant_mm"]
        assert -1.001 <= pair["adjacent_similarity"] <= 1.001


def test_look__a_probe_changes_what_is_seen_and_not_the_truth(
    client: Client, scan: str, centres: list[list[float]]
) -> None:
    plain = client.post("/api/look", {"scan": scan, "centres_mm": centres}).json
    one = client.post("/api/look", {"scan": scan, "centres_mm": centres, "probe": "constant", "probe_view": 0}).json
    before, after = (said(answer, "gap")["displacements"] for answer in (plain, one))
    assert after["true"] == before["true"]
    assert after["predicted"][0][1] != before["predicted"][0][1]
    assert after["predicted"][1][2] == pytest.approx(before["predicted"][1][2], rel=1e-4)


place = st.lists(st.floats(-500, 500), min_size=3, max_size=3)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(place, min_size=2, max_size=6))
def test_look__views_are_moved_onto_voxels_and_into_the_scan(
    client: Client, home: Path, scan: str, asked: list[list[float]]
) -> None:
    answer = client.post("/api/look", {"scan": scan, "centres_mm": asked}).json
    entry = Store.open(home / "store").entry(scan)
    size, spacing = 16, entry.spacing
    lows = np.array(answer["centres_mm"]) / spacing - (size - 1) / 2
    np.testing.assert_allclose(lows, np.rint(lows), atol=1e-9)
    assert (lows >= -1e-9).all() and (lows <= np.array(entry.shape) - size + 1e-9).all()
    inside = (np.array(asked) / spacing - (size - 1) / 2).clip(0, np.array(entry.shape) - size)
    assert np.abs(lows - inside).max() <= 0.5 + 1e-9


def test_draw__gives_the_views_that_evaluation_would_draw(client: Client, home: Path, scan: str) -> None:
    run = RunFolder(home / "run").settings()
    sampler = Sampler(Store.open(home / "store"), (scan,), run.views, run.evaluation.seed, augment=False)
    for seed in (0, 7):
        drawn = client.post("/api/draw", {"scan": scan, "count": 3, "seed": seed}).json["centres_mm"]
        assert drawn == sampler.draw(seed).centres.tolist()


def asked_of(client: Client, scan: str, point_mm: list[float], **more: object) -> dict[str, Any]:
    """Where a point of a scan lies in the last one."""
    target = client.get("/api/session").json["scans"][-1]["id"]
    answer = client.post("/api/where", {"scan": scan, "point_mm": point_mm, "target": target, **more})
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json
    return found


@pytest.mark.parametrize("step", [None, 0])
def test_where__over_http_equals_run_locate(
    client: Client, home: Path, scan: str, centres: list[list[float]], step: int | None
) -> None:
    answer = asked_of(client, scan, centres[0], step=step)
    run, store = Run.open(home / "run"), Store.open(home / "store")
    (found,) = run.locate(scan, answer["target"], store, at=[answer["point_world_mm"]], step=answer["step"])
    here, there = store.entry(scan), store.entry(answer["target"])
    index = np.array(answer["point_mm"]) / here.spacing
    np.testing.assert_allclose(index, np.rint(np.array(centres[0]) / here.spacing), atol=1e-9)
    np.testing.assert_allclose(apply_affine(np.array(here.affine), index), answer["point_world_mm"], atol=1e-9)
    assert answer["cycle_mm"] == found.cycle_mm and answer["why"] == found.why
    assert (answer["found_mm"] is not None) == found.found
    if found.world_mm is not None and found.voxel is not None:
        assert answer["found_world_mm"] == found.world_mm.tolist() and answer["ring_mm"] == found.ring_mm
        np.testing.assert_allclose(np.array(answer["found_mm"]) / there.spacing, found.voxel, atol=1e-9)


def test_where__a_scan_is_like_itself(client: Client, scan: str, centres: list[list[float]]) -> None:
    answer = client.post("/api/where", {"scan": scan, "point_mm": centres[0], "target": scan}).json
    assert np.linalg.norm(np.subtract(answer["found_mm"], answer["point_mm"])) < 1.0
    assert answer["cycle_mm"] < 1.0 and answer["ring_mm"] < 6.0 and answer["why"] == ""


def test_where__a_point_beyond_the_scan_is_that_of_the_voxel_at_its_edge(client: Client, home: Path, scan: str) -> None:
    entry = Store.open(home / "store").entry(scan)
    answer = asked_of(client, scan, [-50.0, 1e4, 2.2])
    assert answer["point_mm"] == [0.0, (entry.shape[1] - 1) * entry.spacing, entry.spacing]


def test_where__what_is_not_in_the_scan_comes_with_a_reason(client: Client, scan: str) -> None:
    shape = np.array(client.get("/api/session").json["scans"][0]["extent_mm"])
    corners = [asked_of(client, scan, (shape * np.array(corner)).tolist()) for corner in np.ndindex(2, 2, 2)]
    absent = [answer for answer in corners if answer["found_mm"] is None]
    assert absent, "the air in a corner is like all air"
    for answer in absent:
        assert answer["found_world_mm"] is answer["ring_mm"] is None
        assert answer["cycle_mm"] > 0 and answer["why"] in (OUTSIDE, LOST)


def test_where__scans_are_seen_once_and_a_pair_held_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session, predictor = open_sessions(home / "run")["a"], Predictor(1)
    one, other, *_ = session.store.ids()
    done: list[str] = []
    real_see, real_hold = Prepared.of, Pair.of
    monkeypatch.setattr(Prepared, "of", lambda *args, **more: done.append("seen") or real_see(*args, **more))
    monkeypatch.setattr(Pair, "of", lambda *scans: done.append("held") or real_hold(*scans))
    predictor.prepared(session, 0, one)
    predictor.prepared(session, 0, other)
    for point in ([30.0, 30.0, 30.0], [33.0, 30.0, 30.0], [40.0, 30.0, 36.0]):
        predictor.where(session, 0, one, point, other)
    assert done == ["seen", "seen", "held"]
    predictor.where(session, 0, other, [30.0, 30.0, 30.0], one)
    assert done == ["seen", "seen", "held", "held"], "the other way is another pair, of the same two scans"


def test_kept__forgets_the_oldest_but_never_the_last_two() -> None:
    kept: Kept[str, int] = Kept(10, lambda weight: weight)
    for name, weight in (("a", 4), ("b", 4), ("a", 0), ("c", 4)):
        kept.get(name, lambda weight=weight: weight)
    assert list(kept._values) == ["a", "c"]
    for name in "de":
        kept.get(name, lambda: 100)
    assert list(kept._values) == ["d", "e"]


def test_prepare__says_whose_eyes_saw_which_scan(client: Client, scan: str) -> None:
    answer = client.post("/api/prepare", {"scan": scan, "step": 0}).json
    assert (answer["scan"], answer["step"]) == (scan, 0) and answer["milliseconds"] > 0


@pytest.mark.parametrize("path", ["prepare", "where"])
def test_where__a_run_that_places_no_voxels_says_so(
    client: Client, scan: str, centres: list[list[float]], path: str
) -> None:
    asked = {"run": "b", "scan": scan} | ({} if path == "prepare" else {"point_mm": centres[0], "target": scan})
    refused = client.post(f"/api/{path}", asked)
    assert (refused.status, refused.code) == (422, "invalid")
    assert "places single voxels" in refused.json["error"]["message"] and refused.json["error"]["cure"]


def test_look__of_a_damaged_checkpoint_is_refused_without_its_path(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "other", tmp_path / "secret" / "other")
    newest = max((tmp_path / "secret" / "other" / "checkpoints").iterdir())
    weights = newest / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    session = open_sessions(tmp_path / "secret" / "other", home / "store")["a"]
    with pytest.raises(RunError, match="damaged") as refused:
        Predictor(1).look(session, session.best_step, session.store.ids()[0], [[40.0, 40.0, 40.0], [50.0, 50.0, 50.0]])
    assert "secret" not in refused.value.message
    assert refusal_of(refused.value, {}).code == "run-unreadable"
