"""Which data was learned from: one number, the same for every copy of a store. Needs no torch."""

import hashlib

from orienteer.store import Store
from orienteer.store.convention import WINDOW
from orienteer.store.manifest import Kind


def fingerprint(store: Store, *, labels: bool = False) -> str:
    """SHA-256 of the ids, splits and voxels of a store: the same for the same data wherever it lies.

    Args:
        store: the store learned from.
        labels: include them. Pretraining does not use them: a store that gets labels later is still the one that
            its run learned from.
    """
    scans = store.manifest.scans
    kinds: tuple[Kind, ...] = ("foreground", "image", "labels") if labels else ("foreground", "image")
    arrays = zip(*map(scans.digests, kinds), strict=True)
    # An entry from before checksums has no arrays listed.
    voxels = (
        " ".join(filter(None, digests)) or content
        for digests, content in zip(arrays, scans.column("content"), strict=True)
    )
    told = zip(scans.column("id"), scans.column("split"), voxels, strict=True)
    lines = sorted(f"{scan} {split} {digests}" for scan, split, digests in told)
    if store.manifest.convention != WINDOW:  # which may leave the voxels as they are
        lines.append(f"intensities {store.manifest.convention}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def answers_in(store: Store, column: str | None) -> str | None:
    """SHA-256 of what the table's column says of every scan; None without a column."""
    if column is None:
        return None
    told = sorted(f"{entry.id} {entry.table.get(column)}" for entry in store.manifest.scans)
    return hashlib.sha256("\n".join(told).encode()).hexdigest()
