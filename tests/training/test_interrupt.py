"""Signals are held back once, between two steps."""

import os
import signal
import threading

import pytest

from orienteer.training.interrupt import Interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruptible__the_first_signal_only_asks(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Interruptible() as interrupt:
        assert not interrupt.asked
        assert signal.getsignal(number) != before
        os.kill(os.getpid(), number)
        assert interrupt.asked
        assert signal.getsignal(number) == before  # the next one acts as usual
    assert signal.getsignal(number) == before


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
    assert asked == [(False, True)]
