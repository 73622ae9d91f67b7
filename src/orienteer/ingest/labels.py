"""Which label file belongs to which scan, and its structure numbers on the stored grid."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orienteer.errors import StoreError
from orienteer.geometry import canonical
from orienteer.geometry.resample import Grid
from orienteer.ingest.resample import resample_labels
from orienteer.ingest.result import counted
from orienteer.ingest.table import base_name
from orienteer.scans import Finding, Source, discover
from orienteer.scans.discover import LABEL_NAME
from orienteer.scans.labels.read import read_labels

CHANNEL = re.compile(r"_0000$")
"""How nnU-Net marks the first channel of an image; its labels go without."""
Labels = NDArray[np.int16] | None


def labels_of(folder: Path, sources: Sequence[Source]) -> dict[str, Source]:
    """Labels by scan id: the same path below the labels' folder, else the same file name.

    ``case_label``, ``case-seg`` and the like belong to ``case``, and ``case`` to ``case_0000``. Only the very same
    path is enough by itself; any other likeness counts where one scan and one label file have it, because labels
    of somebody else are worse than none.

    Raises:
        OrienteerError: the folder is missing, holds no labels, or none that belong to a scan.
    """
    labels = discover(folder)
    scans = sorted({source.id for source in sources})
    by_id = {label.id: label for label in labels}
    chosen = {scan: by_id[scan] for scan in scans if scan in by_id}
    given = set(chosen)
    for part in (str, base_name):
        of_labels = _by_name((label.id, (part(label.id), part(_case(label.id)))) for label in labels)
        of_scans = _by_name((scan, (part(scan), part(CHANNEL.sub("", scan)))) for scan in scans)
        for name, (scan, *others) in of_scans.items():
            fitting = of_labels[name]
            if not others and len(fitting) == 1 and scan not in chosen and fitting[0] not in given:
                chosen[scan] = by_id[fitting[0]]
                given.add(fitting[0])
    if scans and not chosen:
        raise StoreError(
            f"no label file in {folder} belongs to any of the scans: label files are called e.g. {min(by_id)!r}"
            f" ({counted(len(by_id), 'file')}), scans e.g. {scans[0]!r} ({counted(len(scans), 'scan')})",
            cure="give them the scans' paths or names (a name alone counts where one scan and one label file have it),"
            " or leave out --labels",
        )
    return chosen


def _case(label_id: str) -> str:
    """The id without what marks a label file: ``p1__ct_seg`` is of ``p1__ct``."""
    base = base_name(label_id)
    suffixed = LABEL_NAME.match(base)
    return label_id.removesuffix(base) + suffixed["case"] if suffixed else label_id


def _by_name(named: Iterable[tuple[str, Iterable[str]]]) -> dict[str, list[str]]:
    """The ids each name may stand for, from ids and their names."""
    found: dict[str, list[str]] = defaultdict(list)
    for own, names in named:
        for name in dict.fromkeys(names):
            found[name].append(own)
    return found


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
