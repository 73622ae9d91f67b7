"""A cluster of workers, by Dask: jobs go out one to a worker and come back as they are done.

Dask brings jobs to workers and results back, and starts a worker again that died. Which worker gets which job is
decided here, and each has one at a time: so the job that took its worker down is known, no worker gets one before it
was asked whether it sees our files, and however many jobs there are, as few wait at the scheduler as there are workers.
"""

import logging
import math
import os
import re
import shutil
import socket
import subprocess
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import uuid4

from orienteer import __version__
from orienteer.atomic import PART, write_text
from orienteer.errors import ConfigError, OrienteerError, needs
from orienteer.processes import main_left_alone
from orienteer.signals import signals_blocked

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")
R = TypeVar("R")

LOCAL, SLURM = "local", "slurm"
CONNECT = 5.0
"""Seconds in which a scheduler must answer."""
PATIENCE = 60.0
"""Seconds to wait while no worker is there; Slurm may take its time."""
TICK = 0.5
"""Seconds between two looks at which workers are there."""
AGAIN = "what is finished is kept: run the same command again"


def require_cluster(name: str) -> None:
    """Refuse what names no cluster.

    Raises:
        ConfigError: it is none of the three.
    """
    if not re.fullmatch(rf"{LOCAL}|{SLURM}:[1-9]\d*|t(cp|ls)://.+", name):
        raise ConfigError(
            f"{name!r} is no cluster",
            cure="give tcp://HOST:8786, where a scheduler listens, slurm:8 for eight jobs of Slurm, or local",
        )


@contextmanager
def open_cluster(
    name: str,
    folder: Path,
    sees: Mapping[Path, Path],
    *,
    workers: int,
    threads: int = 1,
    say: Callable[[str], None],
) -> Iterator["Cluster"]:
    """Connect to a scheduler, or start one with workers that end with it.

    Args:
        name: ``tcp://HOST:PORT`` or another address of a scheduler, ``slurm:N`` for N jobs of Slurm, or ``local``.
        folder: that workers must see and may write to; it exists.
        sees: other folders that they must see, each with a file in it.
        workers: processes of a local cluster.
        threads: of each of them.
        say: called with what the user should know of a worker.

    Raises:
        ConfigError: the name is of no cluster.
        OrienteerError: a package is missing, nobody answers, or Slurm refuses.
    """
    require_cluster(name)
    token = folder.absolute() / f".{uuid4().hex}{PART}"
    with needs("cluster", "dask", "distributed", "dask_jobqueue"), ExitStack() as held:
        from distributed import Client
        from distributed.utils import silence_logging_cmgr

        for root in ("distributed", "distributed.client"):  # Dask's lines quote what it was given
            held.enter_context(silence_logging_cmgr(logging.CRITICAL, root))
        target = name
        if name == LOCAL:
            target = held.enter_context(_local(workers, threads))
        elif name.startswith(SLURM):
            target = held.enter_context(_slurm(int(name.partition(":")[2])))
        try:
            client = held.enter_context(Client(target, timeout=CONNECT, set_as_default=False))
        except (OSError, ValueError) as error:
            raise OrienteerError(
                f"no Dask scheduler answers at {name}", cure="check the address, or start one there: dask scheduler"
            ) from error
        write_text(token, "")
        held.callback(token.unlink, missing_ok=True)
        files = {folder: token, **sees}
        sizes = {str(place.absolute()): (str(file.absolute()), file.stat().st_size) for place, file in files.items()}
        yield Cluster(name, client, sizes, say)


@contextmanager
def _local(workers: int, threads: int) -> Iterator[Any]:
    """Processes of this machine that nobody outside reaches."""
    from distributed import LocalCluster

    # Signals to the whole group are ours to hear, and a plain script must not start once more in every worker.
    with main_left_alone():
        with signals_blocked():
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=threads, host="127.0.0.1", dashboard_address="127.0.0.1:0",
                memory_limit=0,  # no limit, so that nothing is written to disk when it is reached
                silence_logs=logging.CRITICAL,
            )  # fmt: skip
        with cluster:
            yield cluster


