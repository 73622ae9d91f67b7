"""What the server says no with: a status, a code for programs, a sentence and a cure for people."""

from typing import Any

from orienteer.errors import ConfigError, OrienteerError, RunError, StoreError


class Refusal(Exception):
    """A request that is not answered.

    Attributes:
        status: HTTP status.
        code: stable word for programs, see docs/reference/observatory.md.
    """

    def __init__(self, status: int, code: str, message: str, cure: str = "") -> None:
        self.status, self.code, self.message, self.cure = status, code, message, cure
        super().__init__(message)

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        return {"error": {"code": self.code, "message": self.message, "cure": self.cure}}


def refusal_of(error: OrienteerError) -> Refusal:
    """One of Orienteer's own errors, as an answer."""
    known = {ConfigError: (422, "invalid"), StoreError: (500, "store-unreadable"), RunError: (500, "run-unreadable")}
    status, code = next((said for kind, said in known.items() if isinstance(error, kind)), (500, "failed"))
    return Refusal(status, code, error.message, error.cure)
