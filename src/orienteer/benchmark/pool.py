"""Run jobs in parallel processes; a job that fails is reported and the others continue."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.synchronize import Event
from types import FrameType

import torch

from orienteer.benchmark.finished import DONE, is_finished
from orienteer.benchmark.job import Shared, run_job
from orienteer.benchmark.plan import Job
from orienteer.errors import OrienteerError
from orienteer.processes import available_cores, end_with_parent, processes_with

Failures = dict[str, str]
UNTRIED = "its pretraining run failed"
JOB = "orienteer.benchmark.job"
"""The module that a process of the pool imports."""


def slots(parallel: int | str) -> int:
    """Number of jobs that run at a time."""
    if parallel != "auto":
        return int(parallel)
    return torch.cuda.device_count() or available_cores()


def run_jobs(
    jobs: Sequence[Job],
    shared: Shared,
    *,
    parallel: int,
    on_done: Callable[[Job, str | None], None],
) -> Failures:
    """Run the unfinished jobs; pretraining first, since the others start from it.

    Args:
        jobs: in order.
        shared: what they share.
        parallel: processes at a time; each gets its own GPU in turn and its share of the CPU threads.
        on_done: called after every job, with its error where it failed.

    Returns:
        Errors by job name. Jobs whose pretraining run failed are not tried.
    """
    failures: Failures = {}
    _stop_jobs_too()
    for stage in ("pretrain", "rest"):
        todo = [job for job in jobs if (job.stage == "pretrain") == (stage == "pretrain") and not is_finished(job)]
        ready = []
        for job in todo:
            if job.run is not None and not (job.run / DONE).is_file():
                failures[job.name] = UNTRIED
                on_done(job, UNTRIED)
            else:
                ready.append(job)
        if ready:
            failures |= _run(ready, partial(run_job, shared=shared), parallel, on_done)
    return failures


def _run(
    jobs: Sequence[Job], work: Callable[[Job], None], parallel: int, on_done: Callable[[Job, str | None], None]
) -> Failures:
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
        running: dict[Future[None], Job] = {}
        broken = False
        try:
            running = {pool.submit(_unless_stopping, work, job): job for job in waiting}
            waiting = []
            pending = set(running)
            while pending:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    job = running[future]
                    error = _error(future)
                    if error == DIED:
                        broken = True
                        waiting.append(job)
                        continue
                    if error is not None:
                        failures[job.name] = error
                    on_done(job, error)
        except KeyboardInterrupt:
            stopping.set()
            raise
        finally:
            # Ctrl-C: running jobs stop after their next checkpoint; waiting jobs are dropped.
            pool.shutdown(wait=True, cancel_futures=True)
        if broken:
            # A killed process breaks the whole pool. Running one job at a time finds out which.
            if parallel == 1:
                # A single process takes the jobs in order: the first that did not come back was running.
                waiting.sort(key=jobs.index)
                job = waiting.pop(0)
                failures[job.name] = "its process was killed, most likely because memory ran out"
                on_done(job, failures[job.name])
            parallel = 1
    return failures


DIED = "died"


def _stop_jobs_too() -> None:
    """Pass on SIGTERM, which a scheduler sends to this process alone; Ctrl-C in a terminal reaches the jobs as well."""

    def stop(number: int, frame: FrameType | None) -> None:
        for child in multiprocessing.active_children():
            if child.pid is not None:
                os.kill(child.pid, signal.SIGINT)
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)


def _error(future: "Future[None]") -> str | None:
    try:
        future.result()
    except BrokenProcessPool:
        return DIED
    except OrienteerError as error:
        return str(error)
    except Exception as error:  # a bug in one job must not cost the others
        return f"{type(error).__name__}: {error}"
    return None


def _gpus() -> list[str]:
    """The GPUs this process may use, as named in ``CUDA_VISIBLE_DEVICES``."""
    named = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return (named or [str(number) for number in range(torch.cuda.device_count())])[: torch.cuda.device_count()]


_stopping: Event


def _unless_stopping(work: Callable[[Job], None], job: Job) -> None:
    """Skip jobs that the pool has handed out and cannot cancel any more once the benchmark is stopping."""
    if _stopping.is_set():
        raise KeyboardInterrupt
    try:
        work(job)
    except KeyboardInterrupt:
        _stopping.set()
        raise


def _begin(devices: "multiprocessing.Queue[str]", threads: int, stopping: Event) -> None:
    """Prepare a process: its own GPU, its share of the CPU threads, and the event that stops it."""
    global _stopping
    _stopping = stopping
    # A job must not outlive a killed benchmark: the next benchmark would run the same job at the same time.
    threading.Thread(target=end_with_parent, daemon=True).start()
    # A process started in the background (nohup, setsid) ignores SIGINT, and so would its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gpu = devices.get()
    devices.put(gpu)
    if gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
    os.environ["BLOSC_NTHREADS"] = "1"
    torch.set_num_threads(threads)
