"""Turn every library's way of running out of memory into one error with a fix."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from orienteer.errors import OrienteerError, RunError

MESSAGES = (
    "out of memory",  # CUDA, cuDNN, MPS
    "not enough memory",  # torch's CPU allocator on Windows
    "can't allocate memory",  # and elsewhere
    "cannot allocate memory",  # the kernel: fork, mmap
    "unable to allocate",  # numpy
    "failed to allocate",  # ITK
    "alloc_failed",  # cuBLAS
    "bad_alloc",  # C++
    "out of shared memory",  # torch's loader
)


def ran_out(error: BaseException) -> bool:
    """Whether ``error`` or one of its causes says that memory ran out."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError) or type(cause).__name__ == "OutOfMemoryError":
            return True
        if isinstance(cause, RuntimeError | OSError) and any(words in str(cause).lower() for words in MESSAGES):
            return True
        cause = cause.__cause__
    return False


@contextmanager
def explained(cure: str) -> Iterator[None]:
    """Within, running out of memory raises a `RunError` that names the settings to change.

    Raises:
        RunError: memory ran out.
    """
    try:
        yield
    except OrienteerError:
        raise
    except Exception as error:
        if not ran_out(error):
            raise
        raise RunError("memory ran out", cure=cure) from error


def peak_mb() -> float | None:
    """Peak memory of this process, MB; None where the system does not report it (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)  # bytes on macOS, kilobytes on Linux
