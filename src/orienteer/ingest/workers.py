"""Preparing many scans at once, in processes; a worker that dies costs one scan, not the run."""

import signal
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

from orienteer.ingest.prepare import Job, Outcome, limit_threads, prepare
from orienteer.processes import available_cores, end_with_parent, processes_with
from orienteer.scans.catalogue import CATALOGUE
from orienteer.scans.findings import finding

DIED = finding("worker-died", CATALOGUE["worker-died"].meaning)


def prepare_all(jobs: Sequence[Job], workers: int | None = None) -> Generator[Outcome, None, None]:
    """Outcomes as they are ready, in any order."""
    workers = min(len(jobs), max(1, workers or available_cores()))
    if workers <= 1:
        limit_threads()
        yield from map(prepare, jobs)
        return
    unfinished = yield from _run(jobs, workers)
    # The pool broke without saying on which scan: one by one, each in a process of its own, finds it.
    for job in unfinished:
        if (yield from _run([job], 1)):
            yield Outcome(job.source.id, findings=(DIED,))


def _run(jobs: Sequence[Job], workers: int) -> Generator[Outcome, None, list[Job]]:
    """Yields outcomes; returns the jobs that have none because a worker died."""
    unfinished = []
    helpers = processes_with("orienteer.ingest.prepare")
    pool = ProcessPoolExecutor(workers, mp_context=helpers, initializer=_start_worker)
    try:
        futures: dict[Future[Outcome], Job] = {pool.submit(prepare, job): job for job in jobs}
        for future in as_completed(futures):
            try:
                outcome = future.result()
            except BrokenProcessPool:
                unfinished.append(futures[future])
                continue
            yield outcome
    except (KeyboardInterrupt, GeneratorExit):
        helpers.kill()  # scans in progress are read again by the next ingest
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return unfinished


def _start_worker() -> None:
    limit_threads()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Windows, where no process starts with signals blocked
    threading.Thread(target=end_with_parent, daemon=True).start()