@contextmanager
def _slurm(jobs: int) -> Iterator[Any]:
    """Jobs of Slurm, each with the workers that Dask's ``jobqueue.yaml`` gives it."""
    import dask
    from dask_jobqueue import SLURMCluster

    sbatch, cure = (
        shutil.which("sbatch"),
        "write what Slurm needs below jobqueue: slurm: in ~/.config/dask/jobqueue.yaml",
    )
    if sbatch is None:
        raise OrienteerError("there is no sbatch here", cure="run this where jobs are submitted to Slurm")
    own = dask.config.get("jobqueue.slurm.scheduler-options", {})
    try:
        cluster = SLURMCluster(scheduler_options={"dashboard_address": "127.0.0.1:0", **own})
    except ValueError as error:
        raise OrienteerError("Dask does not know which cores and memory to ask Slurm for", cure=cure) from error
    with cluster:
        # What the scheduler says when it refuses would be lost in the background.
        said = subprocess.run([sbatch, "--test-only"], input=cluster.job_script(), capture_output=True, text=True)  # noqa: S603
        if said.returncode:
            raise OrienteerError(f"Slurm refuses such a job: {said.stderr.strip()}", cure=cure)
        cluster.scale(jobs=jobs)
        yield cluster


class Cluster:
    """Workers that see our files.

    Args:
        name: as the user gave it.
        client: of Dask.
        sizes: by folder, a file that a worker must find in it, and its length; it must be able to write to the first.
        say: called with what the user should know of a worker.
    """

    def __init__(
        self, name: str, client: "Client", sizes: Mapping[str, tuple[str, int]], say: Callable[[str], None]
    ) -> None:
        self._name, self._client, self._sizes, self._say = name, client, sizes, say
        self._patience = math.inf if name.startswith(SLURM) else PATIENCE
        self._said: set[str] = set()
        self._refused: dict[str, str] = {}
        """Why a worker cannot help, by its address; empty for one that can."""
        self._ready: set[str] = set()
        self._looked, self._helped, self._ever = -math.inf, time.monotonic(), False

    def workers(self) -> int:
        """How many can help; waits until one can.

        Raises:
            OrienteerError: none came, or all are refused.
        """
        while not self._look():
            time.sleep(TICK)
        return len(self._ready)

    def map(
        self, function: Callable[[T], R], jobs: Iterable[T], *, lives: float = math.inf, settle: bool = False
    ) -> Generator[tuple[T, R | None], None, None]:
        """Results as they come, in any order. Left early, jobs that have not begun are dropped.

        Args:
            function: known by name to the workers, as are what it takes and gives.
            jobs: one goes to another worker if its own dies.
            lives: workers that a job may take down; its result is then None.
            settle: left early, wait for running jobs, which hear of it by ``wanted``.

        Raises:
            OrienteerError: the scheduler is gone, or every worker.
        """
        waiting, deaths = deque(enumerate(jobs)), Counter[int]()
        running: dict[str, _Given[T]] = {}
        done: SimpleQueue[_Given[T]] = SimpleQueue()
        try:
            while waiting or running:
                ready = self._look()
                for address in ready - set(running):
                    if waiting:
                        running[address] = given = self._give(function, *waiting.popleft(), address)
                        given.listen(done)
                lost = [given for address, given in running.items() if address not in ready]
                with suppress(Empty):
                    given = done.get(timeout=0 if lost else TICK)
                    if running.get(given.address) is given and given not in lost:
                        try:
                            result = self._result(given.future)
                        except TimeoutError:
                            given.listen(done)  # its worker died before it could hand the result over, or is slow
                        except _WorkerLost:
                            lost.append(given)
                        else:
                            del running[given.address]
                            given.future.release()
                            yield given.job, result
                for given in lost:
                    del running[given.address]
                    given.future.release()
                    deaths[given.number] += 1
                    if deaths[given.number] < lives:
                        waiting.appendleft((given.number, given.job))
                    else:
                        yield given.job, None
        finally:
            if running:
                self._abandon(running, settle=settle)

    def _give(self, function: Callable[[T], R], number: int, job: T, address: str) -> "_Given[T]":
        # The key tells nothing: Dask logs it, and shows it to whoever looks at the scheduler.
        work, key = Work(function, job), f"job-{uuid4().hex}"
        return _Given(number, job, address, self._client.submit(work, key=key, workers=[address], pure=False))

    def _result(self, future: "Future") -> Any:
        from distributed import KilledWorker

        try:
            result = future.result(timeout=PATIENCE)
        except KilledWorker:  # again and again, at one address
            raise _WorkerLost from None
        except CancelledError:
            raise self._gone() from None
        if isinstance(result, Failed):
            # A signal that was not ours, as of Slurm at its time limit.
            raise _WorkerLost if isinstance(result.error, KeyboardInterrupt) else result.error
        return result

    def _abandon(self, running: "Mapping[str, _Given]", *, settle: bool) -> None:
        keys = [given.future.key for given in running.values()]
        with suppress(OSError, CancelledError):  # the scheduler may be gone
            self._client.cancel([given.future for given in running.values()])
            while settle and any(self._client.run(_busy, keys, workers=[*self._there() & set(running)]).values()):
                time.sleep(TICK)

    def _there(self) -> set[str]:
        """Addresses of all workers.

        Raises:
            OrienteerError: the scheduler is gone.
        """
        if self._client.status == "running":
            with suppress(OSError, CancelledError):
                return set(self._client.nthreads())
        raise self._gone()

    def _look(self) -> set[str]:
        """Addresses of the workers that can help; new ones are asked first."""
        if (now := time.monotonic()) - self._looked < TICK:
            return self._ready
        self._looked, there = now, self._there()
        if new := there - set(self._refused):
            answers = self._client.run(_look_around, __version__, self._sizes, workers=[*new], on_error="return")
            for address, answer in answers.items():
                self._hear(address, answer)
        self._ready = {address for address in there if self._refused.get(address) == ""}
        if self._ready:
            self._helped, self._ever = now, True
        elif there and not self._ever and there <= set(self._refused):
            raise OrienteerError(
                f"no worker of {self._name} can help: {self._refused[min(there)]}",
                cure="start workers with this version of Orienteer, on machines with the same folders",
            )
        elif now - self._helped > self._patience:
            raise OrienteerError(
                f"{self._name} has had no worker for {PATIENCE:.0f} s",
                cure=f"start some there: dask worker; {AGAIN}",
            )
        else:
            self._tell(f"waiting for a worker of {self._name}")
        return self._ready

    def _hear(self, address: str, answer: "tuple[str, str] | Exception") -> None:
        if isinstance(answer, ImportError | AttributeError):
            answer = address, f"it has no Orienteer {__version__}"
        if isinstance(answer, Exception):
            return  # it went as it came
        host, refusal = answer
        self._refused[address] = refusal and f"worker on {host}: {refusal}"
        if refusal:
            self._tell(f"left out: {self._refused[address]}")

    def _tell(self, line: str) -> None:
        if line not in self._said:  # a machine may have many workers
            self._said.add(line)
            self._say(line)

    def _gone(self) -> OrienteerError:
        return OrienteerError(f"the Dask scheduler of {self._name} is gone", cure=f"start it again; {AGAIN}")


