"""Native readers run in a process of their own: one that crashes costs one scan.

A damaged file can make a C++ library end its process, which no ``except`` catches. The child is started without
``multiprocessing``, so that a caller needs no ``if __name__ == "__main__"``, and ends when its parent does. On Linux it
only imports, and its forks answer: one whose library broke on a file is replaced at once.
"""

import atexit
import contextlib
import importlib
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from typing import IO, Any, NamedTuple, NoReturn

from orienteer.errors import ScanError
from orienteer.scans.findings import refusal

LENGTH = struct.Struct("<Q")
CHILD = (
    "import sys; sys.path[:] = sys.argv[2:]; "
    "from orienteer.scans.formats.isolated import serve; serve(sys.argv[1].split(','))"
)
BROKE = 3
"""Exit status of a fork whose library broke; it was said what on."""


def isolated(function: Callable[..., Any], *args: Any) -> Any:
    """What the function returns or raises, called in a process that may die.

    Args:
        function: importable by name, as a method of a ``Format`` is.
        args: its arguments; they and the result must pickle.

    Raises:
        ScanError: with code ``reader-crashed`` or ``worker-died``; and whatever the function raises.
    """
    reader = _POOL.take(function)
    try:
        goes_on, answer = reader.call(function, *args)
    except EOFError:
        _refuse(reader.end())
    except BaseException:  # Ctrl-C in the middle of an answer, or arguments that do not pickle
        reader.end()
        raise
    if goes_on:
        _POOL.give_back(reader)
    else:
        reader.end()
    if isinstance(answer, _Refusal):
        raise ScanError(answer.message, code=answer.code, cure=answer.cure)
    if isinstance(answer, _Raised):
        raise answer.error
    return answer


def end_readers() -> None:
    """End the processes that wait for the next call, where there will be none for long: each takes 60 MB."""
    _POOL.end()


def _refuse(ended: int) -> NoReturn:
    if -ended == getattr(signal, "SIGKILL", None):
        raise refusal("worker-died", "the process that read it was killed, most likely for want of memory")
    names = {-number: number.name for number in signal.Signals}
    raise refusal("reader-crashed", f"the library crashed ({names.get(ended, ended)})")


class _Refusal(NamedTuple):
    """A ScanError on its way to the parent."""

    message: str
    code: str
    cure: str


class _Raised(NamedTuple):
    """Any other exception on its way to the parent."""

    error: Exception


class _Reader:
    """A child that calls functions, one at a time.

    Args:
        modules: imported before the first call, and not anew where a library broke.
    """

    def __init__(self, modules: Iterable[str]) -> None:
        # A session of its own: Ctrl-C and a scheduler's signals are for the parent, and the child ends with it.
        self._child = subprocess.Popen(  # noqa: S603 - this interpreter, with its own path
            [sys.executable, "-c", CHILD, ",".join(modules), *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def lives(self) -> bool:
        return self._child.poll() is None

    def call(self, function: Callable[..., Any], *args: Any) -> tuple[bool, Any]:
        """Whether the child can be called again, and what the function returned or raised.

        Raises:
            EOFError: the child died.
        """
        assert self._child.stdin and self._child.stdout
        try:
            _send(self._child.stdin, (function, args))
        except BrokenPipeError:
            raise EOFError from None
        goes_on, answer = _receive(self._child.stdout)
        return goes_on, answer

    def end(self) -> int:
        """End the child; returns its exit status, negative for a signal."""
        assert self._child.stdin and self._child.stdout
        for stream in (self._child.stdin, self._child.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        try:
            return self._child.wait(timeout=1)
        except subprocess.TimeoutExpired:
            if sys.platform == "win32":
                self._child.kill()
            else:
                os.killpg(self._child.pid, signal.SIGKILL)
            return self._child.wait()


class _Pool:
    """Children that wait for work; never more than threads that read at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Reader] = []
        self._process = os.getpid()
        atexit.register(self.end)

    def take(self, function: Callable[..., Any]) -> _Reader:
        with self._lock:
            if self._process != os.getpid():  # after a fork, the children are the parent's
                self._idle, self._process = [], os.getpid()
            while self._idle:
                if (reader := self._idle.pop()).lives:
                    return reader
        owner = getattr(function, "__self__", function)
        return _Reader([type(owner).__module__, *getattr(owner, "libraries", ())])

    def give_back(self, reader: _Reader) -> None:
        with self._lock:
            self._idle.append(reader)

    def end(self) -> None:
        """End those that wait."""
        if self._process != os.getpid():  # the children are the parent's
            return
        with self._lock:
            idle, self._idle = self._idle, []
        for reader in idle:
            reader.end()


_POOL = _Pool()


def serve(modules: Iterable[str]) -> None:
    """The child: answer calls until the parent closes the pipe.

    Args:
        modules: to import first.
    """
    calls, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not write among the answers
    for module in modules:
        importlib.import_module(module)
    if sys.platform != "linux":
        _answer(calls, answers, goes_on=False)
        return
    ended = BROKE
    while ended == BROKE:
        fork = os.fork()
        if not fork:
            try:
                os._exit(BROKE if _answer(calls, answers, goes_on=True) else 0)
            finally:
                os._exit(1)
        ended = os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1])
    if ended < 0:
        os.kill(os.getpid(), -ended)  # the parent asks the child how the fork ended


def _answer(calls: IO[bytes], answers: IO[bytes], *, goes_on: bool) -> bool:
    """Answer calls until there are no more, or a library broke; returns whether one did.

    A library that gave up on a file may have damaged its own memory: the process reads no other scan.

    Args:
        calls: where they come from.
        answers: where they go to.
        goes_on: whether another process answers what comes after a library broke.
    """
    while True:
        try:
            function, args = _receive(calls)
        except EOFError:
            return False
        broke, answer = False, None
        try:
            answer = function(*args)
        except ScanError as error:
            # SimpleITK raises RuntimeError; what Python code refuses leaves the process sound.
            broke, answer = isinstance(error.__context__, RuntimeError), _Refusal(error.message, error.code, error.cure)
        except Exception as error:
            broke, answer = True, _Raised(error)
        _send(answers, (goes_on or not broke, answer))
        if broke:
            return True
        del answer


def _send(stream: IO[bytes], value: Any) -> None:
    """One value; its arrays travel as they lie in memory."""
    buffers: list[pickle.PickleBuffer] = []
    first = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(first), *(each.raw() for each in buffers)]
    stream.write(LENGTH.pack(len(parts)) + b"".join(LENGTH.pack(len(part)) for part in parts))
    for part in parts:
        stream.write(part)
    stream.flush()


def _receive(stream: IO[bytes]) -> Any:
    """The next value.

    Raises:
        EOFError: the other side is gone.
    """
    (count,) = LENGTH.unpack(_exactly(stream, LENGTH.size))
    sizes = [LENGTH.unpack(_exactly(stream, LENGTH.size))[0] for _ in range(count)]
    first, *buffers = [_exactly(stream, size) for size in sizes]
    return pickle.loads(first, buffers=buffers)  # noqa: S301 - from the pipe that only parent and child hold


def _exactly(stream: IO[bytes], size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        if not (got := stream.readinto(view)):  # type: ignore[attr-defined]
            raise EOFError
        view = view[got:]
    return data
