"""The process of a job: what it has imported, and what became of it."""

from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

from orienteer.errors import OrienteerError

JOB = "orienteer.benchmark.job"
"""The module that a process of a job imports."""
DIED = "its process was killed, most likely because memory ran out"


def error_of(future: "Future[None]") -> str | None:
    """What went wrong, in words; None where nothing did."""
    try:
        future.result()
    except BrokenProcessPool:
        return DIED
    except OrienteerError as error:
        return str(error)
    except Exception as error:  # a bug in one job must not cost the others
        return f"{type(error).__name__}: {error}"
    return None
