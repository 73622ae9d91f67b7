"""Work in a process of its own that has imported everything: forked from a server, as an import takes seconds.

Pytest's own process holds threads of ITK and torch, and its forks could hang.
"""

import contextlib
import io
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

from orienteer.cli import main
from orienteer.processes import Helpers, processes_with


def server() -> Helpers:
    """The server; which modules it has was chosen before the first test."""
    return processes_with()


def forked(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What the function returns; both are found by name."""
    with server().Pool(1) as pool:
        return pool.apply(function, args, options)


def start(*words: object) -> BaseProcess:
    """A command, with nobody listening; its exit code is the process's."""
    process: BaseProcess = server().Process(target=_command, args=[[*map(str, words)]])
    process.start()
    return process


def _command(words: list[str]) -> None:
    sys.argv = ["orienteer", *words]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        main()
