"""The memory of this process: every library's way of running out of it as one error, its peak, and what is freed."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

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


def keep_freed() -> None:
    """Keep up to 1 GB of freed memory in this process, on Linux with glibc; elsewhere this does nothing.

    A training step frees what it allocated. By default the system takes it back and hands out zeroed pages a moment
    later, which on a CPU is a seventh of a step (docs/log.md).
    """
    trim_threshold, mmap_threshold = -1, -3  # malloc.h
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(trim_threshold, 1 << 30)
        libc.mallopt(mmap_threshold, 1 << 25)  # the most that it takes
