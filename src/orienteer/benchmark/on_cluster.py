"""Run jobs on the workers of a cluster, one at a time on each."""

import pickle
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from orienteer.benchmark import remote
from orienteer.benchmark.plan import Job
from orienteer.benchmark.pool import Failures, begin, unless_stopping
from orienteer.cluster.workers import PATIENCE, TICK, Cluster
from orienteer.errors import StoreError
from orienteer.store.lock import lock_name, only_one
from orienteer.training.folder import TRAINING


def run_on(
    cluster: Cluster, jobs: Sequence[Job], work: Callable[[Job], None], on_done: Callable[[Job, str | None], None]
) -> Failures:
    """Run jobs with the threads that their workers were started with.

    Told to stop, running jobs end their step and save it. A job whose worker is gone resumes on another one.
    """
    failures: Failures = {}
    packed = {pickle.dumps((work, job)): job for job in jobs}
    with closing(cluster.map(remote.do, packed, settle=True)) as results:
        for key, error in results:
            if error:
                failures[packed[key].name] = error
            on_done(packed[key], error or None)
    return failures


def do_here(packed: bytes, threads: int) -> None:
    """In a process of a worker: do a job."""
    begin(threads, threading.Event())
    work, job = pickle.loads(packed)  # noqa: S301  # from our own client
    unless_stopping(_after(work), job)


def _after(work: Callable[[Job], None]) -> Callable[[Job], None]:
    def do(job: Job) -> None:
        _wait_until_free(job.folder)
        work(job)

    return do


def _wait_until_free(folder: Path) -> None:
    """Wait for the end of a process that a lost worker has left; the system frees its lock."""
    lock, until = folder / lock_name(TRAINING), time.monotonic() + PATIENCE
    while lock.exists() and time.monotonic() < until:
        try:
            with only_one(folder, TRAINING):
                return
        except StoreError:
            time.sleep(TICK)
