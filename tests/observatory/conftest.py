"""A tiny run on phantoms, its store beside it, and a real server over both."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from orienteer.observatory.app import create_app
from orienteer.observatory.serve import build_server, open_sessions
from orienteer.observatory.session import Session
from orienteer.runs.pretrain import pretrain
from orienteer.runs.settings import PretrainSettings
from orienteer.testing.phantom import phantom_store
from tests.observatory.client import Client

TINY = (
    "network={size: tiny, options: {features: [4, 8, 16]}}",
    "views={count: 3, size: 16}",
    "optimiser={steps: 6, batch: 2}",
    "checkpoint={every: 2, log_every: 1, keep: 2}",
    "evaluation={per_scan: 2, final_per_scan: 4, examples: 2}",
    "devices={accelerator: cpu, threads: 1, workers: 0}",
)
TOKEN = "the-token-of-these-tests-is-no-secret-at-all"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as ``orienteer demo`` leaves it: ``store`` and ``run`` side by side, and another run."""
    folder = tmp_path_factory.mktemp("observatory")
    store = phantom_store(folder, people=8)
    full = ("tasks={gap: {uncertainty: true}, adjacency: {}, route: {}, position: {}, masked: {}}",)
    pretrain(store, folder / "run", settings=PretrainSettings.read({}, (*TINY, *full)), progress=False)
    gap = ("tasks={gap: {form: difference}}", "optimiser.steps=2", "checkpoint.every=1", "seed=5")
    pretrain(store, folder / "other", settings=PretrainSettings.read({}, (*TINY, *gap)), progress=False)
    return folder


@pytest.fixture(scope="session")
def apart(home: Path) -> Path:
    """A run of tasks that say nothing of views that lie anywhere."""
    some = ("tasks={masked: {}, simclr: {}}", "views.placement=overlapping", "optimiser.steps=2", "checkpoint.every=1")
    pretrain(home / "store", home / "apart", settings=PretrainSettings.read({}, (*TINY, *some)), progress=False)
    return home / "apart"


@contextmanager
def serving(sessions: Mapping[str, Session]) -> Iterator[Client]:
    """A client with the token of a server that runs over the sessions."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    app = create_app(sessions, token=TOKEN, port=port, threads=1)
    server = build_server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    yield Client(port, TOKEN)
    server.should_exit = True
    thread.join(timeout=30)
    listening.close()


@pytest.fixture(scope="session")
def client(home: Path) -> Iterator[Client]:
    """A client with the token of a running server that shows both runs."""
    with serving(open_sessions(home / "run", beside=home / "other")) as found:
        yield found


@pytest.fixture(scope="session")
def scan(client: Client) -> str:
    """The first held-out scan."""
    return str(client.get("/api/session").json["scans"][0]["id"])


@pytest.fixture(scope="session")
def centres(client: Client, scan: str) -> list[list[float]]:
    """Three views of it, drawn by the server."""
    drawn: list[list[float]] = client.post("/api/draw", {"scan": scan, "count": 3, "seed": 1}).json["centres_mm"]
    return drawn
