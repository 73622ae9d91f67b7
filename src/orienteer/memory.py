"""Running out of memory, in the words of every library that may say it, becomes one error with its cure."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from orienteer.errors import OrienteerError, RunError

SAYINGS = (
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
    """Whether ``error``, or what it came from, says that memory ran out."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError) or type(seen).__name__ == "OutOfMemoryError":
            return True
        if isinstance(seen, RuntimeError | OSError) and any(words in str(seen).lower() for words in SAYINGS):
            return True
        seen = seen.__cause__
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
    """Largest memory this process has held so far, MB; None where the system does not say (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)  # macOS says bytes, Linux kilobytes
