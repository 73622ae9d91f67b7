"""What the page is told of runs and scans, and that telling it changes nothing."""

import hashlib
import json
import shutil
from itertools import pairwise
from pathlib import Path

import nibabel
import numpy as np
import pytest

from orienteer.errors import StoreError
from orienteer.evaluation.probes import PROBES
from orienteer.observatory.refusal import Refusal, refusal_of
from orienteer.observatory.serve import open_sessions
from orienteer.observatory.training import news
from orienteer.store import Store
from tests.observatory.client import Client, said
from tests.observatory.conftest import serving


def test_session__names_runs_and_scans(client: Client, home: Path) -> None:
    answer = client.get("/api/session").json
    first, second = answer["runs"]
    assert (first["key"], first["name"], second["key"], second["name"]) == ("a", "run", "b", "other")
    assert [task["name"] for task in first["tasks"]] == ["gap", "adjacency", "route", "position", "masked"]
    assert first["tasks"][0]["title"] == "Gap matrix" and first["judged"] == second["judged"] == "gap"
    assert (first["view_voxels"], first["view_mm"], first["spacing_mm"]) == (16, 48.0, 3.0)
    assert [probe["title"] for probe in answer["probes"]] == [probe.card.title for probe in PROBES.values()]
    assert first["steps"][0] == 0 and first["steps"][-1] == 6 and first["best_step"] in first["steps"]
    assert first["finished"] and not first["live"] and first["own_store"] and not first["simulated"]
    recorded = json.loads((home / "run" / "evaluations" / "val" / "evaluation.json").read_text())
    assert first["verdict"]["label"] == recorded["verdict"]["label"]
    assert first["verdict"]["evidence"] == recorded["verdict"]["evidence"]
    assert first["evaluations"] == ["val"]


def test_session__held_out_people_come_first(client: Client) -> None:
    splits = [scan["split"] for scan in client.get("/api/session").json["scans"]]
    assert splits == sorted(splits, key=["test", "val", "train"].index)
    assert set(splits) == {"test", "val", "train"}


def test_session__tells_no_path(client: Client, home: Path) -> None:
    for path in ("/api/session", "/api/history/a", "/api/judge/a", "/api/live/a"):
        assert str(home).encode() not in client.get(path).body


