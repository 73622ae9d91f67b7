"""How fast and how steady the observatory's server is.

    python benchmarks/observatory_server.py RUN --store STORE [--seconds 60] [--clients 20] [--interactions 1000]

Starts the real command as a process of its own and prints latencies, memory and what went wrong under load; ends with
1 when an answer was wrong or missing. Writes neither to the run nor to the store.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--interactions", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    return speed(parser.parse_args())


class Visitor:
    """One client with a connection of its own."""

    def __init__(self, address: str, token: str) -> None:
        self.connection = http.client.HTTPConnection(address, timeout=120)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(self, path: str, body: Any = None) -> tuple[int, Any, float]:
        """Status, answer and milliseconds as the client sees them."""
        begun = time.perf_counter()
        self.connection.request("GET" if body is None else "POST", path, body and json.dumps(body), self.headers)
        response = self.connection.getresponse()
        data = response.read()
        took = (time.perf_counter() - begun) * 1000
        return response.status, json.loads(data) if path.startswith("/api") and ".nii" not in path else data, took


def speed(given: argparse.Namespace) -> int:
    """Start, single-client latencies, many clients at once, memory."""
    command = [sys.executable, "-m", "orienteer", "observe", str(given.run), "--store", str(given.store)]
    command += ["--no-browser", "--threads", str(given.threads)]
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            link = server.stdout.readline().strip()
            address, token = link.removeprefix("http://").split("/?token=")
            visitor = Visitor(address, token)
            session = visitor.ask("/api/session")[1]
            print(f"from command to first answer  {time.perf_counter() - begun:6.2f} s")
            scans = [scan["id"] for scan in session["scans"]]
            print(f"first look (torch is imported) {look(visitor, scans[0], 0)[2]:6.0f} ms")
            busy = processor_ms(server.pid)
            say("look, one client", [look(visitor, scans[0], seed)[2] for seed in range(300)])
            print(f"processor time of a draw and a look {(processor_ms(server.pid) - busy) / 300:.0f} ms")
            first = [where(visitor, scans[0], target, 0)[2] for target in scans[1:6]]
            say("where, a pair's first question", first)
            say("where, later ones", [where(visitor, scans[0], scans[1 + n % 5], n)[2] for n in range(100)])
            bad = crowd(address, token, scans, given.clients, given.seconds)
            visitor = Visitor(address, token)
            before = resident(server.pid)
            steady(visitor, scans, session["runs"][0]["steps"], given.interactions)
            after = resident(server.pid)
            print(f"memory of the server {before:.0f} MB, {given.interactions} interactions later {after:.0f} MB")
        finally:
            server.terminate()
    large()
    return 1 if bad else 0


def look(visitor: Visitor, scan: str, seed: int, step: int | None = None) -> tuple[int, Any, float]:
    """One look at drawn views; the draw is not timed."""
    drawn = visitor.ask("/api/draw", {"scan": scan, "count": 3, "seed": seed})[1]["centres_mm"]
    return visitor.ask("/api/look", {"scan": scan, "centres_mm": drawn, "step": step})


def where(visitor: Visitor, scan: str, target: str, seed: int) -> tuple[int, Any, float]:
    """One point in another scan."""
    drawn = visitor.ask("/api/draw", {"scan": scan, "count": 2, "seed": seed})[1]["centres_mm"]
    return visitor.ask("/api/where", {"scan": scan, "point_mm": drawn[0], "target": target})


def crowd(address: str, token: str, scans: list[str], clients: int, seconds: float) -> int:
    """Many clients at once; every answer is compared with the one a single client got before."""
    alone = Visitor(address, token)
    questions, right = [], []
    for seed in range(40):
        drawn = alone.ask("/api/draw", {"scan": scans[seed % 4], "count": 3, "seed": seed})[1]["centres_mm"]
        if seed % 8:
            questions.append(("/api/look", {"scan": scans[seed % 4], "centres_mm": drawn}))
        else:
            questions.append(("/api/where", {"scan": scans[seed % 4], "point_mm": drawn[0], "target": scans[4]}))
        right.append(_timeless(alone.ask(*questions[-1])[1]))
    times: list[float] = []
    wrong: list[str] = []
    until = time.perf_counter() + seconds

    def visit(number: int) -> None:
        visitor, turn = Visitor(address, token), number
        while time.perf_counter() < until:
            which = turn % len(questions)
            try:
                status, answer, took = visitor.ask(*questions[which])
            except (OSError, http.client.HTTPException, ValueError) as error:
                wrong.append(repr(error))
                return
            times.append(took)
            if status != 200 or _timeless(answer) != right[which]:
                wrong.append(f"{status} {questions[which]}")
            turn += 1

    visitors = [threading.Thread(target=visit, args=(number,)) for number in range(clients)]
    for one in visitors:
        one.start()
    for one in visitors:
        one.join()
    say(f"{clients} clients for {seconds:g} s", times)
    print(
        f"{len(times)} answers ({len(times) / seconds:.1f} a second), {len(wrong)} errors or wrong answers {wrong[:2]}"
    )
    return len(wrong)


def steady(visitor: Visitor, scans: list[str], steps: list[int], interactions: int) -> None:
    """What a person does, many times over: other views, other scans, other steps, the slider, the judge."""
    for turn in range(interactions):
        if turn % 20 == 0:
            visitor.ask(f"/api/scan/{scans[turn // 20 % len(scans)]}.nii")
        elif turn % 20 == 1:
            where(visitor, scans[turn % len(scans)], scans[turn // 20 % len(scans)], turn)
        elif turn % 20 == 2:
            visitor.ask("/api/judge/a")
        else:
            look(visitor, scans[turn // 20 % len(scans)], turn, steps[turn // 5 % len(steps)])


def large() -> None:
    """A scan of 256 x 256 x 192 voxels, as the viewer asks for it."""
    from orienteer.observatory.volume import nifti
    from orienteer.store import Store
    from orienteer.testing.phantom import phantom, store_of

    with tempfile.TemporaryDirectory() as folder:
        volume, _ = phantom(shape=(256, 256, 192), spacing=1.0)
        store = Store.open(store_of(Path(folder), {"large": volume.array[0]}, spacing=1.0))
        begun = time.perf_counter()
        data = nifti(store, "large")
        print(f"256 x 256 x 192 as NIfTI      {(time.perf_counter() - begun) * 1000:6.0f} ms, {len(data) / 1e6:.0f} MB")


def say(what: str, times: list[float]) -> None:
    """Median and 95th percentile."""
    print(f"{what:32} p50 {statistics.median(times):6.0f} ms, p95 {np.percentile(times, 95):6.0f} ms, n {len(times)}")


def resident(process: int) -> float:
    """Resident memory of a process, MB (Linux)."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def processor_ms(process: int) -> float:
    """Processor time a process has used: what a busy machine does not change."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") * 1000


def _timeless(answer: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in answer.items() if name != "milliseconds"}, sort_keys=True)


if __name__ == "__main__":
    sys.exit(main())
