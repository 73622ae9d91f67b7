"""The processes that train one run: the first of them decides and writes, and the others learn from it.

Started by ``torchrun`` or ``srun`` they meet here; those that ``orienteer`` starts itself, one a device, meet in
``orienteer.training.launch``. What they send each other is pickled, as always with ``torch.distributed``: only they
themselves may reach the port on which they meet.
"""

import atexit
import multiprocessing
import os
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from orienteer.errors import Elsewhere, OrienteerError, RunError, Stopped
from orienteer.launched import Launched, launched
from orienteer.signals import Asked
from orienteer.training.settings import DeviceSettings

T = TypeVar("T")

BEAT = 1.0
"""Seconds between two signs of life of the first process, while the others wait for it."""
PATIENCE = 10.0
"""Seconds after which a process says that it waits for others to start."""
_met = list[Launched]()
"""This process, once it has met the others."""
LOST = ("/gloo/", "ncclRemoteError")
"""In the errors of the libraries that connect the processes."""


def shared() -> bool:
    """Whether other processes train the same run. Those that were started together meet at the first call."""
    here = launched()
    if here is not None:
        if here.size > 1:
            _meet(here)
        return here.size > 1
    if multiprocessing.parent_process() is None or "torch" not in sys.modules:
        return False
    import torch.distributed as dist

    return dist.is_available() and dist.is_initialized()


def by_first(work: Callable[[], T]) -> T:
    """What ``work`` returns in the first process, in all of them. It may take as long as it takes.

    Args:
        work: done in the first process alone; what it returns can be pickled.

    Raises:
        Elsewhere: in the others, what the first raised.
    """
    if not shared():
        return work()
    import torch.distributed as dist

    if dist.get_rank() == 0:
        return _told(work)
    while (answer := _broadcast(None)) is None:
        pass
    if answer.error is not None:
        raise answer.error
    value: T = answer.value
    return value


def everywhere(check: Callable[[], None]) -> None:
    """Make a check in each process.

    Raises:
        RunError: what one of them found, naming its node; in the others than the first as ``Elsewhere``.
    """
    import torch.distributed as dist

    found: list[Any] = [None] * dist.get_world_size()
    error = None
    try:
        check()
    except OrienteerError as mistake:
        error = f"on {socket.gethostname()}: {mistake.message}", mistake.cure
    dist.all_gather_object(found, error)
    for message, cure in filter(None, found):
        raise (RunError if dist.get_rank() == 0 else Elsewhere)(message, cure=cure)


def wait_at_most(seconds: float) -> None:
    """How long one process may keep the others waiting in a step, from now on."""
    from torch.distributed import distributed_c10d as c10d

    # Public since torch 2.14, where the older name warns.
    set_timeout = getattr(c10d, "set_timeout", None) or c10d._set_pg_timeout
    set_timeout(timedelta(seconds=seconds))


@contextmanager
def connected(when: Callable[[], str], cure: str) -> Iterator[None]:
    """Within, the loss of another process is an error that says so.

    Args:
        when: it was lost.
        cure: how to go on.

    Raises:
        RunError: the connection to another process is lost.
    """
    try:
        yield
    except RuntimeError as error:
        if not any(mark in str(error) for mark in LOST):
            raise
        silent, peer = "Timed out" in str(error), re.search(r"\[([^\]\s]+)\]:\d+", str(error).partition("]")[2])
        what = "does not answer" if silent else "has ended"
        _part()
        where = f" ({peer[1]})" if peer else ""
        raise RunError(f"another process of this run{where} {what}{when()}", cure=cure) from None


@dataclass(frozen=True)
class _Answer:
    """What came of the first process's work."""

    value: Any = None
    error: BaseException | None = None


def _told(work: Callable[[], T]) -> T:
    """In the first process: do it, with a sign of life now and then, and tell the others what came of it."""
    mine = None
    with _signs_of_life() as lost:
        try:
            answer = _Answer(work())
        except BaseException as error:
            mine, answer = error, _Answer(error=_for_others(error))
    try:
        if lost:
            raise lost[0]
        _broadcast(answer)
    except RuntimeError:
        if mine is None:
            raise
    if mine is not None:
        raise mine
    value: T = answer.value
    return value


@contextmanager
def _signs_of_life() -> Iterator[list[RuntimeError]]:
    """Within, the others are told that they still have to wait; yields what went wrong with that."""
    done, lost = threading.Event(), list[RuntimeError]()

    def beat() -> None:
        try:
            while not done.wait(BEAT):
                _broadcast(None)
        except RuntimeError as error:
            lost.append(error)

    beating = threading.Thread(target=beat, daemon=True)
    beating.start()
    try:
        yield lost
    finally:
        done.set()
        beating.join()


def _broadcast(answer: _Answer | None) -> _Answer | None:
    import torch.distributed as dist

    told = [answer]
    dist.broadcast_object_list(told, src=0)
    return told[0]


def _for_others(error: BaseException) -> BaseException:
    if isinstance(error, Stopped | Asked):
        return error
    if isinstance(error, OrienteerError):
        return Elsewhere(error.message, cure=error.cure)
    return Elsewhere(f"the first process has ended: {type(error).__name__}")


def _meet(here: Launched) -> None:
    """Connect the processes that were started together, with Slurm's names in the variables that torch reads."""
    import torch.distributed as dist

    if dist.is_initialized():
        return
    if here.by == "srun":
        from lightning_fabric.plugins.environments import SLURMEnvironment

        nodes, job = os.environ["SLURM_STEP_NODELIST"], os.environ["SLURM_JOB_ID"]
        os.environ.setdefault("MASTER_ADDR", SLURMEnvironment.resolve_root_node_address(nodes))
        os.environ.setdefault("MASTER_PORT", str(15000 + int(job[-4:])))
        names = {"RANK": here.rank, "WORLD_SIZE": here.size, "LOCAL_RANK": here.local_rank}
        os.environ.update({name: str(number) for name, number in names.items()})
    address, port = os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"]
    said = threading.Timer(PATIENCE, _say_waiting, (here, f"{address}:{port}"))
    said.daemon = True
    said.start()
    try:
        socket.getaddrinfo(address, port)  # else torch would try for as long as it waits for others
        dist.init_process_group(timeout=timedelta(seconds=DeviceSettings().timeout_s))  # gloo, and NCCL between GPUs
    except (RuntimeError, ValueError, OSError) as error:  # DistError is a RuntimeError
        raise RunError(
            f"{here.named} cannot meet the others at {address}:{port}: {error}",
            cure="start all processes at about the same time, and see that the nodes reach each other;"
            " GLOO_SOCKET_IFNAME names the network",
        ) from None
    finally:
        said.cancel()
    atexit.register(_part)
    _met.append(here)


def leave(code: int) -> None:
    """End one of several processes that have met; one that is alone goes on to its own end.

    What is to be done at an exit is done. Then it ends without the destructors of the libraries that connected it,
    which abort it now and then (exit code 134) where another process is still there.
    """
    if _met:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _say_waiting(here: Launched, where: str) -> None:
    print(f"orienteer: {here.named} waits for the others at {where}; {here.size} are to come", file=sys.stderr)


def _part() -> None:
    """The library's threads would abort this process at its exit."""
    import torch.distributed as dist

    if dist.is_initialized():
        dist.destroy_process_group()
