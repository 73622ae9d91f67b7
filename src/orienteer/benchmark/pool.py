"""Run jobs in parallel processes; a job that fails is reported and the others continue."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path

import torch

from orienteer.benchmark.finished import DONE, is_finished
from orienteer.benchmark.job import Shared, run_job
from orienteer.benchmark.plan import BEGINNINGS, Job
from orienteer.benchmark.process import DIED, JOB, error_of
from orienteer.processes import available_cores, end_with_parent, processes_with
from orienteer.signals import SAVE, Interruptible

Failures = dict[str, str]
Run = Callable[[Sequence[Job], Callable[[Job], None], Callable[[Job, str | None], None]], Failures]
"""Runs jobs: which, what is done with each, and what is called after each."""
UNTRIED = "its pretraining run failed"


def slots(parallel: int | str) -> int:
    """Number of jobs that run at a time."""
    if parallel != "auto":
        return int(parallel)
    return torch.cuda.device_count() or available_cores()


def run_jobs(
    jobs: Sequence[Job],
    shared: Shared,
    run: Run,
    on_done: Callable[[Job, str | None], None],
) -> Failures:
    """Run the unfinished jobs; pretraining first, since the others start from it.

    Args:
        jobs: in order.
        shared: what they share.
        run: where, e.g. ``run_here``.
        on_done: called after every job, with its error where it failed.

    Returns:
        Errors by job name. Jobs whose pretraining run failed are not tried.
    """
    failures: Failures = {}
    begun: set[Path] = set()
    """Runs that were made just now: a shared file system may show what another machine has written a little later."""

    def done(job: Job, error: str | None) -> None:
        if error is None:
            begun.add(job.folder)
        on_done(job, error)

    for beginning in (True, False):
        todo = [job for job in jobs if (job.stage in BEGINNINGS) == beginning and not is_finished(job)]
        ready = []
        for job in todo:
            if job.run is not None and job.run not in begun and not (job.run / DONE).is_file():
                failures[job.name] = UNTRIED
                on_done(job, UNTRIED)
            else:
                ready.append(job)
        if ready:
            failures |= run(ready, partial(run_job, shared=shared), done)
    return failures


def run_here(
    jobs: Sequence[Job], work: Callable[[Job], None], on_done: Callable[[Job, str | None], None], *, parallel: int
) -> Failures:
    """Run jobs on this machine.

    Args:
        jobs: in order.
        work: what is done with each.
        on_done: called after every job.
        parallel: processes at a time; each gets its own GPU in turn and its share of the CPU threads.
    """
    failures: Failures = {}
    context = processes_with(JOB)
    gpus = _gpus()
    threads = max(1, available_cores() // parallel)
    stopping = context.Event()
    waiting = list(jobs)
    while waiting:
        devices = context.Queue()
        for number in range(parallel):
            devices.put(gpus[number % len(gpus)] if gpus else "")
        pool = ProcessPoolExecutor(
            min(parallel, len(waiting)), mp_context=context, initializer=_begin,
            initargs=(devices, threads, stopping),
        )  # fmt: skip
        broken = []
        with Interruptible(pass_on=lambda number: context.tell(number) if number == SAVE else None) as interrupt:
            try:
                running = {pool.submit(unless_stopping, work, job): job for job in waiting}
                with interrupt.breakable():
                    for future in as_completed(running):
                        job, error = running[future], error_of(future)
                        if error == DIED:
                            broken.append(job)
                            continue
                        if error is not None:
                            failures[job.name] = error
                        on_done(job, error)
            except KeyboardInterrupt:
                # Running jobs stop after the step they are in; waiting jobs are dropped.
                stopping.set()
                context.tell(signal.SIGTERM)
                raise
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        waiting = broken
        if broken:
            # A killed process breaks the whole pool. Running one job at a time finds out which.
            if parallel == 1:
                # A single process takes the jobs in order: the first that did not come back was running.
                waiting.sort(key=jobs.index)
                job = waiting.pop(0)
                failures[job.name] = DIED
                on_done(job, DIED)
            parallel = 1
    return failures


def _gpus() -> list[str]:
    """The GPUs this process may use, as named in ``CUDA_VISIBLE_DEVICES``."""
    named = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return (named or [str(number) for number in range(torch.cuda.device_count())])[: torch.cuda.device_count()]


_stopping: "Event | threading.Event"
_interrupt: Interruptible


def unless_stopping(work: Callable[[Job], None], job: Job) -> None:
    """Do a job. Skip jobs that the pool has handed out and cannot cancel any more once the benchmark is stopping."""
    if _stopping.is_set():
        raise KeyboardInterrupt
    try:
        with _interrupt.breakable():
            work(job)
    except KeyboardInterrupt:
        _stopping.set()
        raise


def _begin(devices: "multiprocessing.Queue[str]", threads: int, stopping: Event) -> None:
    begin(threads, stopping)
    gpu = devices.get()
    devices.put(gpu)
    if gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu


def begin(threads: int, stopping: "Event | threading.Event") -> None:
    """Prepare a process: its share of the CPU threads, and the event that stops it."""
    global _stopping, _interrupt
    _stopping = stopping
    # For good: what comes from a terminal or a scheduler comes from the benchmark once more.
    _interrupt = Interruptible()
    _interrupt.__enter__()
    # A job must not outlive a killed benchmark: the next benchmark would run the same job at the same time.
    threading.Thread(target=end_with_parent, daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
    os.environ["BLOSC_NTHREADS"] = "1"
    torch.set_num_threads(threads)
