"""A job on a worker of a cluster, in a process of its own: it hears signals, and its cost is its own.

The worker itself imports nothing heavy: it only waits.
"""

import signal
from concurrent.futures import ProcessPoolExecutor, wait

from orienteer.benchmark.process import JOB, error_of
from orienteer.cluster.work import own_threads, wanted
from orienteer.cluster.workers import TICK
from orienteer.processes import processes_with


def do(packed: bytes) -> str:
    """The error of a job; empty where it has none. A job that nobody waits for ends its step and saves it."""
    is_wanted, context = wanted(), processes_with(JOB)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        future = pool.submit(_do_here, packed, own_threads())
        while not wait([future], timeout=TICK).done:
            if not is_wanted():
                context.tell(signal.SIGTERM)
        return error_of(future) or ""


def _do_here(packed: bytes, threads: int) -> None:
    from orienteer.benchmark.on_cluster import do_here

    do_here(packed, threads)
