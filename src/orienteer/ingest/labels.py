"""A scan's labels on the stored grid."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from orienteer.geometry import canonical
from orienteer.geometry.resample import Grid
from orienteer.ingest.resample import resample_labels
from orienteer.scans.findings import Finding
from orienteer.scans.labels.read import names_orientation, read_labels
from orienteer.scans.reading import inspect
from orienteer.scans.source import Source
from orienteer.store.manifest import ScanEntry

LABELS_METHOD = 4
"""Counted up whenever labels may be read otherwise than before; ``may_differ`` says which are read again."""
Labels = NDArray[np.int16] | None


def labels_on_grid(source: Source | None, scan: Grid, grid: Grid, *, oriented: bool) -> tuple[Labels, list[Finding]]:
    """Structure numbers ``(D, H, W)``, or None with the reason: bad labels never cost the scan.

    Args:
        source: the labels.
        scan: the scan's own grid.
        grid: the store's.
        oriented: whether the scan's header names an orientation.
    """
    if source is None:
        return None, []
    volume, found = read_labels(source, scan, oriented=oriented)
    return (resample_labels(canonical(volume), grid) if volume else None), found


def may_differ(labels: Source, entry: ScanEntry, method: int) -> bool:
    """Whether labels that an earlier version took or refused may be others now, which the header of their file says.

    Those without orientation could be mirrored, and MetaImage's slope was not applied.

    Args:
        labels: as they are now.
        entry: the scan as it is stored.
        method: by which its labels were read.
    """
    if method == LABELS_METHOD:
        return False
    if not entry.labelled:
        return True
    header = inspect(labels, voxels=False).findings
    applied = any(found.code == "scaling-applied" for found in header)
    return applied or names_orientation(header) != names_orientation(entry.findings)


def meaning_of_labels(source: Source | None) -> dict[str, Any]:
    """The fields of an entry that say what its labels mean."""
    return {"structures": dict(source.structures), "ignored": source.ignored} if source else {}
