"""Two short runs on real brains with labels, and a real server over both: what the browser tests look at."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from orienteer.ingest import IngestOptions, ingest
from orienteer.observatory.app import create_app
from orienteer.observatory.serve import open_sessions
from orienteer.runs.evaluate import evaluate
from orienteer.runs.pretrain import pretrain
from orienteer.runs.settings import PretrainSettings

TOKEN = "the-token-of-the-browser-tests-is-no-secret"
PEOPLE = {"test": 2, "val": 1, "train": 1}
SHORT = (
    "network={size: tiny, options: {features: [4, 8, 16]}}",
    "views={count: 3, size: 24}",
    "views.geometry.probability=0",
    "optimiser={steps: 4, batch: 2}",
    "checkpoint={every: 2, log_every: 1, keep: 3}",
    "evaluation={per_scan: 2, final_per_scan: 4, examples: 1}",
    "devices={accelerator: cpu, threads: 1, workers: 0}",
)
ALL_TASKS = ("tasks={gap: {uncertainty: true}, adjacency: {}, route: {}, position: {}}",)
GAP_ONLY = ("tasks={gap: {form: difference}}", "optimiser.steps=2", "checkpoint.every=1", "seed=5")


@dataclass(frozen=True)
class Site:
    """A running server, what it serves, and its link."""

    link: str
    run: Path
    store: Path


def make_runs(data: Path, folder: Path) -> tuple[Path, Path, Path]:
    """Store of a few real brains with labels, a run with every task, and one with the gap matrix alone."""
    table = [line.split("\t") for line in (data / "oasis" / "subjects.tsv").read_text().splitlines()[1:]]
    for split, count in PEOPLE.items():
        for scan in [row[0] for row in table if row[-1] == split][:count]:
            for kind in ("images", "labels"):
                (folder / kind).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(data / "oasis" / kind / f"{scan}.nii.gz", folder / kind / f"{scan}.nii.gz")
    store = folder / "store"
    ingest(
        folder / "images", store, IngestOptions(spacing=3.0, labels=folder / "labels",
        table=data / "oasis" / "subjects.tsv", workers=1, progress=False),
    )  # fmt: skip
    pretrain(store, folder / "run", settings=PretrainSettings.read({}, (*SHORT, *ALL_TASKS)), progress=False)
    pretrain(store, folder / "other", settings=PretrainSettings.read({}, (*SHORT, *GAP_ONLY)), progress=False)
    evaluate(folder / "run", store, split="test", progress=False)
    return store, folder / "run", folder / "other"


@contextmanager
def serving(run: Path, store: Path, beside: Path | None = None) -> Iterator[Site]:
    """The observatory on a free port of this machine."""
    sessions = open_sessions(run, store, beside=beside)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    app = create_app(sessions, token=TOKEN, port=port, threads=1)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    yield Site(f"http://127.0.0.1:{port}/?token={TOKEN}", run, store)
    server.should_exit = True
    thread.join(timeout=30)
    listening.close()
