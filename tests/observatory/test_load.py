"""Many clients at once, and many questions: the same answers, and no growing memory."""

import json
import sys
import threading
from pathlib import Path

import pytest

from tests.observatory.client import Client

CLIENTS = 20
QUESTIONS = 3


def _same(answer: dict) -> str:
    return json.dumps({name: value for name, value in answer.items() if name != "milliseconds"}, sort_keys=True)


def test_load__twenty_clients_at_once_get_no_error_and_no_wrong_answer(client: Client, scan: str) -> None:
    questions, others = [], [each["id"] for each in client.get("/api/session").json["scans"][1:]]
    for seed in range(6):
        drawn = client.post("/api/draw", {"scan": scan, "count": 2 + seed % 3, "seed": seed}).json["centres_mm"]
        run = {"run": "ab"[seed % 2]}
        questions.append(("/api/look", {**run, "scan": scan, "centres_mm": drawn, "step": [None, 0][seed % 2]}))
        questions.append(("/api/where", {"scan": scan, "point_mm": drawn[0], "target": others[seed % 2]}))
    right = [_same(client.post(*question).json) for question in questions]
    wrong: list[str] = []
    answered = [0] * CLIENTS

    def visit(number: int) -> None:
        for turn in range(number, number + QUESTIONS):
            which = turn % len(questions)
            answer = client.post(*questions[which])
            if answer.status != 200 or _same(answer.json) != right[which]:
                wrong.append(f"{questions[which]}: {answer.status} {answer.body[:200]!r}")
            listed = client.get("/api/session")
            if listed.status != 200:
                wrong.append(f"session: {listed.status}")
            answered[number] += 1

    visitors = [threading.Thread(target=visit, args=(number,)) for number in range(CLIENTS)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join(timeout=60)
    assert not wrong, wrong[:3]
    assert answered == [QUESTIONS] * CLIENTS


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_load__memory_stays_flat(client: Client, scan: str) -> None:
    def ask(times: int) -> None:
        for turn in range(times):
            drawn = client.post("/api/draw", {"scan": scan, "count": 3, "seed": turn}).json["centres_mm"]
            asked = {"run": "ab"[turn % 2], "scan": scan, "centres_mm": drawn, "step": [None, 0][turn // 2 % 2]}
            assert client.post("/api/look", asked).status == 200
            if turn % 10 == 0:
                client.get(f"/api/scan/{scan}.nii")
                client.get("/api/judge/a")

    ask(40)
    before = _resident_mb()
    ask(50)
    # A single look works through some ten MB of features; one in ten left behind would show.
    assert _resident_mb() - before < 15
