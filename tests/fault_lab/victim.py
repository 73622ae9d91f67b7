"""One `orienteer` command in a process that is killed: after some seconds, or at the n-th change to the disk.

The command runs in a fork of a process that has imported everything, so a hundred of them take minutes, not hours.
"""

import mmap
import multiprocessing.util
import os
import signal
import struct
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHANGES = ("fsync", "rename", "replace", "mkdir", "unlink", "rmdir")
"""Calls of the module `os` through which everything durable is done, shutil and pathlib included."""

PATIENCE = 300.0


@dataclass(frozen=True)
class Blow:
    """When SIGKILL falls.

    Attributes:
        seconds: after the start; or
        change: at this change to the disk, counted from 1.
        done: that change has been made; False strikes just before it.
    """

    seconds: float | None = None
    change: int | None = None
    done: bool = False

    def __str__(self) -> str:
        if self.change is None:
            return f"after {self.seconds:.2f} s"
        return f"{'after' if self.done else 'before'} change {self.change}"


@dataclass(frozen=True)
class Ended:
    """How the command ended.

    Attributes:
        killed: the blow fell before it had ended.
        code: its exit code, when it was not killed.
        seconds: what it took.
        changes: changes to the disk it had begun.
        last: the last of them, e.g. ``replace manifest.json``.
        said: the end of what it printed.
    """

    killed: bool
    code: int
    seconds: float
    changes: int
    last: str
    said: str


def import_everything() -> None:
    """All that the commands need, so that each fork starts at once; nothing is computed and no thread started."""
    import torch

    import orienteer.benchmark.run
    import orienteer.cli.commands
    import orienteer.finetune.run
    import orienteer.runs.pretrain

    torch.set_num_threads(1)
    assert orienteer.cli.commands


def run(command: Sequence[str], said: Path, blow: Blow | None = None) -> Ended:
    """Run ``orienteer COMMAND`` in a fork and strike.

    Args:
        command: arguments.
        said: file for what it prints.
        blow: None lets it end by itself.
    """
    shared = mmap.mmap(-1, 256)
    begun = time.perf_counter()
    child = os.fork()
    if child == 0:
        act(command, said, shared, blow or Blow())
    until = begun + (blow.seconds if blow and blow.seconds is not None else PATIENCE)
    status = _wait(child, until)
    if status is None:
        os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    (changes,) = struct.unpack_from("q", shared)
    return Ended(
        killed=os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
        code=os.waitstatus_to_exitcode(status),
        seconds=time.perf_counter() - begun,
        changes=changes,
        last=shared[8:].rstrip(b"\0").decode("utf-8", "replace"),
        said=said.read_text(encoding="utf-8", errors="replace")[-600:] if said.exists() else "",
    )


def _wait(child: int, until: float) -> int | None:
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        if time.perf_counter() >= until:
            return None
        time.sleep(0.002)


def act(command: Sequence[str], said: Path, shared: mmap.mmap, blow: Blow) -> None:
    """In a fork: run ``orienteer COMMAND`` and end the process."""
    code = 1
    try:
        nowhere = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        _arm(shared, blow)
        from orienteer.cli import main

        sys.argv = ["orienteer", *command]
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        multiprocessing.util._exit_function()  # as at the end of any process: semaphores that it leaves are warned of
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _arm(shared: mmap.mmap, blow: Blow) -> None:
    """Count every change to the disk and fall at the chosen one."""
    owner = os.getpid()

    def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def change(*args: Any, **options: Any) -> Any:
            if os.getpid() != owner:
                return call(*args, **options)
            number = struct.unpack_from("q", shared)[0] + 1
            struct.pack_into("q", shared, 0, number)
            target = next((Path(arg).name for arg in reversed(args) if isinstance(arg, str | Path)), "")
            words = f"{name} {target}".strip().encode()[:240]
            shared[8 : 8 + 240] = words.ljust(240, b"\0")
            if number == blow.change and not blow.done:
                os.kill(owner, signal.SIGKILL)
            result = call(*args, **options)
            if number == blow.change:
                os.kill(owner, signal.SIGKILL)
            return result

        return change

    for name in CHANGES:
        setattr(os, name, counted(name, getattr(os, name)))
