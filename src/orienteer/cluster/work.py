"""What a worker is sent: a job, and what it is asked about itself."""

import os
import pickle
import socket
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from orienteer import __version__

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Failed:
    """An error that travels as a value, as Dask logs those that are raised with what the function was given."""

    error: BaseException


@dataclass(frozen=True)
class Work:
    """A job and what does it, packed: the scheduler unpacks neither, and nothing of them stands where Dask shows it."""

    packed: bytes = field(repr=False)

    @classmethod
    def of(cls, function: Callable[[T], R], job: T) -> Self:
        """Pack a job."""
        return cls(pickle.dumps((function, job)))

    def __call__(self) -> Any:
        """Do it."""
        from distributed import get_worker

        key = get_worker().get_current_task()
        _busy_with.add(key)
        try:
            function, job = pickle.loads(self.packed)  # noqa: S301  # by our own client
            return function(job)
        except (Exception, KeyboardInterrupt) as error:
            error.add_note(traceback.format_exc())
            return Failed(error)
        finally:
            _busy_with.discard(key)


_busy_with: set[Any] = set()
"""Keys of the jobs that run in this process."""


def is_busy(keys: list[Any]) -> bool:
    """On a worker: whether one of these jobs runs."""
    return not _busy_with.isdisjoint(keys)


def own_version() -> str:
    """On the scheduler: the version of Orienteer that it has."""
    return __version__


def wanted() -> Callable[[], bool]:
    """On a worker: whether somebody still waits for the job, and the worker itself is not about to end."""
    from distributed import get_worker

    worker = get_worker()
    tasks, key = worker.state.tasks, worker.get_current_task()
    awake = ("running", "paused")
    return lambda: worker.status.name in awake and (task := tasks.get(key)) is not None and task.state != "cancelled"


def own_threads() -> int:
    """On a worker: the threads that it was started with."""
    from distributed import get_worker

    return int(get_worker().state.nthreads)


def look_around(version: str, sizes: Mapping[str, tuple[str, int]]) -> tuple[str, str]:
    """On a worker: its host, and why it cannot help; empty if it can."""
    host = socket.gethostname()
    if version != __version__:
        return host, f"it has Orienteer {__version__}, not {version}"
    for place, (file, size) in sizes.items():
        try:
            if os.stat(file).st_size != size:  # noqa: PTH116
                return host, f"it has something else at {place}"
        except OSError:
            return host, f"it does not see {place}"
    if not os.access(next(iter(sizes)), os.W_OK):
        return host, f"it may not write to {next(iter(sizes))}"
    return host, ""
