"""Nodes that do not exist: network namespaces of this machine, joined by a bridge. Needs no rights of root."""

import ctypes
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from orienteer.cli import main
from orienteer.runs.work import Pretraining
from orienteer.signals import HEARD
from tests.forked import server

PORT = 29400


class NoNamespacesError(Exception):
    """This machine does not let them be made, and why."""


@dataclass(frozen=True)
class Nodes:
    """Nodes 0, 1 ... with addresses 10.77.0.1, 10.77.0.2 ...

    Attributes:
        switch: a process in the namespace of the bridge.
        pids: a process in that of each node.
    """

    switch: int
    pids: tuple[int, ...]

    def command(self, node: int, *words: str) -> list[str]:
        """A command that runs on a node."""
        return ["nsenter", "-t", str(self.pids[node]), "-U", "-n", "--preserve-credentials", *words]

    @contextmanager
    def cut_off(self, node: int) -> Iterator[None]:
        """Within, a node's cable is pulled: nobody is told."""
        for how in ("down", "up"):
            _run("nsenter", "-t", str(self.switch), "-U", "-n", "ip", "link", "set", f"node{node}", how)
            if how == "down":
                yield

    def orienteer(
        self, node: int, environment: Mapping[str, str], words: Sequence[object], folder: Path, dies_after: int = 0
    ) -> BaseProcess:
        """``orienteer`` with these words, started on a node in that folder; what it says is in ``said`` there.

        It is killed after as many steps as ``dies_after`` says.
        """
        process: BaseProcess = server().Process(
            target=_orienteer, args=(self.pids[node], dict(environment), [*map(str, words)], folder, dies_after)
        )
        process.start()
        return process

    def torchrun(self, node: int, words: Sequence[object], folder: Path) -> BaseProcess:
        """``torchrun`` with these words, which starts its workers anew; else as ``orienteer``."""
        process: BaseProcess = server().Process(target=_torchrun, args=(self.pids[node], [*map(str, words)], folder))
        process.start()
        return process


@contextmanager
def nodes(count: int) -> Iterator[Nodes]:
    """Make them; they are gone afterwards, however it ends.

    Raises:
        NoNamespacesError: they cannot be made here.
    """
    holders: list[subprocess.Popen[bytes]] = []

    def hold(*words: str) -> int:
        # The shell says when it is inside, and ends with us, as its standard input does.
        holder = subprocess.Popen(
            [*words, "sh", "-c", "echo && read _"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        holders.append(holder)
        assert holder.stdout is not None and holder.stderr is not None
        if not holder.stdout.readline():
            raise NoNamespacesError(holder.stderr.read().decode().strip())
        return holder.pid

    try:
        switch = hold("unshare", "-Urn")
        within = ("nsenter", "-t", str(switch), "-U", "-n", "--preserve-credentials")
        made = Nodes(switch, tuple(hold(*within, "unshare", "-n") for _ in range(count)))
        _run(*within, "ip", "link", "add", "bridge", "type", "bridge")
        _run(*within, "ip", "link", "set", "bridge", "up")
        for node, pid in enumerate(made.pids):
            link = ("ip", "link", "add", f"node{node}", "type", "veth", "peer", "name", "eth0", "netns", str(pid))
            _run(*within, *link)
            _run(*within, "ip", "link", "set", f"node{node}", "master", "bridge", "up")
            _run(*made.command(node, "ip", "address", "add", f"10.77.0.{node + 1}/24", "dev", "eth0"))
            for name in ("eth0", "lo"):
                _run(*made.command(node, "ip", "link", "set", name, "up"))
        yield made
    except FileNotFoundError as error:
        raise NoNamespacesError(f"no {error.filename}") from None
    finally:
        for holder in holders:
            holder.kill()
            holder.communicate()


def of_torchrun(rank: int, size: int, *, port: int = PORT) -> dict[str, str]:
    """The variables of torchrun for one process a node."""
    return {
        "TORCHELASTIC_RUN_ID": "none", "MASTER_ADDR": "10.77.0.1", "MASTER_PORT": str(port), "RANK": str(rank),
        "WORLD_SIZE": str(size), "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1", "GROUP_WORLD_SIZE": str(size),
        "GROUP_RANK": str(rank),
    }  # fmt: skip


def of_srun(rank: int, size: int) -> dict[str, str]:
    """The variables of ``srun --ntasks-per-node=1``, as the manual of Slurm names them."""
    return {
        "SLURM_JOB_ID": "4711234", "SLURM_STEP_NODELIST": f"10.77.0.[1-{size}]", "SLURM_STEP_NUM_TASKS": str(size),
        "SLURM_STEP_NUM_NODES": str(size), "SLURM_PROCID": str(rank), "SLURM_LOCALID": "0", "SLURM_NODEID": str(rank),
        "SLURM_NTASKS": str(size), "SLURM_CPUS_PER_TASK": "1",
    }  # fmt: skip


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise NoNamespacesError(f"{' '.join(words)}: {done.stderr.strip()}")


def _orienteer(pid: int, environment: dict[str, str], words: list[str], folder: Path, dies_after: int) -> None:
    _move_to(pid, environment, folder)
    sys.argv = ["orienteer", *words]
    if dies_after:
        _die_after(dies_after)
    main()


def _torchrun(pid: int, words: list[str], folder: Path) -> None:
    from torch.distributed import run

    _move_to(pid, {}, folder)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)  # what comes from our server has them blocked
    run.main(words)


def _move_to(pid: int, environment: dict[str, str], folder: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    handles = [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY) for kind in ("user", "net")]
    for handle in handles:
        if libc.setns(handle, 0):
            raise OSError(ctypes.get_errno(), "setns")
    os.chdir(folder)
    os.environ.update(environment, GLOO_SOCKET_IFNAME="eth0")
    for stream in (sys.stdout, sys.stderr):
        os.dup2(os.open("said", os.O_CREAT | os.O_WRONLY | os.O_APPEND), stream.fileno())


def _die_after(steps: int) -> None:
    follow, made = Pretraining.follow, itertools.count(1)

    def followed(self: Pretraining, model: Any) -> Callable[[], None]:
        usual = follow(self, model)
        return lambda: os.kill(os.getpid(), signal.SIGKILL) if next(made) == steps else usual()

    Pretraining.follow = followed
