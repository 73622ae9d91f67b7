"""A scan's labels on the stored grid."""

import numpy as np
from numpy.typing import NDArray

from orienteer.geometry import canonical
from orienteer.geometry.resample import Grid
from orienteer.ingest.resample import resample_labels
from orienteer.scans import Finding, Source
from orienteer.scans.labels.read import read_labels

Labels = NDArray[np.int16] | None


def labels_on_grid(source: Source | None, scan: Grid, grid: Grid) -> tuple[Labels, list[Finding]]:
    """Structure numbers ``(D, H, W)``, or None with the reason: bad labels never cost the scan.

    Args:
        source: the labels.
        scan: the scan's own grid.
        grid: the store's.
    """
    if source is None:
        return None, []
    volume, found = read_labels(source, scan)
    return (resample_labels(canonical(volume), grid) if volume else None), found
