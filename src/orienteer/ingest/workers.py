"""Preparing many scans at once, in processes or on a cluster; a scan whose worker dies costs itself, not the run."""

import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path

from orienteer.cluster.open import open_cluster
from orienteer.ingest.job import Job, Outcome
from orienteer.processes import available_cores, end_with_parent, processes_with
from orienteer.scans.catalogue import CATALOGUE
from orienteer.scans.findings import finding

DIED = finding("worker-died", CATALOGUE["worker-died"].meaning)
AHEAD = 4
"""Scans that wait for a worker or whose outcome waits for us, a worker: all at once would fill memory."""
LIVES = 3
"""Workers of a cluster that one scan may take down; a machine may also fail by itself."""


def prepare(job: Job) -> Outcome:
    """What ``orienteer.ingest.prepare`` makes of a job; imported where it runs, as its libraries take 100 MB."""
    from orienteer.ingest.prepare import prepare as prepare_here

    return prepare_here(job)


def prepare_all(jobs: Sequence[Job], workers: int | None = None) -> Generator[Outcome, None, None]:
    """Outcomes as they are ready, in any order."""
    workers = min(len(jobs), max(1, workers or available_cores()))
    if workers <= 1:
        undo = _limit_threads()  # in the caller's own process, where training may follow
        try:
            yield from map(prepare, jobs)
        finally:
            undo()
        return
    unfinished = yield from _run(jobs, workers)
    # The pool broke without saying on which scan: one by one, each in a process of its own, finds it.
    for job in unfinished:
        if (yield from _run([job], 1)):
            yield Outcome(job.source.id, findings=(DIED,))


def prepare_on(
    cluster: str, jobs: Sequence[Job], workers: int | None, say: Callable[[str], None]
) -> Generator[Outcome, None, None]:
    """Outcomes as they are ready, in any order, from the workers of a cluster.

    Raises:
        OrienteerError: there is no such cluster, or none of its workers can help.
    """
    if not jobs:
        return
    with (
        open_cluster(
            cluster, jobs[0].store, _sights(jobs), workers=workers or min(len(jobs), available_cores()), say=say
        ) as opened,
        closing(opened.map(_prepare_on_worker, jobs, lives=LIVES)) as results,
    ):
        for job, outcome in results:
            yield outcome or Outcome(job.source.id, findings=(DIED,))


def _sights(jobs: Sequence[Job]) -> dict[Path, Path]:
    """A file in every folder of scans or labels."""
    found: dict[Path, Path] = {}
    for job in jobs:
        for source in (job.source, job.source.labels):
            if source is not None and source.root not in found and source.paths and source.paths[0].is_file():
                found[source.root] = source.paths[0]
    return found


def _prepare_on_worker(job: Job) -> Outcome:
    _limit_threads()
    return prepare(job)


def _run(jobs: Sequence[Job], workers: int) -> Generator[Outcome, None, list[Job]]:
    """Yields outcomes; returns the jobs that have none because a worker died."""
    unfinished: list[Job] = []
    helpers = processes_with("orienteer.ingest.prepare", "orienteer.ingest.workers", "blosc2")
    pool = ProcessPoolExecutor(workers, mp_context=helpers, initializer=_start_worker)
    try:
        waiting, running = deque(jobs), dict[Future[Outcome], Job]()
        while waiting or running:
            while waiting and len(running) < AHEAD * workers:
                try:
                    running[pool.submit(prepare, waiting[0])] = waiting[0]
                except BrokenProcessPool:
                    unfinished += waiting
                    waiting.clear()
                else:
                    waiting.popleft()
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                job = running.pop(future)
                try:
                    outcome = future.result()
                except BrokenProcessPool:
                    unfinished.append(job)
                    continue
                yield outcome
    except (KeyboardInterrupt, GeneratorExit):
        helpers.kill()  # scans in progress are read again by the next ingest
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return unfinished


def _limit_threads() -> Callable[[], None]:
    from orienteer.ingest.prepare import limit_threads

    return limit_threads()


def _start_worker() -> None:
    _limit_threads()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Windows, where no process starts with signals blocked
    threading.Thread(target=end_with_parent, daemon=True).start()
