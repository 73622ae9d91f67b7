"""Work in a process of its own that has imported everything: forked from a server, as an import takes seconds.

Pytest's own process holds threads of ITK and torch, and its forks could hang.
"""

import contextlib
import io
import os
import runpy
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
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


def python(
    folder: Path, *words: object, path: Path | None = None, seconds: float = 250
) -> subprocess.CompletedProcess[str]:
    """``python -m MODULE ...``, ``-c CODE`` or ``SCRIPT``: our packages are imported anew, all others are there.

    Args:
        folder: to work in.
        words: of the command line.
        path: to import from first.
        seconds: the command may take.
    """
    words = tuple(map(str, words))
    with TemporaryDirectory() as kept:
        out, err = Path(kept) / "out", Path(kept) / "err"
        process = server().Process(target=_python, args=[folder, words, path, dict(os.environ), out, err])
        process.start()
        process.join(seconds)
        if process.is_alive():
            process.kill()
        told = [file.read_text(encoding="utf-8") for file in (out, err)]
        assert process.exitcode is not None, f"{words} took longer than {seconds} s:\n{told}"
        return subprocess.CompletedProcess(words, process.exitcode, *told)


def suite(folder: Path, file: str, *words: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Pytest on one file, with warnings as errors; but what was imported beforehand is no fault of the file's.

    Its folders are its own: beside those of earlier suites it would begin by removing them, which can take a minute.
    """
    options = ("-q", "-p", "no:cacheprovider", "-W", "error", "-W", "ignore::pytest.PytestAssertRewriteWarning")
    with TemporaryDirectory() as kept:
        return python(folder, "-m", "pytest", *options, "--basetemp", f"{kept}/tests", file, *words, path=path)


def _python(
    folder: Path, words: tuple[str, ...], path: Path | None, environment: dict[str, str], out: Path, err: Path
) -> None:
    for stream, file in ((sys.stdout, out), (sys.stderr, err)):
        stream.flush()
        os.dup2(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND), stream.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("orienteer", "tests")]:
        del sys.modules[name]
    sys.path[:0] = [str(folder), *([str(path)] if path else [])]
    sys.argv = [*words[words[0] in ("-m", "-c") :]]
    if words[0] == "-m":
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif words[0] == "-c":
        exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        runpy.run_path(str(folder / words[0]), run_name="__main__")


def assert_group_ends(group: int, seconds: float = 60) -> None:
    """Wait until no process of the group lives; the group's id is that of the process that led it."""
    deadline = time.monotonic() + seconds
    while members := _members(group):
        assert time.monotonic() < deadline, f"still there: {members}"
        time.sleep(0.05)


def _members(group: int) -> list[str]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, members = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(members) == group and state != "Z":
            found.append(stat.parent.name)
    return found
