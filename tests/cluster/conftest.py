"""A scheduler and workers of Dask, each a process of its own, as somebody would start them by hand."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

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
    """A scheduler, and a way to start workers of it that die with the test.

    Args:
        held: what ends the scheduler.
    """

    def __init__(self, held: ExitStack) -> None:
        self.held = held
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self.process = held.enter_context(started("scheduler", "--port", port))
        while _closed(port):
            assert self.process.poll() is None
            time.sleep(0.05)

    @contextmanager
    def for_one_test(self) -> Iterator[Self]:
        """Within, it ends its workers at the end."""
        before = self.held
        with ExitStack() as self.held:
            yield self
        self.held = before
        self.wait_for(0)

    def worker(self, preload: str = "") -> "subprocess.Popen[bytes]":
        """A worker that runs ``preload``, a module of these tests, first."""
        more = ("--preload", f"tests.cluster.{preload}") if preload else ()
        words = ("worker", self.address, "--nthreads", 1, "--no-nanny", *more)
        return self.held.enter_context(started(*words))

    def wait_for(self, workers: int) -> None:
        """Wait until so many are there."""
        deadline = time.monotonic() + 120
        with Client(self.address, set_as_default=False) as client:
            while len(client.nthreads()) != workers:
                assert time.monotonic() < deadline
                time.sleep(0.05)


def _closed(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def mortal() -> Iterator[Scheduler]:
    """A scheduler that may be killed."""
    with ExitStack() as held:
        yield Scheduler(held)


@pytest.fixture(scope="session")
def _running() -> Iterator[Scheduler]:
    with ExitStack() as held:
        yield Scheduler(held)


@pytest.fixture
def scheduler(_running: Scheduler) -> Iterator[Scheduler]:
    """A scheduler without workers, which lives on: its start takes longer than most of the tests."""
    with _running.for_one_test() as running:
        yield running
