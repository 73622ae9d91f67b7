"""What the server says no with: a status, a code for programs, a sentence and a cure for people."""

import os
from collections.abc import Mapping
from pathlib import Path

from orienteer.errors import ConfigError, OrienteerError, RunError, StoreError
from orienteer.observatory.responses import ErrorResponse, Problem


class Refusal(Exception):
    """A request that is not answered.

    Attributes:
        status: HTTP status.
        code: stable word for programs, see docs/reference/observatory.md.
    """

    def __init__(self, status: int, code: str, message: str, cure: str = "") -> None:
        self.status, self.code, self.message, self.cure = status, code, message, cure
        super().__init__(message)

    def body(self) -> ErrorResponse:
        """What is answered."""
        return ErrorResponse(error=Problem(code=self.code, message=self.message, cure=self.cure))


def refusal_of(error: OrienteerError, names: Mapping[Path, str]) -> Refusal:
    """One of Orienteer's own errors, as an answer.

    Args:
        error: its message may name files, as it does on the command line.
        names: what to call folders instead: where they lie is often named after people.
    """
    known = {ConfigError: (422, "invalid"), StoreError: (500, "store-unreadable"), RunError: (500, "run-unreadable")}
    status, code = next((said for kind, said in known.items() if isinstance(error, kind)), (500, "failed"))
    return Refusal(status, code, _named(error.message, names), _named(error.cure, names))


def _named(text: str, names: Mapping[Path, str]) -> str:
    for folder, name in names.items():
        # As it was given and as others may spell it; longest first, for one may be the end of another.
        spelt = {str(folder), str(folder.absolute()), str(folder.resolve())}
        for path in sorted((path for path in spelt if os.sep in path), key=len, reverse=True):
            text = text.replace(path, name)
    return text
