"""A scheduler and workers of Dask, each a process of its own, as somebody would start them by hand."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from distributed import Client

REPOSITORY = Path(__file__).resolve().parents[2]


@contextmanager
def started(*words: object) -> Iterator["subprocess.Popen[bytes]"]:
    """``dask WORDS``, killed at the end."""
    quiet = {"DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "critical", "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *map(str, words), "--host", "127.0.0.1", "--no-dashboard"],
        cwd=REPOSITORY, env=os.environ | quiet, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Scheduler:
    """A scheduler, and a way to start workers of it that die with the test."""

    def __init__(self, held: ExitStack) -> None:
        self._held = held
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self.process = held.enter_context(started("scheduler", "--port", port))
        while _closed(port):
            assert self.process.poll() is None
            time.sleep(0.05)

    def worker(self, preload: str = "") -> "subprocess.Popen[bytes]":
        """A worker that runs ``preload``, a module of these tests, first."""
        more = ("--preload", f"tests.cluster.{preload}") if preload else ()
        words = ("worker", self.address, "--nthreads", 1, "--no-nanny", *more)
        return self._held.enter_context(started(*words))

    def wait_for(self, workers: int) -> None:
        """Wait until so many are there."""
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=120)


def _closed(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    with ExitStack() as held:
        yield Scheduler(held)
