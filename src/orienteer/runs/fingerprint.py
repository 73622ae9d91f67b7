"""Which data was learned from: one number, the same for every copy of a store. Needs no torch."""

import hashlib

from orienteer.store import Store
from orienteer.store.convention import WINDOW
from orienteer.store.manifest import ScanEntry


def fingerprint(store: Store, *, labels: bool = False) -> str:
    """SHA-256 of the ids, splits and voxels of a store: the same for the same data wherever it lies.

    Args:
        store: the store learned from.
        labels: include them. Pretraining does not use them: a store that gets labels later is still the one that
            its run learned from.
    """
    lines = sorted(f"{entry.id} {entry.split} {_voxels(entry, labels=labels)}" for entry in store.manifest.scans)
    if store.manifest.convention != WINDOW:  # which may leave the voxels as they are
        lines.append(f"intensities {store.manifest.convention}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _voxels(entry: ScanEntry, *, labels: bool) -> str:
    digests = [array.sha256 for kind, array in sorted(entry.arrays.items()) if labels or kind != "labels"]
    return " ".join(digests) or entry.content  # an entry from before checksums has no arrays listed