@pytest.mark.parametrize("spelling", ["given", "resolved"])
def test_refusal__names_files_by_store_and_run_not_by_path(
    spelling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store, run = Path("Smith/store"), tmp_path / "Smith" / "run"
    shown = store.resolve() if spelling == "resolved" else store
    names = {store: "store", run: "pilot"}
    refusal = refusal_of(StoreError(f"cannot open {shown}/arrays/x", cure=f"mend {run}/settings.yaml"), names)
    assert (refusal.message, refusal.cure) == ("cannot open store/arrays/x", "mend pilot/settings.yaml")


def test_scan__that_is_damaged_is_told_without_a_path(home: Path, scan: str, tmp_path: Path) -> None:
    shutil.copytree(home / "store", tmp_path / "Smith" / "store")
    sessions = open_sessions(home / "run", tmp_path / "Smith" / "store")
    sessions["a"].store.array_path(scan).unlink()
    with serving(sessions) as client:
        answer = client.get(f"/api/scan/{scan}.nii")
    assert (answer.status, answer.code) == (500, "store-unreadable")
    assert answer.json["error"]["message"].startswith("cannot open store/arrays/")
    assert b"Smith" not in answer.body and str(tmp_path).encode() not in answer.body


def test_session__of_a_run_without_records_can_be_looked_at(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "run", tmp_path / "run")
    for path in ("evaluations", "summary.json", "observations.jsonl"):
        target = tmp_path / "run" / path
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    facts = open_sessions(tmp_path / "run", home / "store")["a"].facts()
    assert facts.verdict is None and facts.evaluations == []
    assert facts.best_step == facts.steps[-1] == 6


def test_session__follows_a_run_that_trains(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "run", tmp_path / "run")
    record = tmp_path / "run" / "run.json"
    document = json.loads(record.read_text())
    document.pop("finished")
    record.write_text(json.dumps(document))
    shutil.rmtree(tmp_path / "run" / "evaluations")
    log = tmp_path / "run" / "observations.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    early = [line for line in lines if json.loads(line)["step"] <= 3]
    log.write_text("".join(early))
    session = open_sessions(tmp_path / "run", home / "store")["a"]
    first = news(session, -1)
    assert first.run.step == 3 and first.run.live and not first.run.finished
    assert first.run.verdict is None and first.run.next == []
    assert [step for step, _ in first.history.root["gap"]["gap_error_mm"].points] == [0, 2]
    log.write_text("".join(lines) + '{"v": 1, "step": 7, "torn')
    later = news(session, first.run.step)
    assert later.run.step == 6
    assert [step for step, _ in later.history.root["gap"]["gap_error_mm"].points] == [4, 6]
    assert [step for step, _ in later.history.root["gap"]["gap_error_mm"].train] == [3, 4, 5, 6]
    newest = max((tmp_path / "run" / "checkpoints").iterdir())
    shutil.rmtree(newest)
    assert 6 not in news(session, 6).run.steps
    with pytest.raises(Refusal, match="no checkpoint of step 6"):
        session.step(6)


def test_history__is_what_the_run_logged(client: Client, home: Path) -> None:
    history = client.get("/api/history/a").json
    lines = [json.loads(line) for line in (home / "run" / "observations.jsonl").read_text().splitlines()]
    for phase, name in (("validation", "points"), ("train", "train")):
        logged = [
            [line["step"], line["measures"]["gap_error_mm"]["value"]]
            for line in lines
            if line["phase"] == phase and line["task"] == "gap"
        ]
        assert history["gap"]["gap_error_mm"][name] == logged
    assert history["gap"]["gap_error_mm"]["unit"] == "mm" and history["gap"]["gap_error_mm"]["better"] == "lower"
    assert history["adjacency"]["adjacency_accuracy"]["better"] == "higher"
    assert history["adjacency"]["adjacency_accuracy"]["chance"] == 0.5


def test_live__a_validation_that_comes_after_its_step_was_asked_for_is_not_lost(client: Client) -> None:
    """The training of a step is logged before its validation: who knows the one need not know the other."""
    known = client.get("/api/history/a").json["gap"]["gap_error_mm"]["points"]
    for since in (known[-2][0], known[-1][0], known[-1][0] + 1):
        news = client.get(f"/api/live/a?since={since}").json["history"]["gap"]["gap_error_mm"]["points"]
        assert news == [point for point in known if point[0] >= since]


def test_scan__is_the_stored_scan_in_its_own_frame(client: Client, home: Path, scan: str, tmp_path: Path) -> None:
    answer = client.get(f"/api/scan/{scan}.nii")
    (tmp_path / "scan.nii").write_bytes(answer.body)
    image = nibabel.load(tmp_path / "scan.nii")
    store = Store.open(home / "store")
    entry = store.entry(scan)
    np.testing.assert_array_equal(np.asarray(image.dataobj.get_unscaled()), store.read(scan)[0])
    np.testing.assert_allclose(image.affine, np.diag([3.0, 3.0, 3.0, 1.0]))
    window = entry.intensity[0]
    assert (image.dataobj.slope, image.dataobj.inter) == (window.slope, window.intercept)
    assert float(image.header["cal_min"]) == pytest.approx(window.low)
    assert float(image.header["cal_max"]) == pytest.approx(window.high)
    assert bytes(image.header["descrip"]).strip(b"\0") == bytes(image.header["db_name"]).strip(b"\0") == b""


def test_scan__is_never_kept_by_the_browser(client: Client, scan: str) -> None:
    # Another store on this port may have a scan of the same id: of another person.
    answer = client.get(f"/api/scan/{scan}.nii")
    assert answer.headers["cache-control"] == "no-store" and "etag" not in answer.headers
    assert client.get("/api/session").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("query", ["channel=1", "channel=-1", "channel=x"])
def test_scan__has_the_channels_it_has(client: Client, scan: str, query: str) -> None:
    assert client.get(f"/api/scan/{scan}.nii?{query}").status in (404, 422)


def test_judge__agrees_with_the_records(client: Client, home: Path) -> None:
    answer = client.get("/api/judge/a").json
    recorded = json.loads((home / "run" / "evaluations" / "val" / "evaluation.json").read_text())
    assert (answer["evaluation"], answer["step"]) == ("val", recorded["step"])
    found = {probe["name"]: probe["value"] for probe in answer["probes"]}
    real = recorded["tasks"][0]["measures"]["gap_error_mm"]["value"]
    assert answer["judged"]["figure"] == recorded["tasks"][0]["measures"]["gap_error_mm"]
    assert {figure["task"] for figure in answer["figures"]} == {task["card"]["title"] for task in recorded["tasks"]}
    assert found == {"real": real} | {each["card"]["name"]: each["measured"]["value"] for each in recorded["probes"]}
    bands = answer["by_distance"]
    rows = sum(band["n"] for band in bands)
    assert rows == 6 * recorded["samples"]
    mean = sum(band["error_mm"] * band["n"] for band in bands) / rows
    assert mean == pytest.approx(real, rel=1e-9)
    assert all(low["high_mm"] <= high["low_mm"] for low, high in pairwise(bands))
    for axis in "RAS":
        assert sum(region["n"] for region in answer["by_region"] if region["axis"] == axis) == rows


def test_judge__worst_cases_open_in_the_scan_with_the_same_error(client: Client) -> None:
    answer = client.get("/api/judge/a").json
    errors = [case["error_mm"] for case in answer["worst"]]
    assert errors == sorted(errors, reverse=True) and len(errors) == 24
    for case in (answer["worst"][0], answer["worst"][-1]):
        asked = {"scan": case["scan"], "centres_mm": case["centres_mm"], "step": answer["step"]}
        seen = client.post("/api/look", asked).json
        assert seen["centres_mm"] == case["centres_mm"]
        cell = said(seen, "gap")["displacements"]["error_mm"][case["view_i"]][case["view_j"]]
        assert cell == pytest.approx(case["error_mm"], abs=1e-3)


def test_look__answers_about_as_many_views_as_a_run_may_have(client: Client, scan: str) -> None:
    many = client.post("/api/draw", {"scan": scan, "count": 16}).json["centres_mm"]
    seen = client.post("/api/look", {"run": "b", "scan": scan, "centres_mm": many, "probe": "border", "probe_view": 15})
    assert seen.status == 200 and len(said(seen.json, "gap")["displacements"]["error_mm"]) == 16


def test_look__refuses_more_views_than_routes_can_be_counted_of(client: Client, scan: str) -> None:
    # There are 16! orderings of 16 views: the server would run out of memory before it said so.
    many = client.post("/api/draw", {"scan": scan, "count": 7}).json["centres_mm"]
    refused = client.post("/api/look", {"run": "a", "scan": scan, "centres_mm": many})
    assert (refused.status, refused.code) == (422, "invalid") and "6 views at most" in refused.json["error"]["message"]
    assert client.post("/api/look", {"run": "a", "scan": scan, "centres_mm": many[:6]}).status == 200


def test_judge__does_not_guess_places_in_another_store(home: Path, tmp_path: Path) -> None:
    from orienteer.observatory.judge import judgement
    from orienteer.testing.phantom import phantom_store

    others = phantom_store(tmp_path, people=4, shape=(26, 34, 28), seed=9)
    session = open_sessions(home / "run", others)["a"]
    assert not session.own_store
    assert all(case.centres_mm is None for case in judgement(session).worst)


def test_reading__changes_neither_run_nor_store(client: Client, home: Path, scan: str) -> None:
    def state() -> dict[str, tuple[str, int]]:
        return {
            str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
            for path in sorted(home.rglob("*"))
            if path.is_file()
        }

    before = state()
    drawn = client.post("/api/draw", {"scan": scan, "count": 4, "seed": 3}).json["centres_mm"]
    for run in "ab":
        for path in ("session", f"history/{run}", f"live/{run}", f"judge/{run}", f"scan/{scan}.nii"):
            assert client.get(f"/api/{path}").status == 200
        assert client.post("/api/look", {"run": run, "scan": scan, "centres_mm": drawn}).status == 200
    assert client.post("/api/prepare", {"scan": scan}).status == 200
    assert client.post("/api/where", {"scan": scan, "point_mm": drawn[0], "target": scan}).status == 200
    assert state() == before
