"""The one family of errors a user of Orienteer is meant to read.

Every message names the thing that is wrong and, where one is known, the cure. The command line prints these
without a traceback; anything else that escapes is a bug.
"""

from collections.abc import Iterator
from contextlib import contextmanager


class OrienteerError(Exception):
    """Something the user can mend. ``cure`` says how, in one sentence."""

    def __init__(self, message: str, *, cure: str = "") -> None:
        self.message = message
        self.cure = cure
        super().__init__(f"{message} — {cure}" if cure else message)


class ScanError(OrienteerError):
    """One scan cannot be used; the others go on. ``code`` is the finding's code."""

    def __init__(self, message: str, *, code: str, cure: str = "") -> None:
        self.code = code
        super().__init__(message, cure=cure)


class StoreError(OrienteerError):
    """A store is missing, of another version, or damaged."""


class ConfigError(OrienteerError):
    """A setting is unknown, of the wrong type, or contradicts another."""


class RunError(OrienteerError):
    """A run folder is missing, in the way, or cannot be resumed."""


@contextmanager
def needs(extra: str, *modules: str) -> Iterator[None]:
    """Within, a module that comes with an extra and is not installed is an error that says what to install.

    Args:
        extra: name of the extra in ``pyproject.toml``.
        modules: top-level modules that it brings.

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
            cure=f"pip install 'orienteer[{extra}]', or in a clone: pip install '.[{extra}]'",
        ) from error
