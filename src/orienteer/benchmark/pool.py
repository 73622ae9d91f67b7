"""Running cells in parallel processes; one that fails is told and the others go on."""

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

from orienteer.benchmark.cell import Shared, run_cell
from orienteer.benchmark.finished import DONE, is_finished
from orienteer.benchmark.plan import Cell
from orienteer.errors import OrienteerError
from orienteer.ingest.workers import available_cores, end_with_parent

Failures = dict[str, str]
UNTRIED = "its pretraining run failed"


def slots(parallel: int | str) -> int:
    """How many cells run at a time."""
    if parallel != "auto":
        return int(parallel)
    return torch.cuda.device_count() or available_cores()


def run_cells(
    cells: Sequence[Cell],
    shared: Shared,
    *,
    parallel: int,
    on_done: Callable[[Cell, str | None], None],
) -> Failures:
    """Run the cells that are not done yet; pretraining first, since the others start from it.

    Args:
        cells: in order.
        shared: what they have in common.
        parallel: processes at a time; each gets a GPU of its own in turn, and its share of the CPU's threads.
        on_done: told of every cell that is finished, with its error where it failed.

    Returns:
        Errors by cell name. Cells that start from a failed run are not tried.
    """
    failures: Failures = {}
    _stop_cells_too()
    for stage in ("pretrain", "rest"):
        todo = [cell for cell in cells if (cell.stage == "pretrain") == (stage == "pretrain") and not is_finished(cell)]
        ready = []
        for cell in todo:
            if cell.run is not None and not (cell.run / DONE).is_file():
                failures[cell.name] = UNTRIED
                on_done(cell, UNTRIED)
            else:
                ready.append(cell)
        if ready:
            failures |= _run(ready, partial(run_cell, shared=shared), parallel, on_done)
    return failures


def _run(
    cells: Sequence[Cell], work: Callable[[Cell], None], parallel: int, on_done: Callable[[Cell, str | None], None]
) -> Failures:
    failures: Failures = {}
    context = multiprocessing.get_context("spawn")
    gpus = _gpus()
    threads = max(1, available_cores() // parallel)
    stopping = context.Event()
    waiting, order = list(cells), {cell.name: place for place, cell in enumerate(cells)}
    while waiting:
        places = context.Queue()
        for number in range(parallel):
            places.put(gpus[number % len(gpus)] if gpus else "")
        pool = ProcessPoolExecutor(
            min(parallel, len(waiting)), mp_context=context, initializer=_begin,
            initargs=(places, threads, stopping),
        )  # fmt: skip
        running: dict[Future[None], Cell] = {}
        broken = False
        try:
            running = {pool.submit(_unless_stopping, work, cell): cell for cell in waiting}
            waiting = []
            pending = set(running)
            while pending:
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    cell = running[future]
                    error = _error(future)
                    if error == DIED:
                        broken = True
                        waiting.append(cell)
                        continue
                    if error is not None:
                        failures[cell.name] = error
                    on_done(cell, error)
        except KeyboardInterrupt:
            stopping.set()
            raise
        finally:
            # Ctrl-C: running cells stop after a checkpoint of their own; those that wait are dropped.
            pool.shutdown(wait=True, cancel_futures=True)
        if broken:
            # One process was killed and took the pool with it. One at a time finds out which.
            if parallel == 1:
                # A single process takes them in order: what it was doing is the first that did not come back.
                waiting.sort(key=lambda cell: order[cell.name])
                cell = waiting.pop(0)
                failures[cell.name] = "its process was killed, most likely for want of memory"
                on_done(cell, failures[cell.name])
            parallel = 1
    return failures


DIED = "died"


def _stop_cells_too() -> None:
    """A scheduler's SIGTERM reaches this process alone; Ctrl-C in a terminal reaches the cells as well."""

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
    except Exception as error:  # a bug in one cell must not cost the others
        return f"{type(error).__name__}: {error}"
    return None


def _gpus() -> list[str]:
    """The GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    named = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return (named or [str(number) for number in range(torch.cuda.device_count())])[: torch.cuda.device_count()]


_stopping: Event


def _unless_stopping(work: Callable[[Cell], None], cell: Cell) -> None:
    """A pool hands cells out ahead of time, beyond recall: those are not begun once it was told to stop."""
    if _stopping.is_set():
        raise KeyboardInterrupt
    try:
        work(cell)
    except KeyboardInterrupt:
        _stopping.set()
        raise


def _begin(places: "multiprocessing.Queue[str]", threads: int, stopping: Event) -> None:
    """Before anything is computed: a GPU of its own, its share of the CPU's threads, and a way to be told to stop."""
    global _stopping
    _stopping = stopping
    # A cell must not go on writing after the benchmark was killed: the next one would do the same cell beside it.
    threading.Thread(target=end_with_parent, daemon=True).start()
    # Started in the background (nohup, setsid) a process ignores Ctrl-C, and its children would too when told to stop.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    gpu = places.get()
    places.put(gpu)
    if gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
    os.environ["BLOSC_NTHREADS"] = "1"
    torch.set_num_threads(threads)
