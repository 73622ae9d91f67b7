"""Run jobs on a cluster, each in a process of its own on a worker: it hears signals, and costs what it alone costs."""

import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from contextlib import closing
from functools import partial
from pathlib import Path

from orienteer.benchmark.plan import Job
from orienteer.benchmark.pool import DIED, JOB, KILLED, Failures, error_of, pool_of, unless_stopping
from orienteer.cluster import PATIENCE, TICK, Cluster, own_threads, wanted
from orienteer.errors import StoreError
from orienteer.processes import processes_with
from orienteer.store.lock import lock_name, only_one
from orienteer.training.folder import TRAINING


def run_on(
    cluster: Cluster, jobs: Sequence[Job], work: Callable[[Job], None], on_done: Callable[[Job, str | None], None]
) -> Failures:
    """Run jobs, one at a time on each worker, with the threads that the worker was started with.

    Told to stop, running jobs end their step and save it. A job whose worker is gone resumes on another one.
    """
    failures: Failures = {}
    with closing(cluster.map(partial(_run_on_worker, work), jobs, settle=True)) as results:
        for job, error in results:
            if error:
                failures[job.name] = error
            on_done(job, error or None)
    return failures


def _run_on_worker(work: Callable[[Job], None], job: Job) -> str:
    """The error of a job; empty where it has none."""
    _wait_until_free(job.folder)
    is_wanted, context = wanted(), processes_with(JOB)
    with pool_of(context, 1, 1, own_threads(), context.Event()) as pool:
        future = pool.submit(unless_stopping, work, job)
        while not wait([future], timeout=TICK).done:
            if not is_wanted():
                context.tell(signal.SIGTERM)
        error = error_of(future)
    return (KILLED if error == DIED else error) or ""


def _wait_until_free(folder: Path) -> None:
    """Wait for the end of a process that a lost worker has left; the system frees its lock."""
    lock, until = folder / lock_name(TRAINING), time.monotonic() + PATIENCE
    while lock.exists() and time.monotonic() < until:
        try:
            with only_one(folder, TRAINING):
                return
        except StoreError:
            time.sleep(TICK)
