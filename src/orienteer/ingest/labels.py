"""Which label file belongs to which scan, and its structure numbers on the stored grid."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orienteer.errors import ScanError
from orienteer.geometry import canonical
from orienteer.geometry.resample import Grid, covered
from orienteer.ingest.resample import resample_labels
from orienteer.ingest.table import base_name
from orienteer.scans import Finding, Source, discover, read
from orienteer.scans.discover import LABEL_NAME
from orienteer.scans.findings import finding

SAME_SPACE = 0.9
"""Share of the image that labels on another grid must cover."""
CHANNEL = re.compile(r"_0000$")
"""How nnU-Net marks the first channel of an image; its labels go without."""
Labels = NDArray[np.int16] | None


def labels_of(folder: Path | None, sources: Sequence[Source]) -> dict[str, Source]:
    """Labels by scan id: the same path below the labels' folder, else the file name where only one has it.

    ``case_label``, ``case-seg`` and the like belong to ``case``, and ``case`` to ``case_0000``.

    Raises:
        OrienteerError: the folder is missing or holds no labels.
    """
    if folder is None:
        return {}
    by_id: dict[str, Source] = {}
    by_name: dict[str, list[Source]] = defaultdict(list)
    for found in discover(folder):
        by_id[found.id] = found
        suffixed = LABEL_NAME.match(base_name(found.id))
        for name in {base_name(found.id), suffixed["case"] if suffixed else base_name(found.id)}:
            by_name[name].append(found)
    chosen = {}
    for source in sources:
        names = (base_name(source.id), CHANNEL.sub("", base_name(source.id)))
        single = [by_name[name][0] for name in names if len(by_name[name]) == 1]
        label = by_id.get(source.id) or (single[0] if single else None)
        if label is not None:
            chosen[source.id] = label
    return chosen


def labels_on_grid(source: Source | None, grid: Grid) -> tuple[Labels, list[Finding]]:
    """Structure numbers ``(D, H, W)``, or None with the reason: bad labels never cost the scan."""
    if source is None:
        return None, []
    try:
        volume = canonical(read(replace(source, sparse=True)))
    except ScanError as error:
        return None, [replace(finding("labels-unreadable", error.message), cure=error.cure)]
    values = volume.array
    if values.min() < 0 or values.max() > 32767 or not np.array_equal(values, np.rint(values)):
        message = f"{source.relative}: labels are not whole numbers from 0 to 32767"
        return None, [finding("labels-not-whole", message)]
    share = covered(volume.shape, volume.affine, grid)
    if share < SAME_SPACE:
        message = f"{source.relative}: labels cover {share:.0%} of the image's space"
        return None, [finding("labels-elsewhere", message)]
    return resample_labels(volume, grid), []
