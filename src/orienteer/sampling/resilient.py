"""A loader that survives its workers: one that is killed costs a restart of the loader, not the run.

Batches are numbered, so the ones that were being prepared are made again, and are the same.
"""

import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TypeVar

from orienteer.errors import OrienteerError, RunError, StoreError

Batch = TypeVar("Batch")
Numbers = Sequence[list[int]]

MOST_DEATHS = 3
"""Deaths in a row, without a batch in between, after which something else must be wrong."""

CURE = "set devices.workers=0, or leave the machine more memory; the run goes on from its last checkpoint"


def resilient_batches(load: Callable[[Numbers], Iterable[Batch]], numbers: Numbers) -> Generator[Batch, None, None]:
    """One batch for each of ``numbers``, in order; ``load`` is called again for the rest when a worker dies.

    Raises:
        RunError: workers die one after the other.
        OrienteerError: what a worker raised, without torch's traceback around it.
    """
    done = deaths = 0
    while done < len(numbers):
        try:
            for batch in load(numbers[done:]):
                done, deaths = done + 1, 0
                yield batch
        except OrienteerError as error:
            raise _unwrapped(error) from None
        except RuntimeError as error:
            if not _is_death(error):
                raise
            deaths += 1
            if deaths == MOST_DEATHS:
                raise RunError(
                    f"{deaths} loader processes were killed one after the other, most likely for want of memory",
                    cure=CURE,
                ) from error
            print("orienteer: a loader process was killed; another one goes on where it was", file=sys.stderr)


def _is_death(error: RuntimeError) -> bool:
    text = str(error)
    return text.startswith("DataLoader worker") and ("exited unexpectedly" in text or "killed by signal" in text)


def _unwrapped(error: OrienteerError) -> OrienteerError:
    """Torch wraps what a worker raised in its traceback; its last line is ours."""
    if not error.message.startswith("Caught "):
        return error
    last = error.message.strip().splitlines()[-1].partition(": ")[2]
    message, _, cure = last.partition(" — ")
    return StoreError(message, cure=cure)
