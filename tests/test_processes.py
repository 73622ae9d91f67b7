"""Processes start with their modules imported, whoever asks first."""

import sys
from concurrent.futures import ProcessPoolExecutor

from orienteer.processes import processes_with


def _imported() -> bool:
    return "orienteer.benchmark.job" in sys.modules


def test_processes__have_what_was_asked_for_before_the_first_started() -> None:
    processes_with("orienteer.benchmark.job")
    with ProcessPoolExecutor(1, mp_context=processes_with("orienteer.ingest.prepare")) as pool:
        assert pool.submit(_imported).result()
