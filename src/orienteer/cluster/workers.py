"""The workers of a cluster, each with one job at a time.

Dask brings jobs to workers and results back, and starts a worker again that died. Which worker gets which job is
decided here, and each has one: so the job that took its worker down is known, no worker gets one before it was asked
whether it sees our files, and however many jobs there are, as few wait at the scheduler as there are workers.
"""

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import uuid4

from orienteer import __version__
from orienteer.cluster.work import Failed, Work, is_busy, look_around
from orienteer.errors import OrienteerError

if TYPE_CHECKING:
    from distributed import Client, Future

T = TypeVar("T")
R = TypeVar("R")

PATIENCE = 60.0
"""Seconds to wait while no worker is there."""
TICK = 0.5
"""Seconds between two looks at which workers are there."""
HANDOVER, SHORTLY = 5.0, 0.02
"""Seconds that a worker has to hand over a result, and between two looks whether a new one has answered."""
AGAIN = "what is finished is kept: run the same command again"


class Cluster:
    """Workers that see our files.

    Args:
        name: as the user gave it.
        client: of Dask.
        sizes: by folder, a file that a worker must find in it, and its length; it must be able to write to the first.
        patience: seconds to wait while no worker is there.
        say: called with what the user should know of a worker.
    """

    def __init__(
        self,
        name: str,
        client: "Client",
        sizes: Mapping[str, tuple[str, int]],
        patience: float,
        say: Callable[[str], None],
    ) -> None:
        self._name, self._client, self._sizes, self._patience, self._say = name, client, sizes, patience, say
        self._said: set[str] = set()
        self._refused: dict[str, str] = {}
        """Why a worker cannot help, by its address; empty for one that can."""
        self._asked: dict[str, Future] = {}
        """Answers that have not come yet: a worker may be paused, or hang on a file system."""
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
                            if isinstance(result, Failed):
                                raise result.error
                            yield given.job, result
                for given in lost:
                    del running[given.address]
                    given.future.release()
                    deaths[given.number] += 1
                    if deaths[given.number] < lives:
                        self._tell(f"lost the worker at {given.address}; what it had goes to another")
                        waiting.appendleft((given.number, given.job))
                    else:
                        yield given.job, None
        finally:
            if running:
                self._abandon(running, settle=settle)

    def _give(self, function: Callable[[T], R], number: int, job: T, address: str) -> "_Given[T]":
        # The key tells nothing: Dask logs it, and shows it to whoever looks at the scheduler.
        work, key = Work.of(function, job), f"job-{uuid4().hex}"
        return _Given(number, job, address, self._client.submit(work, key=key, workers=[address], pure=False))

    def _result(self, future: "Future") -> Any:
        from distributed import KilledWorker

        try:
            result = future.result(timeout=HANDOVER)
        except KilledWorker:  # again and again, at one address
            raise _WorkerLost from None
        except CancelledError:
            raise self._gone() from None
        if isinstance(result, Failed) and isinstance(result.error, KeyboardInterrupt):
            raise _WorkerLost  # a signal that was not ours, as of Slurm at its time limit
        return result

    def _abandon(self, running: "Mapping[str, _Given]", *, settle: bool) -> None:
        keys = [given.future.key for given in running.values()]
        with suppress(OrienteerError):  # the scheduler is gone
            self._ask(self._client.cancel, [given.future for given in running.values()])
            while settle:
                there = [*set(self._ask(self._client.nthreads)) & set(running)]
                if not any(self._ask(self._client.run, is_busy, keys, workers=there, on_error="ignore").values()):
                    return
                time.sleep(TICK)

    def _ask(self, question: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Ask Dask's client.

        Raises:
            OrienteerError: the scheduler is gone.
        """
        if self._client.status == "running":
            with suppress(OSError, CancelledError):
                return question(*args, **options)
        raise self._gone()

    def _look(self) -> set[str]:
        """Addresses of the workers that can help; new ones are asked first."""
        if (now := time.monotonic()) - self._looked < TICK:
            return self._ready
        self._looked, there = now, set(self._ask(self._client.nthreads))
        self._refused = {address: refusal for address, refusal in self._refused.items() if address in there}
        self._question(there)
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
                f"{self._name} has had no worker for {self._patience:.0f} s",
                cure=f"start some there: dask worker; {AGAIN}",
            )
        elif not self._asked:
            self._tell(f"waiting for a worker of {self._name}{'; squeue shows its jobs' * math.isinf(self._patience)}")
        return self._ready

    def _question(self, there: set[str]) -> None:
        """Ask workers that are new, and hear those that have answered."""
        new = there - set(self._refused) - set(self._asked)
        for address in new:
            work = Work.of(partial(look_around, __version__), self._sizes)
            where = {"key": f"look-{uuid4().hex}", "workers": [address], "pure": False}
            self._asked[address] = self._ask(self._client.submit, work, **where)
        until = time.monotonic() + HANDOVER
        while not all(self._asked[address].done() for address in new) and time.monotonic() < until:
            time.sleep(SHORTLY)
        for address, future in [*self._asked.items()]:
            if address in there and not future.done():
                continue
            del self._asked[address]
            if address in there:
                try:
                    answer = future.result(timeout=HANDOVER)
                except CancelledError:
                    raise self._gone() from None
                except Exception as error:
                    answer = error
                self._hear(address, answer.error if isinstance(answer, Failed) else answer)
            future.release()

    def _hear(self, address: str, answer: "tuple[str, str] | BaseException") -> None:
        if isinstance(answer, OSError):
            return  # it went as it came
        if isinstance(answer, BaseException):  # it does not know the question
            answer = address, f"it has no Orienteer {__version__}"
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
