"""Counter-based randomness: a draw depends on what it is for, never on what was drawn before it.

Philox is a counter-based generator: with the seed as its key and (purpose, a, b) as its counter, every sample of
every step has a stream of its own. Order, workers, processes and resuming therefore never change a result.
"""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What a stream is for; two purposes never share numbers."""

    SCAN_ORDER = 1
    GEOMETRY = 2
    PLACEMENT = 3
    APPEARANCE = 4
    NOISE = 5
    PROBE = 6
    WEIGHTS = 7
    STEP = 8
    CORRUPTION = 9
    LABELLED = 10
    TRAINED_ON = 11
    MEASURED = 12
    CURVE = 13
    SHIFT = 14
    ELASTIC = 15


def generator(seed: int, purpose: Purpose, a: int = 0, b: int = 0) -> np.random.Generator:
    """A fresh generator for one purpose, addressed by two counters (epoch or sample number, view, ...)."""
    word = 2**64
    # As uint64: from a list, numpy would take a word of 2^63 or more for a float and lose its last digits.
    key = np.array([seed % word, int(purpose)], dtype=np.uint64)
    # The lowest word is the one Philox itself advances; the address sits above it.
    counter = np.array([0, 0, a % word, b % word], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def torch_seed(seed: int, purpose: Purpose, a: int = 0, b: int = 0) -> int:
    """A seed for torch's own generator (initial weights, dropout in step ``a``), derived the same way."""
    return int(generator(seed, purpose, a, b).integers(2**62))