class _WorkerLost(Exception):
    """The worker of a job died or is about to."""


@dataclass(frozen=True, eq=False)
class _Given(Generic[T]):
    """A job that a worker has."""

    number: int
    job: T
    address: str
    future: "Future"

    def listen(self, done: "SimpleQueue[_Given[T]]") -> None:
        self.future.add_done_callback(lambda _: done.put(self))


@dataclass(frozen=True)
class Failed:
    """An error that travels as a value, as Dask logs those that are raised with what the function was given."""

    error: BaseException


@dataclass(frozen=True)
class Work(Generic[T, R]):
    """A job and what does it, without a word of either where Dask shows it."""

    function: Callable[[T], R] = field(repr=False)
    job: T = field(repr=False)

    def __call__(self) -> R | Failed:
        """Do it."""
        from distributed import get_worker

        key = get_worker().get_current_task()
        _busy_with.add(key)
        try:
            return self.function(self.job)
        except (Exception, KeyboardInterrupt) as error:
            error.add_note(traceback.format_exc())
            return Failed(error)
        finally:
            _busy_with.discard(key)


_busy_with: set[Any] = set()
"""Keys of the jobs that run in this process."""


def _busy(keys: list[Any]) -> bool:
    return not _busy_with.isdisjoint(keys)


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


def _look_around(version: str, sizes: Mapping[str, tuple[str, int]]) -> tuple[str, str]:
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
