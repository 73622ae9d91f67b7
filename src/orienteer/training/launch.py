"""Start a session: in this process on one device, in one process a device on several.

Processes that ``torchrun`` or ``srun`` has started are there already.
"""

import multiprocessing
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.process import BaseProcess
from typing import Any

from lightning_fabric import Fabric

from orienteer.errors import Stopped
from orienteer.launched import launched
from orienteer.signals import ENDING, Interruptible, signals_blocked, tell
from orienteer.training.devices import resolve
from orienteer.training.group import wait_at_most
from orienteer.training.session import Session


def train(session: Session, fabric: Fabric) -> None:
    """Train to the end, or until a signal asks.

    Raises:
        Stopped: a signal asked; what was done is saved.
        RunError: training broke down.
    """
    devices = resolve(session.settings.devices)
    if devices.devices == 1:
        session(fabric)
    elif launched() is not None:
        wait_at_most(devices.timeout_s)
        fabric.launch()
        session(fabric)
    elif (stopped := _Ranks().train(session, fabric)) is not None:
        raise stopped


@dataclass
class _Rank:
    """What one of the processes runs."""

    session: Session

    def __call__(self, fabric: Fabric) -> Stopped | None:
        """A stop is an answer: raised in one process, it would end the others in the middle of their saving."""
        try:
            self.session(fabric)
        except Stopped as stopped:
            return stopped
        return None


@dataclass
class _AskedBefore:
    """Shared with the processes: one that is still starting learns of a signal that had come before."""

    number: Any

    def __call__(self) -> int:
        return int(self.number.value)


class _Ranks:
    """The processes of one run. This one listens and passes on; only the first of them writes."""

    def __init__(self) -> None:
        self.others = set(multiprocessing.active_children())
        self.asked = _AskedBefore(multiprocessing.get_context("spawn").RawValue("i", 0))
        self.answer: Stopped | None = None
        self.error: BaseException | None = None

    def train(self, session: Session, fabric: Fabric) -> Stopped | None:
        """Waits for all of them; returns why they stopped, or None."""
        rank = _Rank(replace(session, asked_before=self.asked))
        # In a thread of its own signals can be blocked, and in the processes it starts, while this one listens.
        thread = threading.Thread(target=self._launch, args=(fabric.launch, rank), daemon=True)
        try:
            with Interruptible(pass_on=self._pass_on):
                thread.start()
                thread.join()
        except KeyboardInterrupt:  # a second Ctrl-C
            for process in self._processes():
                process.kill()
            thread.join()
            raise
        if self.error is not None:
            raise self.error
        return self.answer

    def _launch(self, launch: Callable[[_Rank], Stopped | None], rank: _Rank) -> None:
        try:
            with signals_blocked():
                self.answer = launch(rank)
        except BaseException as error:
            self.error = error

    def _pass_on(self, number: int) -> None:
        if number in ENDING:
            self.asked.number.value = number
        for process in self._processes():
            tell(process, number)

    def _processes(self) -> list[BaseProcess]:
        return [process for process in multiprocessing.active_children() if process not in self.others]
