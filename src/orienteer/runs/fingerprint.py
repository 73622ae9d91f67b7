"""Which data was learned from: one number that any copy of the store gives again. Needs no torch."""

import hashlib

from orienteer.store import Store
from orienteer.store.manifest import ScanEntry


def fingerprint(store: Store, *, labels: bool = False) -> str:
    """SHA-256 of the ids, splits and voxels of a store: the same for the same data wherever it lies.

    Args:
        store: the store learned from.
        labels: count them too. Pretraining does not see them: a store that is given labels later is still the one
            that its run learned from.
    """
    lines = sorted(f"{entry.id} {entry.split} {_voxels(entry, labels=labels)}" for entry in store.manifest.scans)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _voxels(entry: ScanEntry, *, labels: bool) -> str:
    seen = [array.sha256 for kind, array in sorted(entry.arrays.items()) if labels or kind != "labels"]
    return " ".join(seen) or entry.content  # an entry from before checksums has no arrays listed
