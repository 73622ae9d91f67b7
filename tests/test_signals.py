"""Signals ask, and what must be done to its end is."""

import os
import runpy
import signal
import sys
import threading
import time
import weakref

import pytest

from orienteer import signals
from orienteer.errors import Stopped
from orienteer.processes import SpawnedHelpers
from orienteer.signals import Asked, Interruptible, signals_deferred


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruptible__the_first_signal_only_asks(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Interruptible() as interrupt:
        assert not interrupt.asked
        assert signal.getsignal(number) != before
        os.kill(os.getpid(), number)
        assert interrupt.asked
        assert (signal.getsignal(number) == before) == (number == signal.SIGINT)  # another Ctrl-C acts as usual
    assert signal.getsignal(number) == before


def test_interruptible__sigterm_may_come_twice() -> None:
    """``timeout`` sends it to its command, then to the group."""
    with Interruptible() as interrupt:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupt.asked == signal.SIGTERM


def test_interruptible__sigusr1_asks_to_save_and_nothing_ends() -> None:
    with Interruptible() as interrupt, interrupt.breakable():
        os.kill(os.getpid(), signal.SIGUSR1)
        assert interrupt.save and not interrupt.asked


@pytest.mark.parametrize("early", [True, False])
def test_interruptible__what_may_be_left_is_left_once(early: bool) -> None:
    with Interruptible() as interrupt:
        if early:
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Asked) as asked, interrupt.breakable():
            os.kill(os.getpid(), signal.SIGTERM)
        assert asked.value.number == signal.SIGTERM
        os.kill(os.getpid(), signal.SIGTERM)  # what is done now is done to the end


def ends_slowly(*_: object) -> None:
    """A signal comes meanwhile."""
    os.kill(os.getpid(), signal.SIGTERM)
    for _ in range(3):
        time.sleep(0.01)


class Plain:
    """Can be referred to weakly."""


class Slow(Plain):
    __del__ = ends_slowly


@pytest.mark.parametrize("kind", [Plain, Slow])
def test_interruptible__a_signal_in_a_finaliser_is_not_lost(
    kind: type[Plain], capsys: pytest.CaptureFixture[str]
) -> None:
    """An error that is raised in ``__del__`` or in the callback of a weak reference is printed and forgotten."""
    before = sys.unraisablehook
    with Interruptible() as interrupt, pytest.raises(Asked) as asked, interrupt.breakable():
        ending = kind()
        watched = weakref.ref(ending, ends_slowly) if kind is Plain else None
        del ending
        time.sleep(5)
    assert watched is None or watched() is None
    assert (asked.value.number, interrupt.asked) == (signal.SIGTERM, signal.SIGTERM)
    assert sys.unraisablehook is before and capsys.readouterr().err == ""


@pytest.mark.parametrize(("error", "expected"), [(TypeError, Asked), (Stopped, Stopped)])
def test_interruptible__foreign_code_takes_a_signal_for_an_error_of_its_own(
    error: type[Exception], expected: type[BaseException]
) -> None:
    """As NumPy does where it compares structured arrays; what we make of a signal stays as it is."""
    with Interruptible() as interrupt, pytest.raises(expected), interrupt.breakable():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            raise error("cannot compare") from None
    with Interruptible() as interrupt, pytest.raises(TypeError), interrupt.breakable():
        raise TypeError("an error of its own")


def test_interruptible__other_errors_in_finalisers_are_told_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: told.append(unraisable.exc_type))
    with Interruptible():
        ending = Plain()
        watched = weakref.ref(ending, lambda _: 1 / 0)
        del ending
    assert watched() is None and told == [ZeroDivisionError]


def test_interruptible__whoever_listens_next_knows_what_was_asked() -> None:
    with Interruptible() as outer, outer.breakable():
        with Interruptible():
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert outer.asked == signal.SIGTERM


def test_signals_deferred__a_signal_raises_when_all_is_done() -> None:
    done = []
    with Interruptible() as interrupt, pytest.raises(Asked), interrupt.breakable():
        with signals_deferred():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("all")
        done.append("too much")
    with pytest.raises(KeyboardInterrupt), signals_deferred():  # where nobody else listens
        os.kill(os.getpid(), signal.SIGINT)
        done.append("all")
    assert done == ["all", "all"]


def test_signals__on_a_system_without_sigusr1_and_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows."""
    monkeypatch.delattr(signal, "SIGUSR1")
    monkeypatch.delattr(signal, "pthread_sigmask")
    there = runpy.run_path(signals.__file__)
    assert there["HEARD"] == (signal.SIGINT, signal.SIGTERM)
    with there["signals_blocked"](), there["Interruptible"]() as interrupt:
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupt.asked and not interrupt.save


def test_helpers__hear_nothing_from_their_first_moment_on() -> None:
    helpers = SpawnedHelpers()
    process = helpers.Process(target=print, daemon=True)
    process.start()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        os.kill(process.pid, number)
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
    process.join()
    assert process.exitcode == 0
    process = helpers.Process(target=time.sleep, args=(60,), daemon=True)
    process.start()
    helpers.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_interruptible__a_second_ctrl_c_stops_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), Interruptible():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


def test_interruptible__restores_handlers_after_an_error() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(RuntimeError), Interruptible():
        raise RuntimeError
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_interruptible__outside_the_main_thread_does_nothing() -> None:
    before, asked = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with Interruptible() as interrupt:
            asked.append((interrupt.asked, signal.getsignal(signal.SIGINT) == before))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert asked == [(0, True)]
