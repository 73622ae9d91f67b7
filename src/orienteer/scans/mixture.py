"""Whether a cohort is of one kind and one body part, which is what "where" is learned best of."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from orienteer.scans.proposal import body_mm
from orienteer.scans.source import ScanInfo

ALIKE = 2.5
"""Of one body part, the ninth of ten scans in size is at most this many times the second."""
APART = "where a piece lies is learned best of one kind and one body part: a store for each"


def mixture(scans: Iterable[ScanInfo]) -> list[str]:
    """Notes on what a cohort mixes: kinds of images, sizes of several body parts."""
    usable = [scan for scan in scans if scan.usable and len(scan.extent_mm) == 3]
    kinds = Counter(scan.modality for scan in usable if scan.modality != "unknown")
    notes = []
    if len(kinds) > 1:
        counted = ", ".join(f"{number} of {kind}" for kind, number in kinds.most_common())
        guessed = "" if all(scan.modality_said for scan in usable) else " (in part a guess from their grey values)"
        notes.append(f"several kinds of scans, {counted}{guessed}; {APART}")
    if usable:
        small, large = np.quantile([body_mm([scan.extent_mm]) for scan in usable], [0.1, 0.9])
        if large > ALIKE * small:
            notes.append(f"scans of very different size, mostly {small:.0f} to {large:.0f} mm; {APART}")
    return notes
