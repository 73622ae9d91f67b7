"""Keep the readers' chatter from the user: what matters becomes a finding."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import SimpleITK as sitk

LOGGERS = ("nibabel.global", "pydicom")

_lock = threading.Lock()
_inside = 0


@contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings and loggers of nibabel, pydicom and ITK; may be entered by several threads at once.

    Warning filters and log levels belong to the process, so the first thread in saves them and the last one
    out puts them back.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


_saved: tuple[warnings.catch_warnings, list[bool], bool] | None = None


def _enter() -> None:
    global _inside, _saved
    with _lock:
        _inside += 1
        if _inside > 1:
            return
        caught = warnings.catch_warnings()
        caught.__enter__()
        warnings.simplefilter("ignore")
        loggers = [logging.getLogger(name) for name in LOGGERS]
        _saved = (
            caught,
            [logger.disabled for logger in loggers],
            sitk.ProcessObject.GetGlobalWarningDisplay(),
        )
        for logger in loggers:
            logger.disabled = True
        sitk.ProcessObject.SetGlobalWarningDisplay(False)


def _leave() -> None:
    global _inside, _saved
    with _lock:
        _inside -= 1
        if _inside or _saved is None:
            return
        caught, disabled, display = _saved
        _saved = None
        sitk.ProcessObject.SetGlobalWarningDisplay(display)
        for name, state in zip(LOGGERS, disabled, strict=True):
            logging.getLogger(name).disabled = state
        caught.__exit__(None, None, None)
