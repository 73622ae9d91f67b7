"""Processes that work side by side: how they start, and how they end with their parent."""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing import spawn
from multiprocessing.context import BaseContext, SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from orienteer.signals import signals_blocked, signals_deferred, tell

_imported: list[str] = []
_starting = threading.RLock()


class _Helper(BaseProcess):
    """A process whose signals are blocked from its first moment on; whoever starts it ends it."""

    main = False

    def start(self) -> None:
        """Start it, wholly or not at all: one that is half started could not be ended."""
        with signals_deferred(), signals_blocked(), nullcontext() if self.main else main_left_alone(), _daemons_may():
            super().start()
        # At its exit Python ends what still runs this way, and then waits for it.
        vars(self)["_popen"].terminate = vars(self)["_popen"].kill

    def terminate(self) -> None:
        """End it by the one signal that cannot be blocked."""
        self.kill()


class Spawned(_Helper, SpawnProcess):
    """Started anew."""


class Helpers(BaseContext):
    """A way to start processes for loaders and pools. Their signals are blocked, and they can be ended at once.

    A signal to the whole group would else end them before the process that is to save what they work for.

    Args:
        main: they run the script of the main process first, as what they are given is defined there.
    """

    def __init__(self, *, main: bool = False) -> None:
        super().__init__()
        self.main = main
        self.started: list[BaseProcess] = []
        with signals_blocked():  # a queue or lock that is made before the first process starts Python's tracker of them
            pass

    def tell(self, number: int) -> None:
        """Send a signal to those that listen after all."""
        for process in self.started:
            tell(process, number)

    def kill(self) -> None:
        """End them all; nothing that they do is needed any more."""
        for process in self.started:
            if process.is_alive():
                process.kill()

    def _note(self, process: _Helper) -> Any:
        process.main, process.daemon = self.main, False
        self.started.append(process)
        return process


class SpawnedHelpers(Helpers, SpawnContext):
    """Each is started anew."""

    def Process(self, *args: Any, **options: Any) -> Any:  # type: ignore[override]
        """A process, not yet started."""
        return self._note(Spawned(*args, **options))


if sys.platform == "linux":
    from multiprocessing import forkserver
    from multiprocessing.context import ForkServerContext, ForkServerProcess

    _server = forkserver.ForkServer()

    class Served(_Helper, ForkServerProcess):
        """Forked from a server of ours: what others fork from Python's own must get its signals as usual."""

        @staticmethod
        def _Popen(process: Any) -> Any:
            with _starting:
                usual, forkserver.connect_to_new_process = (
                    forkserver.connect_to_new_process, _server.connect_to_new_process,
                )  # fmt: skip
                try:
                    return ForkServerProcess._Popen(process)
                finally:
                    forkserver.connect_to_new_process = usual

    class ServedHelpers(Helpers, ForkServerContext):
        """They are forked from a server, whose signals are blocked as well."""

        def Process(self, *args: Any, **options: Any) -> Any:  # type: ignore[override]
            """A process, not yet started."""
            return self._note(Served(*args, **options))


def available_cores() -> int:
    """Cores this process may use, which in a container is often fewer than the machine has."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity
        return os.cpu_count() or 1


@contextmanager
def main_left_alone() -> Iterator[None]:
    """Processes do not run a user's script once more: without ``if __name__ == "__main__"`` it would start others."""
    with _starting:
        usual = spawn.get_preparation_data

        def data(name: str) -> dict[str, Any]:
            return {key: value for key, value in usual(name).items() if not key.startswith("init_main")}

        spawn.get_preparation_data = data
        try:
            yield
        finally:
            spawn.get_preparation_data = usual


@contextmanager
def _daemons_may() -> Iterator[None]:
    """A worker of Dask is a daemon, of whose children Python fears that they outlive it; ours end with their parent."""
    own = vars(multiprocessing.current_process())["_config"]
    daemon = own.pop("daemon", False)
    try:
        yield
    finally:
        own["daemon"] = daemon


def processes_with(*modules: str, main: bool = False) -> Helpers:
    """A way to start processes that have the modules already, as importing them takes longer than much of the work.

    They are forked from a server that has done nothing but import. This process itself is never forked: it may hold
    threads, whose locks a fork would freeze, or a GPU. On macOS, whose libraries may not be forked, and on Windows,
    which cannot, processes are spawned.

    Args:
        modules: to import before the first process starts; without effect once a process was started this way.
        main: they run the script of the main process first, as what they are given is defined there.
    """
    if sys.platform != "linux":
        return SpawnedHelpers(main=main)
    _imported.extend(name for name in modules if name not in _imported)
    _server.set_forkserver_preload(["orienteer.preloading", *_imported, "orienteer.preloaded"])
    return ServedHelpers(main=main)


def cpu_seconds() -> float:
    """Processor time of this process and of those it started that have ended; other work does not count."""
    ended = os.times()
    return time.process_time() + ended.children_user + ended.children_system + _cpu_seconds_of_server()


def _cpu_seconds_of_server() -> float:
    """Of the server and of what was forked from it and has ended: they are its children, not ours (proc(5), stat)."""
    pid = vars(_server)["_forkserver_pid"] if sys.platform == "linux" else None
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def end_with_parent() -> None:
    """For a thread of a process, which a killed parent cannot stop: without it, it would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
