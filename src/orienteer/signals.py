"""Ctrl-C, a scheduler's SIGTERM and its SIGUSR1 before the time limit, sent to one process or to its whole group.

The process that was started listens, ends its step and saves. Its helpers start with these signals blocked: a group's
SIGTERM would kill them first, in the middle of the step that was to be saved.
"""

import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from types import FrameType, TracebackType
from typing import Any, Self

from orienteer.errors import OrienteerError, Stopped

SAVE: signal.Signals | None = getattr(signal, "SIGUSR1", None)
"""Save and go on. Windows has no such signal."""

ENDING = (signal.SIGINT, signal.SIGTERM)
HEARD: tuple[signal.Signals, ...] = (*ENDING, *(() if SAVE is None else (SAVE,)))

SHORTLY = 0.02
"""Seconds after which a signal raises again where what it raised was forgotten."""


class Asked(KeyboardInterrupt):
    """A signal, raised where work may be left at any point. ``number`` is the signal's."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        self.number = int(number)
        super().__init__(self.number)


class Interruptible:
    """While entered, signals ask: SIGINT and SIGTERM to end, SIGUSR1 to save. Nothing is cut off.

    SIGTERM may come any number of times, as from ``timeout``, which sends it to the process and to its group. A second
    Ctrl-C acts as usual. In a process that another one started, no signal acts twice: it hears the group's, and what
    its parent passes on. Afterwards a SIGUSR1 that would have ended the process is ignored: it asks for nothing more.

    Args:
        heard: the signals it listens to; others are left as they are.
        before: a signal that had come before this process was there to hear it.
        pass_on: called with every signal that asks, e.g. to tell other processes.

    Attributes:
        asked: number of the signal that asked to end; 0 while none did.
        save: SIGUSR1 asked to save.
    """

    _current: "Interruptible | None" = None

    def __init__(
        self,
        heard: tuple[signal.Signals, ...] = HEARD,
        *,
        before: Callable[[], int] = lambda: 0,
        pass_on: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.save = False
        self._heard, self._before, self._pass_on = heard, before, pass_on
        self._asked = 0
        self._handlers: dict[signal.Signals, Any] = {}
        self._outer: Interruptible | None = None
        self._breaks: tuple[signal.Signals, ...] = ()
        self._left: tuple[signal.Signals, ...] = ()
        self._unraisable = sys.unraisablehook
        self._patience, self._until = 0.0, math.inf
        self._started = multiprocessing.parent_process() is not None

    @property
    def asked(self) -> int:
        """Number of the signal that asked to end; 0 while none did."""
        return self._asked or self._before()

    def __enter__(self) -> Self:
        # Handlers can be set in the main thread only; elsewhere signals act as usual.
        if threading.current_thread() is threading.main_thread():
            for number in self._heard:
                self._handlers[number] = signal.signal(number, self._hear)
            self._outer, Interruptible._current = Interruptible._current, self
            self._asked = self._outer._asked if self._outer is not None else 0
            self._unraisable, sys.unraisablehook = sys.unraisablehook, self._hear_again
            if self._started:
                _mask("SIG_UNBLOCK", self._heard)  # blocked since its start; what came meanwhile arrives now
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._handlers:
            return
        # Whoever listens next must not take a repetition for a new signal.
        Interruptible._current = self._outer
        sys.unraisablehook = self._unraisable
        if self._outer is not None:
            self._outer._asked = self._outer._asked or self._asked
        if self._started and self._outer is None:
            _mask("SIG_BLOCK", self._heard)
        for number, handler in self._handlers.items():
            default = signal.SIG_IGN if number == SAVE else signal.SIG_DFL
            # None: it had not been set by Python.
            signal.signal(number, default if handler in (None, signal.SIG_DFL) else handler)
        self._handlers.clear()

    @contextmanager
    def breakable(self, *, to_save: bool = False, patience: float = 0.0) -> Iterator[None]:
        """Within, a signal raises instead of being noted alone, once.

        Args:
            to_save: SIGUSR1 raises, too.
            patience: seconds in which what is done may still come to its end (not on Windows, which waits for it).

        Raises:
            Asked: a signal asks, or had asked before.
        """
        self._breaks, self._left, self._patience = HEARD if to_save else ENDING, (), patience
        try:
            if self.asked or (to_save and self.save):
                raise Asked(self.asked or signal.SIGINT)
            yield
        except Exception as error:
            if not self._left or isinstance(error, OrienteerError):
                raise
            # Foreign code, such as NumPy's, has taken what was raised for an error of its own.
            raise Asked(self._asked or signal.SIGINT) from error
        finally:
            self._breaks = self._left = ()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        repeated = bool(self._asked)
        if number == SAVE:
            self.save = True
        else:
            self._asked = self._asked or number
        self._pass_on(number)
        if number == signal.SIGINT and not self._started:
            # Another Ctrl-C stops at once.
            signal.signal(signal.SIGINT, self._handlers.get(signal.SIGINT, signal.default_int_handler))
        if number in self._breaks and not repeated and self._patience:
            self._until = time.monotonic() + self._patience
            _wake_after(self._patience)
        elif (number in self._breaks and not repeated) or (self._breaks and time.monotonic() >= self._until):
            self._left, self._breaks = self._breaks, ()
            raise Asked(self._asked or number)

    def _hear_again(self, unraisable: "sys.UnraisableHookArgs") -> None:
        """Raise once more what was raised in a finaliser, whose errors Python prints and forgets."""
        if not isinstance(unraisable.exc_value, Asked):
            self._unraisable(unraisable)
            return
        self._breaks, self._until = self._left, time.monotonic()
        _wake_after(SHORTLY)


def tell(process: BaseProcess, number: int) -> None:
    """Send a signal to a process, if it is still there. Windows has none but the one that ends it."""
    if os.name != "nt" and process.pid is not None and process.is_alive():
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Processes that this thread starts have their signals blocked until they listen (``Interruptible``)."""
    before = _mask("SIG_BLOCK", HEARD)
    if before is None:
        yield
        return
    try:
        from multiprocessing.resource_tracker import ensure_running

        ensure_running()  # started here it ignores SIGUSR1 as well; starting it unblocks the other two
        _mask("SIG_BLOCK", HEARD)
        yield
    finally:
        _mask("SIG_SETMASK", tuple(before))


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Within, no signal raises, but at the end: foreign code would take it for an error of its own.

    Raises:
        Asked: a signal has asked.
    """
    current = Interruptible._current
    if current is None:
        if multiprocessing.parent_process() is not None:  # a helper, in which they are blocked
            yield
            return
        with Interruptible((signal.SIGINT,)) as only:
            yield
        asked = only.asked
    else:
        breaks, current._breaks = current._breaks, ()
        before = current.asked
        try:
            yield
        finally:
            current._breaks = breaks
        asked = current.asked if breaks and not before else 0
    if asked:
        raise Asked(asked)


@contextmanager
def resumable(begun: Callable[[], bool], cure: str) -> Iterator[None]:
    """Within, a signal that breaks work off becomes an error that says how to go on.

    Args:
        begun: whether there is something to go on with; else the signal is passed on as it is.
        cure: how.

    Raises:
        Stopped: a signal asked.
    """
    try:
        yield
    except Asked as asked:
        if not begun():
            raise
        raise Stopped("stopped; what was finished is kept", cure=cure, number=asked.number) from None


def _wake_after(seconds: float) -> None:
    """Interrupt what the main thread waits for, by the one signal that never ends anything."""
    if SAVE is not None:
        timer = threading.Timer(seconds, os.kill, (os.getpid(), SAVE))
        timer.daemon = True
        timer.start()


def _mask(how: str, numbers: tuple[Any, ...]) -> set[Any] | None:
    """The signals that were blocked before; None on Windows, which blocks none."""
    if not hasattr(signal, "pthread_sigmask"):
        return None
    return signal.pthread_sigmask(getattr(signal, how), numbers)
