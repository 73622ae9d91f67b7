"""Errors that a user can fix. Every message names what is wrong; ``cure``, where known, says how to fix it.

The command line prints them without a traceback; any other exception that escapes is a bug.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class OrienteerError(Exception):
    """Something the user can fix. ``cure`` says how, in one sentence.

    Examples:
        >>> print(OrienteerError("no split called tset", cure="choose from train, val, test"))
        no split called tset — choose from train, val, test
    """

    def __init__(self, message: str, *, cure: str = "") -> None:
        self.message = message
        self.cure = cure
        super().__init__(f"{message} — {cure}" if cure else message)


class ScanError(OrienteerError):
    """One scan cannot be used; the others are not affected. ``code`` is the finding's code."""

    def __init__(self, message: str, *, code: str, cure: str = "") -> None:
        self.code = code
        super().__init__(message, cure=cure)


class StoreError(OrienteerError):
    """A store is missing, of another version, or damaged."""


class ConfigError(OrienteerError):
    """A setting is unknown, of the wrong type, or contradicts another."""


class RunError(OrienteerError):
    """A run folder is missing, already exists, or cannot be resumed."""


class OrienteerWarning(UserWarning):
    """The work goes on, though not quite as asked. The command line prints it as a note."""


class Stopped(RunError):
    """A run was asked to end and did so, after a checkpoint. ``number`` is that of the signal."""

    def __init__(self, message: str, *, cure: str = "", number: int = 0) -> None:
        self.number = number
        super().__init__(message, cure=cure)


class Elsewhere(RunError):
    """What another process of the same run has raised. That one says it."""


@contextmanager
def needs(extra: str, *modules: str) -> Iterator[None]:
    """Context in which a missing module of an extra raises an error that names the extra to install.

    Args:
        extra: name of the extra in ``pyproject.toml``.
        modules: its top-level modules.

    Raises:
        OrienteerError: one of them is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in modules:
            raise
        raise OrienteerError(
            f"this needs {error.name}, which a plain installation leaves out",
            cure=f"pip install 'orienteer[{extra}]'",
        ) from error
