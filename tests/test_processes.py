"""Processes start with their modules imported, whoever asks first."""

import multiprocessing
import signal
import sys
from concurrent.futures import ProcessPoolExecutor

from orienteer.processes import processes_with


def _imported() -> bool:
    return "orienteer.benchmark.job" in sys.modules


def test_processes__have_what_was_asked_for_before_the_first_started() -> None:
    processes_with("orienteer.benchmark.job")
    with ProcessPoolExecutor(1, mp_context=processes_with("orienteer.ingest.prepare")) as pool:
        assert pool.submit(_imported).result()


def _blocked() -> set[int]:
    return {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())}


def test_processes__those_of_others_hear_signals_as_usual() -> None:
    """A fork server with signals blocked would give children that a pool of somebody else could not end."""
    with ProcessPoolExecutor(1, mp_context=processes_with("orienteer.ingest.prepare")) as pool:
        assert signal.SIGTERM in pool.submit(_blocked).result()
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        assert not pool.apply(_blocked)
