"""Processes that work side by side: how they start, and how they end with their parent."""

import multiprocessing
import os
from multiprocessing.context import BaseContext

_imported: list[str] = []


def available_cores() -> int:
    """Cores this process may use, which in a container is often fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity
        return os.cpu_count() or 1


def processes_with(*modules: str) -> BaseContext:
    """A way to start processes that have the modules already, as importing them takes longer than much of the work.

    They are forked from a server that has done nothing but import. This process itself is never forked: it may hold
    threads, whose locks a fork would freeze, or a GPU. Where there is no fork, processes are spawned.

    Args:
        modules: to import before the first process starts; without effect once a process was started this way.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    _imported.extend(name for name in modules if name not in _imported)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_imported)
    return context


def end_with_parent() -> None:
    """For a thread of a process, which a killed parent cannot stop: without it, it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
